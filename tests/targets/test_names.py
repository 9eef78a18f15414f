from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mkmine as mk
from mkmine.errors import DataError
from mkmine.eventlog import EventLog
from mkmine.targets import ProcessCard, Target, parse_bpmn
from mkmine.targets.names import similarity
from tests.targets.samples import CAMUNDA

MODEL = parse_bpmn(CAMUNDA.replace("Write&#10;text", "Согласование текста").encode())
TARGET = Target(model=MODEL, card=ProcessCard(process="P", owner="O", aliases={"ok": "Approve"}))


@pytest.fixture
def log(make_log: Callable[..., EventLog]) -> EventLog:
    return make_log(
        [
            ("1", "Согласовать текст", 0, 1, "x"),
            ("1", "ok", 1, 2, "x"),
            ("1", "Lunch", 2, 3, "x"),
            ("2", "Согласовать текст", 0, 1, "x"),
        ]
    )


def test_names_are_suggested_with_scores_and_nothing_is_applied(log: EventLog) -> None:
    before = dict(TARGET.aliases)
    table = mk.suggest_aliases(log, TARGET)
    found = table[table["kind"] == "activity"].set_index("name")
    assert found.loc["Согласовать текст", ["suggestion", "how", "executions"]].tolist() == [
        "Согласование текста", "similar", 2,
    ]  # fmt: skip
    assert 0.5 < found.loc["Согласовать текст", "score"] < 1
    assert found.loc["ok", ["suggestion", "score", "how"]].tolist() == ["Approve", 1.0, "alias"]
    assert found.loc["Lunch", ["suggestion", "score", "how"]].tolist() == ["", 0.0, "none"]
    assert dict(TARGET.aliases) == before
    assert mk.check(log, TARGET).only_in_target == ("Согласование текста",)


def test_what_is_confirmed_is_used(log: EventLog) -> None:
    table = mk.suggest_aliases(log, TARGET)
    similar = table[table["how"] == "similar"]
    confirmed = TARGET.with_aliases(dict(zip(similar["name"], similar["suggestion"], strict=True)))
    assert mk.check(log, confirmed).only_in_target == ()
    assert mk.suggest_aliases(log, confirmed)["how"].tolist()[:3].count("alias") == 2
    assert TARGET.aliases == {"ok": "Approve"}
    with pytest.raises(DataError, match=r'"Lunch" stands for "Approov", which is neither .* did you mean "Approve"'):
        TARGET.with_aliases({"Lunch": "Approov"})


def test_a_name_is_suggested_once(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", "Согласовать текст", 0, 1, "x"), ("1", "Согласование текстов", 1, 2, "x")])
    table = mk.suggest_aliases(log, Target(model=MODEL)).set_index("name")
    assert table.loc["Согласование текстов", "suggestion"] == "Согласование текста"
    assert table.loc["Согласовать текст", "how"] == "none"


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Бриф", "бриф ", 1, 1),
        ("Согласование текста", "Согласовать текст", 0.7, 0.99),
        ("Проверка брифа", "Бриф проверен", 0.6, 0.99),
        ("Публикация", "Дизайн", 0, 0.2),
        ("Approval", "Approve", 0.5, 0.99),
        ("", "!", 1, 1),
    ],
)
def test_similarity(one: str, other: str, least: float, most: float) -> None:
    assert least <= similarity(one, other) <= most


@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1
