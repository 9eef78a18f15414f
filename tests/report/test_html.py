from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from mkmine.eventlog import EventLog
from mkmine.report.blocks import Figure, Heading
from mkmine.report.document import Report
from mkmine.report.improvement import report
from mkmine.simulation import Experiment
from mkmine.targets import Target


class Page(HTMLParser):
    """Collects tags, attributes, ids and the text of a page."""

    VOID = frozenset({"meta", "input", "br", "link", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def told(article: EventLog, target: Target, study: Callable[..., Experiment]) -> Report:
    return report(article, to_be=target, experiment=study(), language="ru", title="<img src=x onerror=1>")


@pytest.fixture(scope="module")
def html(told: Report) -> str:
    return told.html()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_well_formed_and_its_ids_are_unique(page: Page) -> None:
    assert not page.open
    assert not [one for one, n in Counter(page.ids).items() if n > 1]


def test_the_page_asks_for_nothing(html: str, page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    loading = [
        (tag, name, value) for tag, name, value in page.attributes if name in {"src", "href", "srcset", "action"}
    ]
    assert all(value.startswith("#") for _, _, value in loading)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in html


def test_the_policy_allows_this_style_sheet_only(html: str, page: Page) -> None:
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_the_contents_lead_to_every_chapter(told: Report, page: Page) -> None:
    links = [value.removeprefix("#") for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert links[0] == "summary"
    assert links == [one.anchor for one in told.blocks if isinstance(one, Heading) and one.level == 1]
    assert len(links) >= 10
    assert set(links) <= set(page.ids)


def test_every_figure_and_table_states_its_source(told: Report, html: str, page: Page) -> None:
    assert page.tags["figure"] == sum(isinstance(one, Figure) for one in told.blocks) >= 8
    assert html.count('<p class="source">') >= page.tags["figure"] + page.tags["table"]
    for part in re.findall(r"<figure>.*?</figure>", html, re.DOTALL):
        assert '<p class="source">' in part
        assert "Метод:" in part


def test_hostile_texts_stay_texts(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<img" not in html


def test_tables_are_semantic(html: str, page: Page) -> None:
    assert html.count("<caption>") == page.tags["table"]
    assert html.count('scope="col"') > 30
    assert 'class="num"' in html
