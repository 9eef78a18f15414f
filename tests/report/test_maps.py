from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mkmine.discovery import ProcessMap
from mkmine.errors import DataError, UnknownNameError
from mkmine.report import draw
from mkmine.report.maps import Metric

MakeMap = Callable[..., ProcessMap]
SVG = "{http://www.w3.org/2000/svg}"
METRICS: tuple[Metric, ...] = ("frequency", "time")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.fixture
def loop(make_map: MakeMap) -> ProcessMap:
    edges = [("Бриф", "Текст", 2252, 4.1), ("Текст", "Бриф", 748, 40.0), ("Текст", "Текст", 93, 0.5)]
    return make_map(["Бриф", "Текст"], edges, share=3 / 4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_map_is_one_accessible_svg_that_needs_nothing(loop: ProcessMap, metric: Metric, language: str) -> None:
    svg = draw(loop, metric=metric, language=language).svg
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"]
    assert root.find(f"{SVG}title") is not None
    assert not re.search(r"\bid=|href|style=|url\(|<script", svg)
    assert len(root.findall(f".//{SVG}g[@class='mk-activity']")) == 2


def test_numbers_are_written_as_the_language_does(loop: ProcessMap) -> None:
    assert "2\u202f252" in texts(draw(loop, language="ru").svg)
    assert "2,252" in texts(draw(loop, language="en").svg)
    assert "4,1\u00a0ч" in texts(draw(loop, metric="time", language="ru").svg)
    assert "5,0\u00a0дн" in texts(draw(loop, metric="time", language="ru").svg)  # 40 h of 8-hour days


def test_the_filter_is_stated(loop: ProcessMap) -> None:
    assert any("3 of 4 paths" in line for line in texts(draw(loop).svg))
    assert any("путей: 3 из 4" in line for line in texts(draw(loop, language="ru").svg))


def test_returns_are_drawn_unlike_the_flow(loop: ProcessMap) -> None:
    svg = draw(loop).svg
    assert svg.count("mk-path mk-rework") == 2
    assert svg.count("mk-path mk-flow") == 1
    assert "return to earlier work" in " ".join(texts(svg))


def test_the_same_map_gives_the_same_bytes(loop: ProcessMap, make_map: MakeMap) -> None:
    assert draw(loop).svg == draw(loop).svg


@pytest.mark.parametrize("metric", METRICS)
def test_hostile_names_are_text(make_map: MakeMap, metric: Metric) -> None:
    names = ["<script>alert(1)</script>", "\"a\" & 'b'", "a\nb\x00c", "x" * 300, "{n}", "]]>", "\u202eabc", "%s %(x)s"]
    edges = [(a, b, 10, 1.0) for a, b in itertools.pairwise(names)]
    svg = draw(make_map(names, edges), metric=metric, language="ru").svg
    root = ElementTree.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    shown = texts(svg)
    assert any("<script>" in line for line in shown)
    assert "a b c" in shown
    assert "\u202e" not in svg
    assert any(line.endswith("…") and set(line) == {"x", "…"} for line in shown)


def test_one_activity(make_map: MakeMap) -> None:
    svg = draw(make_map(["Согласование"], [])).svg
    assert svg.count('class="mk-start"') == svg.count('class="mk-end"') == 1


@pytest.mark.parametrize("metric", METRICS)
def test_sixty_activities(make_map: MakeMap, metric: Metric) -> None:
    names = [f"Действие {n}" for n in range(60)]
    edges = [(names[a], names[b], 5 + a, float(b)) for a in range(60) for b in (a + 1, a + 2, a - 3) if 0 <= b < 60]
    picture = draw(make_map(names, edges), metric=metric)
    assert picture.svg.count('class="mk-activity"') == 60


def test_unknown_times_are_not_invented(make_map: MakeMap) -> None:
    nan = float("nan")
    svg = draw(make_map(["A", "B"], [("A", "B", 5, nan)], duration=nan), metric="time").svg
    shown = texts(svg)
    assert "—" in shown
    assert "waiting times are unknown or zero" in shown
    assert any("durations are not shown" in line for line in shown)


def test_boxes_hold_their_text(make_map: MakeMap) -> None:
    from mkmine.report.lettering import text_width

    names = ["Ж" * 40, "Очень длинное название действия с пояснением", "Ок"]
    svg = draw(make_map(names, [])).svg
    for group in ElementTree.fromstring(svg).findall(f".//{SVG}g[@class='mk-activity']"):
        box = group.find(f"{SVG}rect")
        assert box is not None
        for line in group.findall(f"{SVG}text"):
            weight = "bold" if line.attrib.get("font-weight") else "regular"
            width = text_width(line.text or "", size=float(line.attrib["font-size"]), weight=weight)  # type: ignore[arg-type]
            assert width <= float(box.attrib["width"])


def test_a_misspelt_metric_names_the_nearest(loop: ProcessMap) -> None:
    with pytest.raises(UnknownNameError, match="frequency"):
        draw(loop, metric="freqency")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="language"):
        draw(loop, language="de")


def test_a_picture_is_saved_as_svg_and_nothing_else(loop: ProcessMap, tmp_path: Path) -> None:
    picture = draw(loop)
    saved = picture.save(tmp_path / "new" / "map.svg")
    assert ElementTree.parse(saved).getroot().tag == f"{SVG}svg"
    with pytest.raises(DataError, match=r"map\.svg"):
        picture.save(tmp_path / "map.png")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["map.svg"]
    assert picture.svg in picture._repr_html_()


def test_a_map_too_dense_to_read_is_refused_at_once(make_map: MakeMap) -> None:
    names = [f"activity {n}" for n in range(30)]
    edges = [(one, other, 1, 1.0) for one, other in itertools.permutations(names, 2)]
    with pytest.raises(DataError, match=r"a map of 30 activities and \d{3} transitions is too dense .* paths=0\.2"):
        draw(make_map(names, edges))
