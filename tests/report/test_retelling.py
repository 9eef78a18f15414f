from __future__ import annotations

import pytest

from mkmine.conformance.conformance import METHOD as ALIGNMENT
from mkmine.language import translator
from mkmine.performance import diagnosis
from mkmine.report.retelling import SENTENCES, retell
from mkmine.simulation import calibration, validation
from mkmine.simulation.experiment import METHOD as PAIRED

RU = translator("ru")


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("moved and moved back within 60 s by the same person", "перенесено и возвращено тем же человеком за 60 с"),
        ('"a.csv" (utf-8, delimiter ";")', "«a.csv» (utf-8, разделитель «;»)"),
        ("end before start (12); no time (3)", "конец раньше начала (12); нет времени (3)"),
        (
            'case = "case_id" (by name); timestamps = interval (start and end are there)',
            "case = «case_id» (по названию); время = начало и конец (есть начало и конец)",
        ),
        (
            'no mapping given: Ждёт = queue (category "new"); Готово = done (the name says "готово"; issues come to it '
            "from a queue, so closing is an act of its own)",
            "сопоставление не задано: Ждёт = очередь (категория «new»); Готово = готово (в названии есть «готово»; "
            "задачи приходят в него из очереди, так что закрытие\u00a0— отдельное действие)",
        ),
    ],
)
def test_sentences_are_said_in_russian(english: str, russian: str) -> None:
    assert retell(english, RU) == russian


def test_what_is_not_known_is_told_as_it_is() -> None:
    assert retell("Совсем другое; and this", RU) == "Совсем другое; and this"
    assert retell("", RU) == ""


def test_english_is_left_alone() -> None:
    assert retell("end before start", translator("en")) == "end before start"


def constants() -> list[str]:
    """The sentences that the rooms keep as constants."""
    notes = [diagnosis.COMPLETIONS_ONLY, diagnosis.STATUS_LOG, diagnosis.INFERRED_CALENDAR, diagnosis.OPEN_CASES]
    methods = [ALIGNMENT, PAIRED, validation.METHOD, *validation.WARNING.values()]
    model = [value for name, value in vars(calibration).items() if name.startswith("NOTE_") and isinstance(value, str)]
    return [*notes, *methods, *model]


@pytest.mark.parametrize("text", constants())
def test_the_sentences_of_the_rooms_are_known(text: str) -> None:
    assert text in SENTENCES
    assert retell(text, RU) != text
