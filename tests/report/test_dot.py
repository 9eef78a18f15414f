"""Maps in the language of Graphviz: read again by Graphviz itself."""

from __future__ import annotations

from pathlib import Path

import pygraphviz
import pytest

import mkmine as mk
from mkmine.errors import DataError

HOSTILE = 'a "quoted" \\N <b>bold</b>; } digraph x {'


@pytest.fixture
def log(tmp_path: Path) -> mk.EventLog:
    rows = ["case,activity,end"]
    for case in range(6):
        names = [HOSTILE, "Second", HOSTILE, "Third"] if case % 2 else ["<Second>", "Third"]
        for step, name in enumerate(names):
            told = name.replace(chr(34), chr(34) * 2)
            rows.append(f'c{case},"{told}",2025-03-{3 + case:02d} {9 + step}:00')
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return mk.read(path)


def test_graphviz_reads_what_is_written(log: mk.EventLog, tmp_path: Path) -> None:
    found = mk.discover(log)
    path = mk.draw(found).save(tmp_path / "map.dot")
    graph = pygraphviz.AGraph(path.read_text(encoding="utf-8"))
    labels = {str(node.attr["label"]).split("\\n")[0] for node in graph.nodes()} - {""}
    assert labels == {name.replace("\\", "\\\\") for name in found.order}
    ends = sum(str(node.attr["shape"]) in ("circle", "doublecircle") for node in graph.nodes())
    assert ends == 2
    inner = [edge for edge in graph.edges() if str(edge.attr["style"]) != "dotted"]
    assert len(inner) == len(found.edges)


def test_only_one_map_is_written(log: mk.EventLog, tmp_path: Path) -> None:
    found = mk.discover(log)
    with pytest.raises(DataError, match="only the map of one process"):
        mk.draw((found, found)).save(tmp_path / "pair.dot")
    assert not list(tmp_path.glob("*.dot"))


def test_control_characters_reach_no_picture(tmp_path: Path) -> None:
    """The renderer of charts would end the whole process at a character that XML cannot hold."""
    rows = ["case,activity,resource,start,end"]
    for case in range(30):
        day = f"2025-03-{3 + case % 20:02d}"
        rows += [f"c{case},x\x01y,p\x02,{day} 09:00,{day} 10:00", f"c{case},z\ufffe,p\x02,{day} 11:00,{day} 12:00"]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    log = mk.read(path)
    assert any("\x01" in name for name in log.activities)
    page = mk.report(log).html()
    for bad in ("\x01", "\x02", "\ufffe"):
        assert bad not in page
        assert bad not in mk.draw(mk.discover(log)).dot
