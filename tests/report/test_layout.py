from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mkmine.report.layout import Arrow, Box, Layout, arrange


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def frame(center: tuple[float, float], width: float, height: float) -> tuple[float, float, float, float]:
    return center[0] - width / 2, center[1] - height / 2, center[0] + width / 2, center[1] + height / 2


def graph(pairs: list[tuple[int, int]], n: int) -> tuple[list[Box], list[Arrow], Layout]:
    boxes = [Box(name=str(place), width=90 + 7 * (place % 5), height=40) for place in range(n)]
    arrows = [
        Arrow(name=f"{k}", source=str(a), target=str(b), back=b < a, label=(38.0, 14.0))
        for k, (a, b) in enumerate(pairs)
    ]
    return boxes, arrows, arrange(boxes, arrows)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=16, unique=True))
def test_nothing_covers_a_box(pairs: list[tuple[int, int]]) -> None:
    boxes, arrows, layout = graph(pairs, 8)
    frames = {box.name: frame(layout.centers[box.name], box.width, box.height) for box in boxes}
    assert not any(overlap(one, other) for one, other in combinations(frames.values(), 2))
    for arrow in arrows:
        label = layout.routes[arrow.name].label
        assert label is not None
        # A label may touch a box by its padding, never by its text.
        text = frame(label, 26, 10)
        assert not any(overlap(text, box) for box in frames.values())


def test_the_main_flow_goes_down_and_returns_go_up() -> None:
    _, _, layout = graph([(0, 1), (1, 2), (2, 3), (3, 1), (2, 0)], 4)
    heights = [layout.centers[str(place)][1] for place in range(4)]
    assert heights == sorted(heights)
    for back in ("3", "4"):
        route = layout.routes[back]
        assert route.tip[1] < route.curve[0][1]


def test_routes_join_their_boxes() -> None:
    boxes, arrows, layout = graph([(0, 1), (1, 0), (1, 1), (0, 2)], 3)
    frames = {box.name: frame(layout.centers[box.name], box.width + 3, box.height + 3) for box in boxes}
    for arrow in arrows:
        route = layout.routes[arrow.name]
        for (x, y), end in ((route.curve[0], arrow.source), (route.tip, arrow.target)):
            left, top, right, bottom = frames[end]
            assert left <= x <= right
            assert top <= y <= bottom
        assert len(route.curve) % 3 == 1


def test_the_same_graph_is_placed_the_same() -> None:
    assert graph([(0, 1), (1, 2), (2, 1)], 3)[2] == graph([(0, 1), (1, 2), (2, 1)], 3)[2]


def test_names_mean_nothing_to_the_layout() -> None:
    names = ["a:b:c", '"', "<b>", "\\N", "{x|y}", "a\nb"]
    boxes = [Box(name=name, width=60, height=30) for name in names]
    arrows = [Arrow(name=f"{a}{b}", source=a, target=b) for a, b in pairwise(names)]
    assert set(arrange(boxes, arrows).centers) == set(names)
