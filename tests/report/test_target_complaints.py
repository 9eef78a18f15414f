"""Mistakes in models, steps and cards, raised by the rooms themselves, are told in Russian to the last part."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mkmine.errors import MkmineError
from mkmine.language import translator
from mkmine.report.retelling import retell
from mkmine.targets import parse_bpmn, parse_outline, read_card, read_target

RU = translator("ru")
BPMN = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">{}</process></definitions>'
STEPS = '<startEvent id="s"/><task id="a" name="А"/><endEvent id="e"/>'
FLOWS = '<sequenceFlow id="f" sourceRef="s" targetRef="a"/><sequenceFlow id="g" sourceRef="a" targetRef="e"/>'


def bpmn(body: str) -> Callable[[Path], object]:
    return lambda folder: parse_bpmn(BPMN.format(body).encode(), source="м.bpmn")


def steps(text: str) -> Callable[[Path], object]:
    return lambda folder: parse_outline(text, source="ш.yaml")


def card(text: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        (folder / "м.yaml").write_text("steps: [А, Б]\n", encoding="utf-8")
        path = folder / "м.card.yaml"
        path.write_text(text, encoding="utf-8")
        read_card(path)
        return read_target(folder / "м.yaml")

    return read


MISTAKES = {
    "entity": lambda folder: parse_bpmn(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", source="м.bpmn"),
    "root": lambda folder: parse_bpmn(b"<a/>", source="м.bpmn"),
    "cut short": lambda folder: parse_bpmn(b"<a><b>", source="м.bpmn"),
    "nothing drawn": bpmn(""),
    "boundary": bpmn(STEPS + '<boundaryEvent id="b" name="Ждём" attachedToRef="x"/>' + FLOWS),
    "one element": bpmn(STEPS + '<transaction id="b" name="Ждём"/>' + FLOWS),
    "two elements": bpmn(STEPS + '<complexGateway id="b"/><complexGateway id="c"/>' + FLOWS),
    "no name": bpmn(STEPS.replace(' name="А"', "") + FLOWS),
    "unreachable": bpmn(STEPS + FLOWS + '<task id="b" name="Б"/>'),
    "dangling": bpmn(STEPS + FLOWS + '<sequenceFlow id="h" sourceRef="a" targetRef="x"/>'),
    "no start": bpmn('<task id="a" name="А"/>'),
    "compensation": bpmn(
        STEPS.replace('<endEvent id="e"/>', '<endEvent id="e"><compensateEventDefinition/></endEvent>')
    ),
    "steps missing": steps("process: П\n"),
    "unknown field": steps("process: П\nstep: [А]\n"),
    "go nowhere": steps("steps:\n  - А\n  - go_to: Б\n"),
    "unknown word": steps("steps:\n  - {stepp: А}\n"),
    "named twice": steps("steps:\n  - А\n  - А\n"),
    "owner": card("process: П\nowner: [А, Б]\n"),
    "field": card("process: П\nowner: О\nlimitz: {А: 1}\n"),
    "limit": card("process: П\nowner: О\nlimits: {А: -1}\n"),
    "activity": card("process: П\nowner: О\nlimits: {В: 1}\n"),
    "alias": card("process: П\nowner: О\naliases: {x: В}\n"),
}

CHECKS = (
    "budget_seconds is 0; give a number of seconds above zero",
    "3 cases are completed; the quality of a model needs at least 10",
    "none of 1,200 cases is completed; a model needs cases that came to their end",
    "workers=0: give at least 1",
    "a worker died (1); often memory ran out: run it with fewer workers",
    'log "Ж" has no completed case; compare logs whose cases came to their end',
    "the probability of А -> Б is 2; give a number from 0 to 1",
    "the probabilities add up to 1.2; give more than 0 and at most 1 together",
)


@pytest.mark.parametrize("mistake", CHECKS)
def test_the_mistakes_of_a_check_are_told_in_russian(mistake: str) -> None:
    told = retell(mistake, RU)
    assert set(re.findall(r"[A-Za-z]{3,}", told)) <= {"budget_seconds", "budget", "seconds", "workers"}, told


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_told_in_russian(name: str, tmp_path: Path) -> None:
    with pytest.raises(MkmineError) as caught:
        MISTAKES[name](tmp_path)
    told = retell(str(caught.value).replace(str(tmp_path), ""), RU)
    # What stays Latin is names: of files, fields, elements and formats, in signs of their own.
    plain = re.sub(r"<[^>]*>|«[^»]*»|\"[^\"]*\"|\{[^}]*\}|\([^)]*\)|/?[\w.]+\.(bpmn|yaml)|http\S+", "", told)
    words = set(re.findall(r"[A-Za-z]{3,}", plain)) - {"BPMN", "XML", "UTF", "YAML", "DOCTYPE", "step", "role", "steps"}
    assert not words - {"owner", "limitz", "limits", "aliases", "process", "compensate"}, told
