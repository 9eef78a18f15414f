from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mkmine as mk
from mkmine.eventlog import EventLog
from mkmine.eventlog.notebook import html_list, html_table
from mkmine.eventlog.provenance import Step
from mkmine.eventlog.summaries import activity_table, case_times, edge_times, open_cases, variant_index
from mkmine.trackers.statuses import StatusMapping, StatusRule

MakeLog = Callable[..., EventLog]


@pytest.fixture
def log(make_log: MakeLog) -> EventLog:
    return make_log([("<1>", "A", 0, 2, "Ann"), ("<1>", "B", 4, 5, "Bob"), ("2", "A", 0, 9, "Ann")])


def test_tables_are_escaped_and_have_few_decimals() -> None:
    frame = pd.DataFrame(
        {
            "name": ["<b>", None],
            "hours": [1 / 3, np.nan],
            "many": [123456.789, 1.0],
            "share": [0.5, 1.0],
            "n": [1234, 5],
            "done": [True, False],
            "path": [("A", "B"), ("A",)],
            "at": pd.to_datetime(["2025-03-03 10:00:59", "2025-03-04 00:00:00"]).tz_localize("Europe/Moscow"),
        }
    )
    text = html_table(frame, "T & T")
    for cell in (
        "&lt;b&gt;",
        "0.33",
        "123,457",
        "50.0%",
        "1,234",
        "yes",
        "no",
        "A → B",
        "2025-03-03 10:00",
        "T &amp; T",
    ):
        assert cell in text
    assert "times in Europe/Moscow" in text
    assert "nan" not in text.lower().replace("name", "")
    assert "the first 1 of 2 rows" in html_table(frame, rows=1)
    assert "&lt;x&gt;" in html_list("T", {"a": "<x>", "b": ""})
    assert "hours" in html_table(frame.head(0))
    assert "hours" not in html_table(frame.assign(hours=np.nan))


def test_the_zone_of_the_log_is_shown(make_log: MakeLog) -> None:
    rows = [("1", "A", 0, 2, "Ann"), ("1", "B", 4, 5, "Bob")]
    log = make_log(rows, time_zone="Europe/Moscow")
    for found in (case_times(log), activity_table(log), open_cases(log)):
        frame = found.to_pandas()
        zones = {str(one.dtype.tz) for _, one in frame.items() if isinstance(one.dtype, pd.DatetimeTZDtype)}
        assert zones == {"Europe/Moscow"}
        assert "Europe/Moscow" in found._repr_html_()
        again = type(found).from_dict(found.to_dict())
        assert again.time_zone == "Europe/Moscow"
        assert type(found).from_dict({k: v for k, v in found.to_dict().items() if k != "time_zone"}).time_zone == ""


def test_the_clock_and_the_precision_are_told(log: EventLog) -> None:
    assert "wall clock, percentiles exact" in repr(edge_times(log))
    assert "within 1%" in repr(edge_times(log, exact=False))
    office = mk.Calendar.parse({"Mon-Fri": "09:00-18:00"})
    worked = edge_times(log, calendar=office)
    assert "working time" in repr(worked)
    assert "working time" in repr(type(worked).from_dict(worked.to_dict()))
    with pytest.raises(mk.MkmineError, match="working time cannot be added up"):
        worked.merge(edge_times(log))


def test_values_print_themselves_in_a_few_words(log: EventLog, tmp_path: Path) -> None:
    assert repr(mk.Calendar.parse({"Mon-Fri": "09:00-18:00"})) == "<Calendar Mon-Fri 09:00-18:00 (UTC)>"
    assert repr(Step("read", "a.csv", 3)) == "<Step read: a.csv [3]>"
    assert repr(variant_index(log)) == "VariantIndex: 2 variants of 2 cases"
    written = mk.write(log, tmp_path / "w.csv")
    assert "mapping=written.mapping" in repr(written)
    assert "None" not in repr(written.mapping)
    assert repr(written.mapping).startswith("Mapping(case='case'")
    assert "no filter" in repr(log.provenance("counted"))
    statuses = StatusMapping(statuses={"Doing": StatusRule(kind="work", role="Writer", aliases=("In work",))})
    assert repr(statuses).splitlines()[1] == "  Doing (also In work): work, by Writer"
    for found in (log, mk.guess_mapping(written.path), log.quality(), mk.variants(log), mk.summarise(log)):
        assert "<1>" not in found._repr_html_()


def test_a_map_is_drawn_in_a_notebook(log: EventLog, make_log: MakeLog) -> None:
    assert "<svg" in mk.discover(log)._repr_html_()
    many = make_log([("1", f"A{i}", i, i + 1, "Ann") for i in range(80)])
    shown = mk.discover(many)._repr_html_()
    assert "<svg" not in shown
    assert "shows less" in shown
