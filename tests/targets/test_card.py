from __future__ import annotations

from pathlib import Path

import pytest

from mkmine.errors import DataError
from mkmine.targets import ProcessCard, read_card

CARD = """\
process: Статья
purpose: Публиковать полезное
owner: Руководитель маркетинга
customer: Отдел продаж
output: Опубликованная статья
roles:
  Согласование: {responsible: Редактор, accountable: Руководитель маркетинга, informed: [Автор]}
limits:
  Согласование: 16
case_limit_h: 80
max_rounds: {Согласование: 2}
kpis:
  - {name: Срок, target: 80, measure: "медиана, ч", responsible: Редактор, period: месяц}
aliases: {На согласовании: Согласование}
"""


def write(path: Path, text: str) -> Path:
    file = path / "a.card.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(path: Path, text: str) -> str:
    with pytest.raises(DataError) as caught:
        read_card(write(path, text))
    assert "a.card.yaml" in str(caught.value)
    return str(caught.value)


def test_a_card_is_read(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, CARD))
    assert card.owner == "Руководитель маркетинга"
    assert card.roles["Согласование"].informed == ("Автор",)
    assert card.limits == {"Согласование": 16.0}
    assert card.kpis[0].target == 80
    assert ProcessCard.model_validate(card.to_dict()) == card
    assert "Руководитель" in repr(card)


def test_html_is_escaped() -> None:
    assert "<b>" not in ProcessCard(process="<b>x</b>", owner="<b>y</b>")._repr_html_()


@pytest.mark.parametrize("owner", ["[A, B]", "A; B", "[]", '""', "'  '", "[[A]]"])
def test_exactly_one_owner(tmp_path: Path, owner: str) -> None:
    message = refused(tmp_path, f"process: P\nowner: {owner}\n")
    assert "line 2, owner" in message


def test_an_unknown_field_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    message = refused(tmp_path, CARD.replace("case_limit_h", "case_limit"))
    assert "line 10, case_limit" in message
    assert 'did you mean "case_limit_h"' in message
    assert 'did you mean "accountable"' in refused(tmp_path, CARD.replace("accountable", "acountable"))


@pytest.mark.parametrize("hours", ["0", "-3", ".inf", ".nan", "soon"])
def test_limits_are_positive_hours(tmp_path: Path, hours: str) -> None:
    assert "limits / Согласование" in refused(tmp_path, CARD.replace("Согласование: 16", f"Согласование: {hours}"))


@pytest.mark.parametrize("rounds", ["0", "1.5", "many"])
def test_rounds_are_whole_numbers(tmp_path: Path, rounds: str) -> None:
    assert "max_rounds / Согласование" in refused(
        tmp_path, CARD.replace("{Согласование: 2}", f"{{Согласование: {rounds}}}")
    )


def test_two_accountable_roles_are_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, CARD.replace("accountable: Руководитель маркетинга", "accountable: [A, B]"))
    assert "accountable" in message


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path, "purpose: x\n")
    assert "process" in message
    assert "owner" in message


@pytest.mark.parametrize(
    "text", ["", "- a\n", "process: [", "a: *x\n", "a: &x [1]\nb: *x\n", "\x00", "process: !!python/object:os.x {}"]
)
def test_what_is_not_a_card(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)


def test_a_missing_file() -> None:
    with pytest.raises(DataError, match="absent"):
        read_card("absent.card.yaml")


MORE = """\
round_limits: {Согласование: [16, 8]}
documents:
  Согласование: [Чек-лист, {name: Шаблон, link: "https://example.org"}]
changes:
  - {date: 2026-02-01, who: Редактор, what: Ограничены круги}
"""


def test_documents_rounds_and_history_are_read(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, CARD + MORE))
    assert card.round_limits == {"Согласование": (16.0, 8.0)}
    assert [(one.name, one.link) for one in card.documents["Согласование"]] == [
        ("Чек-лист", ""), ("Шаблон", "https://example.org"),
    ]  # fmt: skip
    assert (card.changes[0].date.isoformat(), card.changes[0].who) == ("2026-02-01", "Редактор")
    assert ProcessCard.model_validate(card.to_dict()) == card
    assert "2026-02-01, Редактор: Ограничены круги" in card.to_pandas()["value"].tolist()
    assert ProcessCard.model_validate({"process": "P", "owner": "O", "documents": {"A": "One"}}).documents["A"][0].name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026-02-01", "31.02.2026", "line 19, changes / 0 / date"),
        ("who: Редактор", "whom: Редактор", 'changes / 0 / whom: a card has no such field; did you mean "who"'),
        ("[16, 8]", "[]", "line 15, round_limits / Согласование"),
        ("[16, 8]", "[16, -1]", "round_limits / Согласование / 1"),
        ("link:", "lnk:", 'did you mean "link"'),
    ],
)
def test_mistakes_in_them_are_told_with_their_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in refused(tmp_path, (CARD + MORE).replace(old, new))


def test_a_list_of_accountable_roles_is_counted(tmp_path: Path) -> None:
    text = CARD.replace("accountable: Руководитель маркетинга", "accountable: [A, B]")
    assert "a step has exactly one accountable role, found 2" in refused(tmp_path, text)
