"""The scanner and the parser of XES: what the first reads, the second reads alike; what the second refuses, both do."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkmine.errors import DataError
from mkmine.eventlog.formats.xes import scanner
from mkmine.eventlog.formats.xes.document import Column, Document
from mkmine.eventlog.formats.xes.parser import parse
from mkmine.eventlog.formats.xes.scanner import NotScannedError

pytest.importorskip("numba")

SPACES = st.sampled_from(["", " ", "\n\t", "\r\n  ", "<!-- a - comment > -->"])
KINDS = ("string", "date", "int", "float", "boolean", "id")
CHARACTERS = "aя😀é<>&'\"=/ \t\n\r\x85]-;#x10\x7f\ufffd\U0010fffd"
TEXTS = st.text(st.sampled_from(CHARACTERS), max_size=8)
DATES = st.one_of(
    st.datetimes().map(lambda one: one.isoformat()),
    st.datetimes().map(lambda one: one.isoformat() + "+03:00"),
    st.sampled_from(
        ["", "2025-02-30T00:00:00Z", "2025-03-05 10:00:00.5Z", "2025-03-05", "2025-03-05T10:00:00.1234567Z"]
    ),
    st.sampled_from(["2025-03-05T10:00:00Z", "2024-02-29T23:59:59.999999-11:30", "1969-12-31T23:59:59.9+00:00"]),
)
NUMBERS = st.one_of(st.integers().map(str), st.floats().map(str), st.sampled_from(["", "007", "+5", "1,5", "0x1f"]))


@st.composite
def escaped(draw: Any, text: str, quote: str) -> str:
    """Write a text as the value of an attribute: as it is where that is allowed, by name, or by number."""
    out = []
    for one in text:
        named = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;"}.get(one)
        ways = (
            [f"&#{ord(one)};", f"&#x{ord(one):X};", f"&#x0{ord(one):x};"] if ord(one) >= 32 or one in "\t\n\r" else []
        )
        if named:
            ways.append(named)
        if one not in "<&" and one != quote:
            ways += [one] * 5
        out.append(draw(st.sampled_from(ways)))
    return "".join(out)


@st.composite
def attribute(draw: Any, depth: int = 0) -> str:
    kind = draw(st.sampled_from(KINDS))
    texts = DATES if kind == "date" else NUMBERS if kind in ("int", "float") else TEXTS
    quote = draw(st.sampled_from("\"'"))
    key = draw(st.sampled_from(["a", "concept:name", "время", "time:timestamp", f"only {kind}", ""]))
    parts = [f"key={quote}{key}{quote}", f"value = {quote}{draw(escaped(draw(texts), quote))}{quote}"]
    if draw(st.booleans()):
        parts.reverse()
    if draw(st.integers(0, 9)) == 0:
        parts = parts[:1]
    inside = draw(st.lists(attribute(depth + 1), max_size=2)) if depth < 2 and draw(st.integers(0, 5)) == 0 else []
    gap = draw(st.sampled_from([" ", "\n", "  "]))
    head = f"<{kind}{gap}{gap.join(parts)}"
    return f"{head}/>" if not inside else f"{head} >{''.join(inside)}</{kind} >"


@st.composite
def element(draw: Any, name: str, inside: st.SearchStrategy[str], most: int = 4) -> str:
    body = "".join(draw(SPACES) + one for one in draw(st.lists(inside, max_size=most)))
    return f"<{name}>{body}{draw(SPACES)}</{name}>" if body or draw(st.booleans()) else f"<{name}/>"


LISTED = element("list", element("values", attribute()))
EVENTS = element("event", st.one_of(attribute(), attribute(), LISTED), 6)
TRACES = element("trace", st.one_of(attribute(), EVENTS, EVENTS, EVENTS), 6)
GLOBALS = st.sampled_from(
    [
        '<meta key="a" value="&lt;"/>',
        '<classifier name="a" keys="b c"/>',
        '<extension name="Time" prefix="time" uri="http://x"/>',
    ]
)
LOGS = element(
    "log", st.one_of(attribute(), TRACES, TRACES, TRACES, EVENTS, element("global", attribute()), GLOBALS), 6
)
HEADS = st.sampled_from(
    ["", '<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-8' ?>", "\ufeff", "\n", "<!-- x -->",
     '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', '<?xml version="1.1"?>', ' <?xml version="1.0"?>']
)  # fmt: skip
TAILS = st.sampled_from(["", "\n", "<!-- end -->", "x", "<log/>", "</log>", "<?pi?>", "<", "\0", "<!-- a--b -->"])


def plain(column: Column, n: int) -> tuple[str, str, str]:
    array = column.array(n)
    return column.kind, str(array.type), repr(array.to_pylist())


def contents(document: Document) -> dict[str, Any]:
    events = len(document.trace_of)
    return {
        "columns": {key: plain(column, events) for key, column in document.columns.items()},
        "case_columns": {key: plain(column, document.traces) for key, column in document.case_columns.items()},
        "order": (list(document.columns), list(document.case_columns)),
        "trace_of": document.trace_of.tolist(),
        "counts": (document.traces, document.nested, document.loose),
        "about": document.about,
        "classifiers": document.classifiers,
    }


def scanned(data: bytes) -> Document | None:
    for dates in (True, False):
        try:
            return scanner.scan(io.BytesIO(data), dates=dates)  # type: ignore[arg-type]
        except NotScannedError as unusual:
            if not unusual.dates:
                return None
    raise AssertionError("without dates the scanner may not ask for dates")


def compare(data: bytes) -> bool:
    """Compare the two readers; return whether the scanner read the document."""
    fast = scanned(data)
    try:
        slow = parse(io.BytesIO(data), "log")  # type: ignore[arg-type]
    except DataError:
        assert fast is None, "the scanner reads what the parser refuses"
        return False
    assert fast is None or contents(fast) == contents(slow)
    return fast is not None


@pytest.fixture(scope="module", params=["large", "small"], autouse=True)
def _blocks(request: pytest.FixtureRequest) -> Any:
    """Cut documents into tiny blocks too, and begin with tables of hardly any room."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "small":
            for name, value in {"BLOCK": 64, "RECORDS": 3, "ENTRIES": 2, "ARENA": 8}.items():
                patch.setattr(scanner, name, value)
        yield


