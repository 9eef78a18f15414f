from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mkmine.discovery.contrast import contrast
from mkmine.errors import DataError
from mkmine.eventlog import EventLog


def world(n: int, *, seed: int) -> tuple[EventLog, np.ndarray]:
    """Return cases of which those for a client, of large size, or approved by Ann, are sent back more often."""
    rng, rows, facts = np.random.default_rng(seed), [], []
    back = np.zeros(n, dtype=bool)
    base = pd.Timestamp("2025-01-06", tz="UTC")
    for case in range(n):
        client, size, approver = rng.choice(["bank", "shop"]), rng.normal(10, 3), rng.choice(["Ann", "Bob", "Cem"])
        back[case] = rng.random() < 0.2 + 0.3 * (client == "bank") + 0.3 * (approver == "Ann")
        size += 4 * back[case]
        at = base + pd.Timedelta(hours=5 * case)
        steps = ["Write", "Approve"] * (1 + back[case])
        rows += [
            (
                f"{case:04}",
                name,
                at + pd.Timedelta(hours=i),
                at + pd.Timedelta(hours=i + 1),
                approver if i % 2 else "Dan",
            )
            for i, name in enumerate(steps)
        ]
        facts.append({"client": client, "size": size, "colour": rng.choice(["red", "blue"]), "note": "same"})
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource"])
    attributes = pd.DataFrame(facts, index=[f"{case:04}" for case in range(n)])
    return EventLog.from_pandas(frame, start="start", resource="resource", case_attributes=attributes), back


def test_what_goes_with_a_group_is_found_and_nothing_else() -> None:
    log, back = world(600, seed=1)
    found = contrast(log, back)
    told = {(row.kind, row.name_, row.value) for row in found.supported.rename(columns={"name": "name_"}).itertuples()}
    assert {("attribute", "client", "bank"), ("attribute", "client", "shop"), ("person", "", "Ann")} <= told
    assert ("attribute", "size", None) in told
    assert not {row for row in told if row[1] in ("colour", "note") or row[0] == "weekday"}
    rows = found.table.set_index(["name", "value"])
    ann = rows.loc[("", "Ann")]
    assert ann["low"] <= ann["difference"] <= ann["high"]
    assert ann["inside"] == pytest.approx(log_share(log, back, "Ann"))
    assert rows.loc[("size", None), "larger"].item() > 0.7
    assert "Dan" not in set(found.table["value"])


def log_share(log: EventLog, group: np.ndarray, person: str) -> float:
    table = log.to_pandas()
    cases = table.loc[table["resource"] == person, "case"].unique()
    return float(np.isin(log.case_ids[group], cases).mean())


def test_of_a_random_group_little_is_special() -> None:
    log, _ = world(200, seed=2)
    rng = np.random.default_rng(3)
    wrong = sum(len(contrast(log, rng.random(200) < 0.4).supported) > 0 for _ in range(60))
    assert wrong <= 8


def test_kinds_are_chosen() -> None:
    log, back = world(100, seed=4)
    assert set(contrast(log, back, kinds=("person",)).table["kind"]) == {"person"}
    with pytest.raises(DataError, match="colour"):
        contrast(log, back, kinds=("colour",))  # type: ignore[arg-type]


def test_groups_must_fit() -> None:
    log, back = world(50, seed=5)
    with pytest.raises(DataError, match="50 cases"):
        contrast(log, back[:10])
    with pytest.raises(DataError, match="both need 5"):
        contrast(log, np.arange(50) < 3)


def test_values_and_words() -> None:
    log, back = world(300, seed=6)
    found = contrast(log, back)
    assert found.to_dict()["inside"] == back.sum()
    assert "bank" in repr(found) or "Ann" in repr(found)
    assert "<table" in found._repr_html_()
