from __future__ import annotations

import json
from pathlib import Path

import pytest

from mkmine.errors import DataError
from mkmine.targets import Duty, ProcessCard, Target, parse_bpmn, read_target
from tests.targets.samples import CAMUNDA

MODEL = parse_bpmn(CAMUNDA.encode())


def card(**values: object) -> ProcessCard:
    return ProcessCard.model_validate({"process": "Article", "owner": "Head", **values})


def test_the_card_beside_the_model_is_found(tmp_path: Path) -> None:
    path = tmp_path / "to_be.bpmn"
    path.write_text(CAMUNDA, encoding="utf-8")
    assert read_target(path).card is None
    (tmp_path / "to_be.card.yaml").write_text("process: Статья\nowner: Head\nlimits: {Approve: 8}\n", encoding="utf-8")
    target = read_target(path)
    assert target.name == "Статья"
    assert target.roles == {"Write text": "Writer", "Approve": "Editor"}
    assert target.to_pandas()["limit_h"].tolist()[1] == 8.0
    json.dumps(target.to_dict())
    assert "owner Head" in repr(target)
    with pytest.raises(DataError, match=r"other\.yaml"):
        read_target(path, card=tmp_path / "other.yaml")


@pytest.mark.parametrize("field", ["limits", "max_rounds", "roles"])
def test_an_activity_that_the_model_lacks(tmp_path: Path, field: str) -> None:
    value = {"limits": 3, "max_rounds": 2, "roles": Duty(responsible="Editor")}[field]
    with pytest.raises(DataError, match=f'{field}: activity "Aprove" is not in the model; did you mean "Approve"'):
        Target(model=MODEL, card=card(**{field: {"Aprove": value}}))


def test_an_alias_to_nothing() -> None:
    with pytest.raises(DataError, match='"Aproval", which is neither'):
        Target(model=MODEL, card=card(aliases={"On approval": "Aproval"}))
    assert Target(model=MODEL, card=card(aliases={"On approval": "Approve", "Ed": "Editor"})).aliases["Ed"] == "Editor"


def test_a_role_that_contradicts_the_lane() -> None:
    with pytest.raises(DataError, match='work of "Writer", but the model draws it in the lane "Editor"'):
        Target(model=MODEL, card=card(roles={"Approve": {"responsible": "Writer"}}))
    assert Target(model=MODEL, card=card(roles={"Approve": {"responsible": " editor "}})).roles["Approve"] == "editor"


def test_html_is_escaped() -> None:
    bold = parse_bpmn(CAMUNDA.replace('name="Approve"', 'name="&lt;b&gt;x"').encode())
    assert "<b>x" not in Target(model=bold)._repr_html_()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("limits: {Aprove: 8}", 'line 3, limits: activity "Aprove" is not in the model; did you mean "Approve"'),
        ("documents: {Aprove: [Form]}", 'line 3, documents: activity "Aprove"'),
        ("round_limits: {Aprove: [8]}", 'line 3, round_limits: activity "Aprove"'),
        ("rules: [{existence: [Aprove]}]", 'line 3, rules: activity "Aprove"'),
        ("roles: {Approve: {responsible: Writer}}", 'line 3, roles: "Approve" is the work of "Writer"'),
        ("aliases: {x: Aprove}", 'line 3, aliases: "x" stands for "Aprove"'),
    ],
)
def test_a_card_that_contradicts_its_model_is_told_with_the_line(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "to_be.bpmn"
    path.write_text(CAMUNDA, encoding="utf-8")
    (tmp_path / "to_be.card.yaml").write_text(f"process: P\nowner: Head\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"to_be\.card\.yaml, ") as caught:
        read_target(path)
    assert told in str(caught.value)
