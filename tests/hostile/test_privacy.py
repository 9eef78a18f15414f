"""A name that was replaced stands nowhere: not in a message, a file or what is written beside the values of one."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import mkmine
from mkmine.errors import UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.filters import keep_last, keep_resources

KEY = "0123456789abcdef-secret"
NAMES = ("Ivan Petrov", "Zinaida Kuzmina", "Boris Godunov", "Olga Sidorova")
SECRETS = [part for name in NAMES for part in name.split()]


@pytest.fixture
def log() -> EventLog:
    dice, rows = np.random.default_rng(0), []
    for case in range(60):
        at = pd.Timestamp("2025-03-03 09:00") + pd.Timedelta(hours=3 * case)
        for step, name in enumerate(["Draft", "Edit by Petrov", "Publish", "Edit by Petrov"]):
            who = NAMES[dice.integers(4)]
            role = "Kuzmina's team" if who == NAMES[1] else "writers"
            end = at + pd.Timedelta(hours=int(dice.integers(1, 5)))
            rows.append((f"c{case}", name, at, end, who, role, who if step else None, f"asked {who}, done"))
            at = end
    names = ["case", "activity", "start", "end", "resource", "role", "checked by", "note"]
    frame = pd.DataFrame(rows, columns=names)
    frame.loc[3, "end"] = pd.Timestamp("1850-01-01")
    return mkmine.read(frame, errors="quarantine", name="Petrov's board")


def told(text: str | bytes) -> list[str]:
    """Return which names stand in a text, or in the bytes of one in UTF-8 or UTF-16."""
    whole = text.encode() if isinstance(text, str) else text
    return [one for one in SECRETS if one.encode() in whole or one.encode("utf-16-le") in whole]


def test_no_result_names_anybody(log: EventLog, tmp_path: Path) -> None:
    hidden = mkmine.pseudonymise(log, key=KEY)
    assert told(log._repr_html_()) == SECRETS
    model = mkmine.calibrate(hidden)
    results = [hidden.describe(), mkmine.discover(hidden), mkmine.diagnose(hidden), mkmine.summarise(hidden), model]
    for result in results:
        assert told(repr(result) + json.dumps(result.to_dict(), default=str)) == [], type(result).__name__
    texts = (hidden._repr_html_(), repr(hidden.quality()), repr(hidden.provenance("x")), hidden.quarantine.to_csv())
    assert told("".join(texts)) == []
    mkmine.report(hidden).save(tmp_path / "report.html")
    assert told((tmp_path / "report.html").read_bytes()) == []
    assert told(pickle.dumps(hidden)) == []


def test_no_file_names_anybody(log: EventLog, tmp_path: Path) -> None:
    hidden = mkmine.pseudonymise(keep_last(log, 20), key=KEY)
    path = hidden.save(tmp_path / "saved.parquet")
    table = parquet.read_table(path)
    facts = json.loads(table.schema.metadata[b"mkmine.log"])
    aside = pa.ipc.open_stream(base64.b64decode(facts["quarantine"])).read_all()
    dictionaries = [part.dictionary for one in table if pa.types.is_dictionary(one.type) for part in one.chunks]
    groups = [parquet.ParquetFile(path).metadata.row_group(i) for i in range(parquet.ParquetFile(path).num_row_groups)]
    ranges = [repr(one.column(i).statistics) for one in groups for i in range(one.num_columns)]
    assert told(repr([facts, aside.to_pylist(), [one.to_pylist() for one in dictionaries], ranges])) == []
    assert told(path.read_bytes()) == []
    for name in ("log.csv", "log.xes", "log.jsonocel", "log.parquet", "log.xlsx"):
        content = mkmine.write(hidden, tmp_path / name).path.read_bytes()
        if name.endswith("xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as parts:
                content = b"".join(parts.read(one) for one in parts.namelist())
        assert told(content) == [], name
    assert told(repr(pq_texts(tmp_path / "log.parquet"))) == []


def pq_texts(path: Path) -> list[object]:
    table = parquet.read_table(path)
    return [
        [part.dictionary.to_pylist() for part in one.chunks] if pa.types.is_dictionary(one.type) else one.to_pylist()
        for one in table
    ]


def test_no_message_names_anybody(log: EventLog) -> None:
    hidden = mkmine.pseudonymise(log, key=KEY)
    with pytest.raises(UnknownNameError) as caught:
        keep_resources(hidden, "Somebody")
    assert told(str(caught.value)) == []


def test_what_a_filter_did_names_nobody_either(log: EventLog) -> None:
    hidden = mkmine.pseudonymise(keep_resources(log, ["Ivan Petrov", "Olga Sidorova"], invert=True), key=KEY)
    assert told("".join(map(str, hidden.history)) + repr(hidden.provenance("x"))) == []
