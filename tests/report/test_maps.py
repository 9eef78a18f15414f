from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mkmine.discovery import ProcessMap
from mkmine.errors import DataError, UnknownNameError
from mkmine.report import draw
from mkmine.report.scales import Metric

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


def test_a_picture_is_saved_as_svg_or_png(loop: ProcessMap, tmp_path: Path) -> None:
    picture = draw(loop)
    saved = picture.save(tmp_path / "new" / "map.svg")
    assert ElementTree.parse(saved).getroot().tag == f"{SVG}svg"
    with pytest.raises(DataError, match=r"map\.svg"):
        picture.save(tmp_path / "map.gif")
    with pytest.raises(DataError, match="no table of its own"):
        picture.save(tmp_path / "map.csv")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["map.svg"]
    assert picture.svg in picture._repr_html_()


def test_a_png_stands_on_white(loop: ProcessMap, tmp_path: Path) -> None:
    picture = draw(loop)
    saved = picture.save(tmp_path / "map.png").read_bytes()
    assert saved.startswith(b"\x89PNG")
    width, height = (int.from_bytes(saved[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (round(2 * picture.width), round(2 * picture.height))


def test_a_dense_map_shows_the_paths_that_can_be_read_and_says_so(make_map: MakeMap) -> None:
    names = [f"activity {n}" for n in range(30)]
    edges = [(one, other, 1 + (names.index(one) * 7) % 50, 1.0) for one, other in itertools.permutations(names, 2)]
    picture = draw(make_map(names, edges))
    paths = picture.svg.count("mk-path mk-flow") + picture.svg.count("mk-path mk-rework")
    assert 90 <= paths <= 90 + 2 * 30
    assert f"{paths} of 870 paths" in " ".join(texts(picture.svg))


def test_more_activities_than_can_be_drawn_are_refused_at_once(make_map: MakeMap) -> None:
    names = [f"activity {n}" for n in range(151)]
    with pytest.raises(DataError, match=r"a map of 151 activities cannot be drawn; .* activities=0\.3"):
        draw(make_map(names, []))


def test_measures_change_what_is_written(loop: ProcessMap) -> None:
    assert "600" in texts(draw(loop, measure="case").svg)
    assert "1" in texts(draw(loop, measure="max").svg)
    total = " ".join(texts(draw(loop, metric="time", measure="total").svg))
    assert "total wait, working time" in total
    with pytest.raises(UnknownNameError, match="measure of frequency"):
        draw(loop, measure="p85")
    with pytest.raises(DataError, match="knows no costs"):
        draw(loop, metric="cost")


def test_two_maps_share_one_layout_and_one_scale(make_map: MakeMap) -> None:
    first = make_map(["A", "B", "C"], [("A", "B", 100, 1.0), ("B", "C", 100, 1.0)])
    second = make_map(["A", "X", "C"], [("A", "X", 10, 9.0), ("X", "C", 10, 9.0)])
    picture = draw((first, second), names=("before", "after"))
    root = ElementTree.fromstring(picture.svg)
    panels = [group for group in root.findall(f"{SVG}g") if group.find(f"{SVG}g[@class='mk-activity']") is not None]
    assert len(panels) == 2
    places = [
        {
            box.attrib["data-name"]: box.find(f"{SVG}rect").attrib["y"]  # type: ignore[union-attr]
            for box in panel.findall(f"{SVG}g[@class='mk-activity']")
        }
        for panel in panels
    ]
    assert [set(one) for one in places] == [{"A", "B", "C"}, {"A", "X", "C"}]
    assert all(places[0][name] == places[1][name] for name in ("A", "C"))
    thickness = [
        {line.attrib["stroke-width"] for line in panel.findall(f"{SVG}g[@class='mk-path mk-flow']/{SVG}path")}
        for panel in panels
    ]
    assert max(map(float, thickness[1])) < min(map(float, thickness[0]))
    assert {"before", "after"} <= set(texts(picture.svg))


def test_a_cost_is_drawn_where_it_is_known(make_map: MakeMap) -> None:
    plain = make_map(["A", "B"], [("A", "B", 5, 1.0)])
    costed = replace(plain, activities=plain.activities.assign(cost_total=[1200.0, 30.5]))
    assert {"1,200", "30.50"} <= set(texts(draw(costed, metric="cost").svg))


def test_what_has_no_picture_is_said() -> None:
    with pytest.raises(DataError, match="a int has no picture"):
        draw(7)
