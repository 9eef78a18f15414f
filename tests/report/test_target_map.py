from __future__ import annotations

import re
from xml.etree import ElementTree

from mkmine.report.target_map import draw_target
from mkmine.targets import Flow, Node, ProcessModel

HOSTILE = "<script>x</script>"


def model() -> ProcessModel:
    nodes = (
        Node(id="s", kind="start"),
        Node(id="a", kind="task", name="Текст", lane="Копирайтер"),
        Node(id="g", kind="exclusive", name="Принято?"),
        Node(id="b", kind="task", name=HOSTILE),
        Node(id="e", kind="end"),
    )
    pairs = (("s", "a", ""), ("a", "g", ""), ("g", "b", "да"), ("g", "a", "нет"), ("b", "e", ""))
    flows = tuple(Flow(id=f"f{n}", source=one, target=other, name=name) for n, (one, other, name) in enumerate(pairs))
    return ProcessModel(nodes=nodes, flows=flows, name="Статья")


def test_the_model_is_drawn_with_its_words() -> None:
    svg = draw_target(model(), absent=[HOSTILE], roles={HOSTILE: "Редактор"}, language="ru").svg
    root = ElementTree.fromstring(svg)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Текст", "Копирайтер", "Редактор", "Принято?", "да", "нет", HOSTILE} <= set(words)
    assert "выделено то, чего в журнале нет" in words
    assert not re.search(r"\bid=|href|style=|<script", svg)


def test_the_way_back_is_dashed_and_goes_up() -> None:
    svg = draw_target(model()).svg
    assert svg.count("mk-path mk-rework") == 1
    assert svg.count("mk-path mk-flow") == 4


def test_the_same_model_gives_the_same_bytes() -> None:
    assert draw_target(model()).svg == draw_target(model()).svg
