"""What is said of processes and assumptions in English is said in the language of the reader, too."""

from __future__ import annotations

from types import ModuleType

import pytest

from mkmine.language import translator
from mkmine.report.assumptions import ASSUMPTIONS
from mkmine.report.retelling import retell
from mkmine.simulation.calibration import along, assumed, borrowing, tobe


@pytest.mark.parametrize("room", [along, assumed, borrowing, tobe], ids=lambda room: room.__name__)
def test_every_note_is_among_the_sentences(room: ModuleType) -> None:
    notes = {value for name, value in vars(room).items() if name.startswith("NOTE_")}
    assert notes
    assert notes <= set(ASSUMPTIONS)


def test_an_assumption_in_russian() -> None:
    told = retell("Assumption: 2 people are new in the role “Editor”, with the hours of the office.", translator("ru"))
    assert told == "Предположение: новых людей в роли «Editor»: 2, с рабочими часами офиса."