@given(log=LOGS)
def test_documents_are_scanned_and_equal(log: str) -> None:
    assert compare(log.encode())


@given(head=HEADS, log=LOGS, tail=TAILS)
def test_heads_and_tails_are_judged_alike(head: str, log: str, tail: str) -> None:
    compare((head + log + tail).encode())


@given(log=LOGS, data=st.data())
def test_damaged_documents_are_judged_alike(log: str, data: st.DataObject) -> None:
    text = bytearray(log.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1)) if text else 0
        piece = data.draw(
            st.one_of(
                st.binary(max_size=2),
                st.sampled_from(
                    [b"<", b">", b"/", b"&", b"&x;", b"&#0;", b"&#xD800;", b"\0", b"\xff", b"\xed\xa0\x80"]
                ),
                st.sampled_from(
                    [b"\xef\xbf\xbe", b"\xc0\x80", b"</event>", b"<![CDATA[x]]>", b"<a:b/>", b"text", b'"']
                ),
                st.sampled_from(
                    [b' key="twice"', b"<!DOCTYPE log>", b"--", b"\x0b", b"\xf4\x90\x80\x80", b"=", b"<e\xcc\x81/>"]
                ),
            )
        )
        text[at : at + data.draw(st.integers(0, 2))] = piece
    compare(bytes(text))


def document(body: str) -> bytes:
    return f"<log><trace>{body}</trace></log>".encode()


@pytest.mark.parametrize(
    "data",
    [
        b"<log><trace></log>",
        b"<log><trace></trace></log",
        b"<log><trace></trace>",
        b"<log></log><log></log>",
        b"<log></log>x",
        b"<log/>\0",
        b"<log a='1' a='2'/>",
        b"<log a='1'b='2'/>",
        b"<log a=1/>",
        b"<log a='<'/>",
        b"<log><1/></log>",
        b"< log/>",
        b"<log><!-- a -- b --></log>",
        b"<log>\x0c</log>",
        document('<string key="a" value="&nbsp;"/>'),
        document('<string key="a" value="&#8;"/>'),
        document('<string key="a" value="&#xFFFF;"/>'),
        document('<string key="a" value="& "/>'),
        document('<string key="a" value="a'),
        document("<event><string key='a' value='&broken'/></event>"),
        document("<event><string key='a' value='x'><string key='b' value='&broken;'/></string></event>"),
        document("<event><string key='a' value='x'/></Event>"),
        "<log><trace><string key='a' value='я'/></trace></log>".encode()[:-26] + b"\xff'/></trace></log>",
    ],
)
def test_what_is_not_well_formed_is_left_to_the_parser(data: bytes) -> None:
    assert scanned(data) is None
    with pytest.raises(DataError):
        parse(io.BytesIO(data), "log")  # type: ignore[arg-type]


def test_a_text_spelt_in_two_ways_is_one() -> None:
    body = "".join(f"<event><string key='a' value='{one}'/></event>" for one in ("&lt;", "&#60;", "b", "&#x3c;"))
    found = scanned(document(body))
    assert found is not None
    assert found.columns["a"].texts.to_pylist() == ["<", "b"]
    assert found.columns["a"].codes(4).tolist() == [0, 0, 1, 0]


def test_colliding_texts_do_not_make_it_hang() -> None:
    """Equal hashes make the table degenerate; the scanner then gives up, as it would with chosen texts."""
    from mkmine.eventlog.formats import kernels

    state, entries = np.zeros(4, dtype=np.int64), np.zeros((4096, 4), dtype=np.int64)
    slots = np.zeros(8192, dtype=np.int32)
    records = np.array([[0, 0, 0, 0, 1, 1, 2]], dtype=np.int32)
    data, keys = np.frombuffer(b"ab" * 8, dtype=np.uint8).copy(), np.zeros((8, 2), dtype=np.int64)
    arena, values = np.zeros(64, dtype=np.uint8), np.zeros((1, 3), dtype=np.int64)
    status = kernels.encode(data, records, 1, state, slots, entries, arena, keys, values, True)
    assert status not in (kernels.DONE, kernels.ROOM, kernels.DATES)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["mining/bpic2012.xes.gz", "trackers/bpic2013_incidents.xes.gz", "trackers/helpdesk.xes.gz"]
)
def test_public_logs_are_scanned_and_equal(shared_logs: Any, name: str, request: pytest.FixtureRequest) -> None:
    import gzip

    if "small" in request.node.name:
        pytest.skip("whole logs are cut into blocks of the usual size")
    data = gzip.decompress((shared_logs / name).read_bytes())[:12_000_000]
    whole = data if data.endswith(b"</log>") else data[: data.rindex(b"</trace>")] + b"</trace></log>"
    assert compare(whole)
