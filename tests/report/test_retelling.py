from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mkmine
from mkmine.conformance.conformance import METHOD as ALIGNMENT
from mkmine.language import translator
from mkmine.performance import breakdown, diagnosis
from mkmine.report.retelling import SENTENCES, retell
from mkmine.simulation import validation
from mkmine.simulation.calibration import calibration, taken_up
from mkmine.simulation.experiments.experiment import METHOD as PAIRED

RU = translator("ru")
PACKAGE = Path(mkmine.__file__).parent


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("moved and moved back within 60 s by the same person", "перенесено и возвращено тем же человеком за 60 с"),
        ('"a.csv" (utf-8, delimiter ";")', "«a.csv» (utf-8, разделитель «;»)"),
        (
            '"a.csv" (utf-8, delimiter ";", names in row 3)',
            "«a.csv» (utf-8, разделитель «;», названия в строке 3)",
        ),
        ("end before start (12); no time (3)", "конец раньше начала (12); нет времени (3)"),
        (
            'time column "Начало" (3); end column "Конец" (1)',
            "столбец времени «Начало» (3); столбец окончания «Конец» (1)",
        ),
        (
            'end column "Конец": start "a" after end "b"',
            "столбец окончания «Конец»: начало «a» позже окончания «b»",
        ),
        ('time column "Начало": "31.02.2024": not a date', "столбец времени «Начало»: «31.02.2024»: не дата"),
        ("3 cells where the header has 5 (2)", "ячеек: 3, а в заголовке\u00a0— 5 (2)"),
        ("time of change: not a date", "время изменения: не дата"),
        ("Mon-Fri 09:00-18:00 (Europe/Moscow, holidays RU)", "Пн–Пт 09:00–18:00 (Europe/Moscow, праздники RU)"),
        (
            "Mon-Thu 09:00-13:00, 14:00-18:00; Fri 09:00-17:00 (UTC), inferred from the log",
            "Пн–Чт 09:00–13:00, 14:00–18:00; Пт 09:00–17:00 (UTC), определён по журналу",
        ),
        (
            'case = "case_id" (by name); timestamps = interval (start and end are there)',
            "case = «case_id» (по названию); время = начало и конец (есть начало и конец)",
        ),
        ("12 traces, log attribute v1.8", "трасс: 12, атрибут журнала v1.8"),
        (
            "say what to compare: one of --since, --by with --values, and --against",
            "укажите, что сравнивать: --since, --by вместе с --values или --against",
        ),
        (
            '"2025-13-01" is not a date; write e.g. "2025-03-05" or "2025-03-05T14:00"',
            "«2025-13-01»\u00a0— не дата; напишите, например, «2025-03-05» или «2025-03-05T14:00»",
        ),
        (
            'the log has no "A"; name the activity that approves, such as aliases={"b": "A"} or --alias "b=A" '
            '(activities: "b")',
            'в журнале нет "A"; назовите действие, которым согласуют, например aliases={"b": "A"} или --alias "b=A" '
            '(действия: "b")',
        ),
        (
            "Days are of the calendar, as surveys do not say which days they mean. In working days: 5.28, 10.6.",
            "Дни календарные: опросы не говорят, какие дни имеют в виду. В рабочих днях: 5,28; 10,6.",
        ),
        (
            'Assumption: "Шаг 1.5" takes 0.3 to 1.5 h of work, most likely 0.71 (said, not measured).',
            "Предположение: «Шаг 1.5»\u00a0— от 0,3 до 1,5 ч работы, вероятнее всего 0,71 (со слов, не измерено).",
        ),
        (
            "People take the last piece first (85% of 3,298 choices among several), and so does the model.",
            "Люди берут сначала последнюю единицу (85\u00a0% из 3\u202f298 выборов между несколькими), и модель тоже.",
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
    notes += [diagnosis.PARTIAL_WORK, diagnosis.ESTIMATED_STARTS, breakdown.ESTIMATED]
    methods = [ALIGNMENT, PAIRED, validation.METHOD, *validation.WARNING.values()]
    model = [value for name, value in vars(calibration).items() if name.startswith("NOTE_") and isinstance(value, str)]
    habits = [value for name, value in vars(taken_up).items() if name.startswith("NOTE_") and isinstance(value, str)]
    habits += [*taken_up.NOTE_ORDER.values(), *taken_up.KINDS.values(), *taken_up.RULES.values()]
    return [*notes, *methods, *model, *habits]


def written() -> list[str]:
    """The literal steps of a log's history and findings of its quality, as the rooms write them."""
    texts: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            said = node.args[:2] if node.func.id == "Step" else []
            if node.func.id == "Finding":
                said = [one.value for one in node.keywords if one.arg in ("what", "advice")]
            texts |= {one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    # What has no letters is the same in every language.
    return sorted(text for text in texts if any(map(str.isalpha, text)))


@pytest.mark.parametrize("text", written())
def test_the_history_and_the_quality_of_a_log_are_known(text: str) -> None:
    assert retell(text, RU) != text


@pytest.mark.parametrize("text", constants())
def test_the_sentences_of_the_rooms_are_known(text: str) -> None:
    assert text in SENTENCES
    assert retell(text, RU) != text


def test_errors_are_told_part_by_part_and_foreign_parts_stay() -> None:
    assert retell('there is no file "a.csv"; check the path (it is taken from /home)', RU) == (
        "файла «a.csv» нет; проверьте путь (он отсчитывается от /home)"
    )
    assert retell('unknown role "Writer"; nothing else is said of it', RU) == (
        "неизвестное имя (роль): «Writer»; nothing else is said of it"
    )
