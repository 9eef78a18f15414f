from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mkmine.errors import DataError, MkmineError
from mkmine.eventlog.formats.read import read
from mkmine.eventlog.formats.xes import read_xes


@pytest.fixture(params=["numpy", "numba"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every test run with the parser and with the scanner."""
    monkeypatch.setenv("MKMINE_KERNELS", request.param)


def event(name: str, time: str, transition: str | None = None, extra: str = "") -> str:
    lifecycle = f'<string key="lifecycle:transition" value="{transition}"/>' if transition else ""
    return (
        f'<event><string key="concept:name" value="{name}"/><date key="time:timestamp" value="{time}"/>{lifecycle}'
        f"{extra}</event>"
    )


def document(*traces: tuple[str, list[str]], head: str = "") -> str:
    body = "".join(
        f'<trace><string key="concept:name" value="{name}"/><float key="amount" value="5.5"/>{"".join(events)}</trace>'
        for name, events in traces
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<log xes.version="1.0">{body}</log>'


DAY = "2025-03-05T"


def test_traces_and_events_become_rows(write: Callable[..., Path]) -> None:
    nested = '<string key="outer" value="x"><string key="inner" value="y"/></string>'
    text = document(
        ("один", [event("A &lt;b&gt;", DAY + "10:00:00Z", extra=nested), event("B", DAY + "11:00:00.5+01:00")])
    )
    table = read_xes(write("log.xes", text))
    assert table.frame["concept:name"].tolist() == ["A <b>", "B"]
    assert table.frame["case:concept:name"].tolist() == ["один", "один"]
    assert table.frame["case:amount"].tolist() == [5.5, 5.5]
    assert table.frame["outer"].tolist() == ["x", None]
    assert table.frame["time:timestamp"].astype(str).tolist()[1] == "2025-03-05 10:00:00.500+00:00"
    assert "1 nested attributes" in table.note
    assert read_xes(write("log.xes.gz", gzip.compress(text.encode()))).frame.equals(table.frame)


def test_starts_and_completions_are_paired_first_in_first_out(write: Callable[..., Path]) -> None:
    events = [
        event("A", DAY + "08:00:00Z", "schedule"),
        event("A", DAY + "09:00:00Z", "start"),
        event("A", DAY + "09:10:00Z", "start"),
        event("A", DAY + "09:30:00Z", "complete"),
        event("A", DAY + "09:50:00Z", "complete"),
        event("B", DAY + "10:00:00Z", "complete"),
        event("C", DAY + "10:30:00Z", "suspend"),
        event("C", DAY + "11:00:00Z", "start"),
    ]
    log = read(write("log.xes", document(("1", events))))
    frame = log.to_pandas()
    minutes = ((frame["end"] - frame["start"]).dt.total_seconds() / 60).tolist()
    assert frame["activity"].tolist() == ["A", "A", "B", "C"]
    assert minutes == [30, 40, 0, 0]
    assert frame["enabled"].dt.hour.tolist()[0] == 8
    assert log.ongoing.tolist() == [False, False, False, True]
    assert log.completed.tolist() == [False]
    assert log.timestamps == "interval"
    step = next(one for one in log.history if one.action == "lifecycle")
    assert "completions without a start (instants): 1" in step.detail
    assert "suspend passed over: 1" in step.detail


def test_only_completions_are_completions(write: Callable[..., Path]) -> None:
    log = read(write("log.xes", document(("1", [event("A", DAY + "09:00:00Z", "complete")]))))
    assert log.timestamps == "completed"
    assert log.enabled is None


def test_substatuses_in_place_of_transitions_are_kept(write: Callable[..., Path]) -> None:
    events = [event("Accepted", DAY + "09:00:00Z", "In Progress"), event("Queued", DAY + "10:00:00Z", "Awaiting")]
    log = read(write("log.xes", document(("1", events))))
    assert len(log) == 2
    assert log.attributes["lifecycle:transition"].tolist() == ["In Progress", "Awaiting"]
    joined = read(write("log.xes", document(("1", events))), activity=["concept:name", "lifecycle:transition"])
    assert joined.activities == ("Accepted / In Progress", "Queued / Awaiting")


BOMB = '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, EXTERNAL, '<!DOCTYPE log SYSTEM "http://example.org/x.dtd">'])
def test_document_types_and_entities_are_refused(write: Callable[..., Path], head: str) -> None:
    with pytest.raises(DataError, match="declares a document type"):
        read_xes(write("log.xes", document(("1", [event("A", DAY + "09:00:00Z")]), head=head)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<log><trace></log>", "not well-formed XML"),
        ("<html></html>", "root is <html>, it has no <log> element"),
        ("<log></log>", "holds no event in its 0 traces; export"),
        ("<log><event></event></log>", "1 events stand outside of any trace"),
        ("", "not well-formed XML"),
        ("<log><trace><event></event></trace></log>", "cannot be decided"),
    ],
)
def test_bad_documents_are_told(write: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write("log.xes", text))


def test_a_packed_bomb_and_a_cut_file_are_told(write: Callable[..., Path]) -> None:
    huge = b"<log>" + b" " * (80 << 20) + b"</log>"
    with pytest.raises(DataError, match="unpacks to more"):
        read_xes(write("log.xes.gz", gzip.compress(huge)))
    whole = gzip.compress(document(*[("1", [event("A", DAY + "09:00:00Z")])] * 500).encode())
    with pytest.raises(DataError, match="not a whole gzip file"):
        read_xes(write("cut.xes.gz", whole[:-200]))


def test_deep_nesting_is_passed_over(write: Callable[..., Path]) -> None:
    deep = '<string key="a" value="b">' * 20_000 + "</string>" * 20_000
    text = document(("1", [event("A", DAY + "09:00:00Z", extra=deep)]))
    assert len(read_xes(write("log.xes", text)).frame) == 1


def test_traces_of_one_name_are_joined_and_said_so(write: Callable[..., Path]) -> None:
    trace = ("1", [event("A", DAY + "09:00:00Z")])
    table = read_xes(write("log.xes", document(trace, trace)))
    assert "1 traces have the name of another" in table.note


@pytest.mark.parametrize("seed", range(25))
def test_damaged_documents_never_crash(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(
        document(("1", [event("A", DAY + "09:00:00Z", "start"), event("A", DAY + "10:00:00Z", "complete")])).encode()
    )
    for _ in range(1 + seed % 4):
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
    path = tmp_path / "log.xes"
    path.write_bytes(bytes(data))
    with suppress(MkmineError):
        read(path, errors="quarantine")


def test_attributes_of_one_event_each_are_refused_before_they_fill_the_memory(write: Callable[..., Path]) -> None:
    events = [event("A", DAY + "10:00:00Z", extra=f'<string key="k{n}" value="v"/>') for n in range(4_600)]
    with pytest.raises(DataError, match="4,604 different attributes, each in hardly any of its 4,600 rows"):
        read_xes(write("log.xes", document(("one", events))))


def test_types_follow_the_kinds_and_what_does_not_fit_stays_text(write: Callable[..., Path]) -> None:
    kinds = {
        "int": ["1", "-2", ""],
        "float": ["1.5", "2e3", "3"],
        "boolean": ["true", "false", "1"],
        "id": ["007", "7", ""],
        "date": [DAY + "10:00:00+03:00", DAY + "11:00:00.123456+03:00", ""],
    }
    bad = {"int": "12345678901234567890", "float": "1,5", "boolean": "yes", "date": "tomorrow"}

    def rows(odd: dict[str, str]) -> str:
        each = [
            "".join(f'<{kind} key="{kind}" value="{values[row]}"/>' for kind, values in kinds.items())
            for row in range(3)
        ]
        each += ["".join(f'<{kind} key="{kind}" value="{value}"/>' for kind, value in odd.items())] * bool(odd)
        return document(("one", [event("A", DAY + "10:00:00Z", extra=one) for one in each]))

    frame = read_xes(write("log.xes", rows({}))).frame
    assert frame["int"].tolist()[:2] == [1, -2]
    assert frame["int"].isna().tolist() == [False, False, True]
    assert frame["float"].tolist() == [1.5, 2000, 3]
    assert frame["boolean"].tolist() == [True, False, True]
    assert frame["id"].tolist() == ["007", "7", ""]
    assert str(frame["date"].dtype) == "datetime64[us, Etc/GMT-3]"
    mixed = read_xes(write("log.xes", rows(bad))).frame
    for kind, value in bad.items():
        assert mixed[kind].tolist() == [*kinds[kind], value]


def test_the_log_says_what_it_is(write: Callable[..., Path]) -> None:
    head = '<classifier name="Activity" keys="concept:name lifecycle:transition"/>' + "".join(
        f'<string key="note {n}" value="{"x" * 500}"/>' for n in range(20)
    )
    head += '<global scope="event"><string key="org:role" value="UNKNOWN"/></global>'
    text = document(("one", [event("A", DAY + "10:00:00Z")])).replace("<trace>", head + "<trace>", 1)
    table = read_xes(write("log.xes", text.replace("</log>", event("B", DAY + "10:00:00Z") + "</log>")))
    assert 'classifier "Activity": concept:name lifecycle:transition' in table.note
    assert "10 more log attributes" in table.note
    assert "1 events outside of traces passed over" in table.note
    assert len(table.note) < 2000
    assert "org:role" not in table.frame


def test_prefixed_elements_are_read(write: Callable[..., Path]) -> None:
    name = '<x:string key="concept:name" value="A"/>'
    text = f'<x:log xmlns:x="urn:x"><x:trace>{name}<x:event>{name}</x:event></x:trace></x:log>'
    assert read_xes(write("log.xes", text)).frame["concept:name"].tolist() == ["A"]


def test_other_encodings_are_read(write: Callable[..., Path]) -> None:
    text = document(("один", [event("Приёмка", DAY + "10:00:00Z")]))
    for name in ("windows-1251", "utf-16"):
        path = write("log.xes", text.replace("UTF-8", name), encoding=name.replace("windows-", "cp"))
        assert read_xes(path).frame["concept:name"].tolist() == ["Приёмка"]


def test_a_long_cell_is_read_and_memory_is_bounded(write: Callable[..., Path]) -> None:
    long = "x" * (10 << 20)
    table = read_xes(
        write("log.xes", document(("one", [event("A", DAY + "10:00:00Z", extra=f'<string key="t" value="{long}"/>')])))
    )
    assert table.frame["t"].tolist() == [long]
