"""The article world: how a marketing department makes articles, from the task to the publication.

A simulation model that knows its truth: every probability, duration, calendar and head count is written here. Where a
figure has a published source it is named; all others are assumptions, chosen so that the load is that of a department
which works at its limit. The people are invented.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from mkmine.errors import DataError
from mkmine.language import Language
from mkmine.simulation.model import ActivityModel, Arrivals, CalendarModel, Person, Route, Season, SimulationModel
from mkmine.simulation.model.distributions import LogNormal, Triangular, Uniform
from mkmine.simulation.scenarios.scenario import Scenario

__all__ = ["article_world", "return_probabilities", "scenarios"]

TASK = "Постановка задачи"
BRIEF = "Бриф"
WRITING = "Написание текста"
APPROVAL = "Согласование текста"
LEGAL = "Юридическая проверка"
DESIGN = "Дизайн"
AGENCY = "Дизайн в агентстве"
FINAL = "Финальное согласование"
PUBLICATION = "Публикация"

HEAD = "Руководитель маркетинга"
MARKETER = "Маркетолог"
COPYWRITER = "Копирайтер"
EDITOR = "Редактор"
DESIGNER = "Дизайнер"
APPROVER = "Согласующий"
CONTENT = "Контент-менеджер"

TIME_ZONE = "Europe/Moscow"
WARM_UP = date(2024, 4, 1)
FROM = date(2024, 7, 1)
UNTIL = date(2026, 1, 1)
LEFT = "Роман Чижиков"
"""The copywriter who left in spring 2025; the tracker knows him as a deleted user."""

Preset = Literal["light", "heavy"]


def return_probabilities(preset: Preset = "light") -> list[float]:
    """Return how probably the approval of a text sends it back, by round (the last one for all further rounds).

    `"light"`: with the final approval 3.2-3.7 versions per text, as in Filestage's survey of 2023. `"heavy"`: 1-2
    rounds in 7 % of cases, 3-4 in 35 %, 5 and more in 58 %, 10 and more in 14 %, as in Workfront's survey (n = 340).
    The two surveys disagree, so both are here. Raises `DataError` if the preset is another.
    """
    if preset == "light":
        return [0.75, 0.65, 0.56, 0.47, 0.36]
    if preset == "heavy":
        return [0.97, 0.96, 0.79, 0.79, 0.753]
    raise DataError(f'there is no preset "{preset}"; pass "light" or "heavy"')


def article_world(preset: Preset = "light") -> SimulationModel:
    """Return the world. In the heavy preset the same people take on fewer tasks: more rounds cost more time."""
    returns = return_probabilities(preset)
    notes = ["the article world of mkmine's catalogue; figures without a source are assumptions"]
    return SimulationModel(
        name="Производство статей",
        time_zone=TIME_ZONE,
        start=WARM_UP,
        office="Офис",
        calendars=_calendars(),
        people=_people(),
        activities=_activities(returns),
        begin=[Route(to=TASK, probability=1)],
        arrivals=_arrivals(per_week=17.6 if preset == "light" else 10.0),
        queue="deadline",
        due=Triangular(low=60, mode=120, high=240),
        notes=notes,
    )


def scenarios(language: Language = "ru") -> list[Scenario]:
    """Return the three what-ifs of the demo, for a model of the world or one calibrated on its tracker export.

    `language` is that of the scenarios' names; roles and activities are called as in the tracker.
    """
    names = {
        "ru": (
            "Ещё один дизайнер",
            "Строже бриф: вдвое меньше возвратов текста",
            "Финальное согласование дважды в неделю",
        ),
        "en": ("One more designer", "Stricter brief: half the returns of the text", "Final approval twice a week"),
    }[language]
    return [
        Scenario(names[0]).staff(DESIGNER, +1),
        Scenario(names[1]).rework(APPROVAL, factor=0.5),
        Scenario(names[2]).calendar(APPROVER, {"Tue": "10:00-13:00, 14:00-17:00", "Thu": "10:00-13:00, 14:00-17:00"}),
    ]


def _calendars() -> dict[str, CalendarModel]:
    weekly = {
        "Офис": {"Mon-Fri": "09:00-13:00, 14:00-18:00"},
        "Проектные часы": {"Mon-Fri": "10:00-13:00, 14:00-17:00"},
        "Постановка": {"Mon-Fri": "09:00-11:00"},
        "Вычитка": {"Mon-Fri": "11:00-13:00, 15:00-18:00"},
        "Комитет по четвергам": {"Thu": "10:00-13:00, 14:00-17:00"},
        "Выпуск": {"Mon-Fri": "10:00-12:00"},
        "Юристы": {"Mon-Fri": "10:00-13:00, 14:00-17:00"},
    }
    return {name: CalendarModel(weekly=hours, holidays="RU") for name, hours in weekly.items()}


def _people() -> list[Person]:
    """Return the department; vacations are spans of dates, and one copywriter is replaced by another."""
    days = date.fromisoformat
    rows: list[tuple[str, str, str, list[str]]] = [
        ("Марина Ельчанова", HEAD, "Постановка", ["2024-08-12/2024-08-16", "2025-07-14/2025-07-18"]),
        ("Олег Тишков", MARKETER, "Проектные часы", ["2024-07-08/2024-07-21", "2025-06-16/2025-06-29"]),
        ("Ксения Бурдина", MARKETER, "Проектные часы", ["2024-08-05/2024-08-18", "2025-08-04/2025-08-17"]),
        ("Павел Ратников", MARKETER, "Проектные часы", ["2024-09-02/2024-09-15", "2025-07-07/2025-07-20"]),
        ("Инна Совкова", COPYWRITER, "Офис", ["2024-07-15/2024-07-28", "2025-07-21/2025-08-03"]),
        ("Глеб Морошкин", COPYWRITER, "Офис", ["2024-08-19/2024-09-01", "2025-08-11/2025-08-24"]),
        ("Дарья Лепёхина", COPYWRITER, "Офис", ["2024-09-16/2024-09-29", "2025-06-09/2025-06-22"]),
        ("Артём Сухоруков", COPYWRITER, "Офис", ["2024-06-17/2024-06-30", "2025-09-08/2025-09-21"]),
        ("Полина Вешнякова", COPYWRITER, "Офис", ["2024-10-14/2024-10-20", "2025-10-06/2025-10-19"]),
        (LEFT, COPYWRITER, "Офис", ["2024-08-05/2024-08-11", "2025-04-07/2026-06-30"]),
        ("Алина Кострова", COPYWRITER, "Офис", ["2020-01-01/2025-04-13", "2025-11-17/2025-11-23"]),
        ("Тамара Гущина", EDITOR, "Вычитка", ["2024-07-29/2024-08-11", "2025-08-18/2025-08-31"]),
        ("Илья Порошин", EDITOR, "Вычитка", ["2024-09-09/2024-09-22", "2025-06-30/2025-07-13"]),
        ("Лев Кудряшов", DESIGNER, "Офис", ["2024-08-26/2024-09-08", "2025-07-28/2025-08-10"]),
        ("Юлия Ветлугина", DESIGNER, "Офис", ["2024-07-22/2024-08-04", "2025-09-22/2025-10-05"]),
        ("Станислав Берёзкин", APPROVER, "Комитет по четвергам", ["2024-08-12/2024-08-18"]),
        ("Нина Голышева", APPROVER, "Комитет по четвергам", ["2025-07-07/2025-07-13"]),
        ("Егор Пчелинцев", CONTENT, "Выпуск", ["2025-05-12/2025-05-16"]),
    ]
    return [
        Person(
            name=name,
            roles=[role],
            calendar=calendar,
            absences=[(days(span[:10]), days(span[11:])) for span in absences],
        )
        for name, role, calendar, absences in rows
    ]


def _hours(*means: float, cv: float = 0.6) -> list[LogNormal]:
    """Return log-normal durations by round."""
    return [LogNormal(mean=mean, cv=cv) for mean in means]


def _routes(**ways: float) -> list[Route]:
    """Return routes by the words below; what remains of the probability is cancelled work."""
    targets = {
        "brief": (BRIEF, False), "write": (WRITING, False), "approve": (APPROVAL, False), "legal": (LEGAL, False),
        "design": (DESIGN, False), "agency": (AGENCY, False), "final": (FINAL, False), "publish": (PUBLICATION, False),
        "back_to_brief": (BRIEF, True), "back_to_text": (WRITING, True), "back_to_design": (DESIGN, True),
    }  # fmt: skip
    routes = [Route(to=targets[way][0], probability=p, rework=targets[way][1]) for way, p in ways.items()]
    left = round(1 - sum(ways.values()), 9)
    return [*routes, Route(to=None, probability=left, outcome="cancelled")] if left else routes


def _approved(back: float) -> list[Route]:
    """Return where an approved text goes: lawyers, designer, agency, or no pictures at all; 1 % is cancelled."""
    on = 0.99 - back
    return _routes(
        back_to_text=back, legal=0.24 * on, design=0.53 * on, agency=0.11 * on, final=round(1 - 0.88, 2) * on
    )


def _activities(returns: list[float]) -> dict[str, ActivityModel]:
    return {
        TASK: ActivityModel(
            role=HEAD, duration=_hours(0.4), next=[_routes(brief=0.92, write=0.05)]
        ),
        BRIEF: ActivityModel(
            role=MARKETER, duration=_hours(3.6, 1.3), same_person=True, next=[_routes(write=0.975), _routes(write=1.0)]
        ),
        WRITING: ActivityModel(
            role=COPYWRITER,
            duration=_hours(6.6, 2.3, 1.6),
            next=[_routes(approve=0.88, back_to_brief=0.11), _routes(approve=0.98, back_to_brief=0.02)],
        ),
        APPROVAL: ActivityModel(
            role=EDITOR, duration=_hours(1.16, 0.72, 0.48), next=[_approved(back) for back in returns]
        ),
        LEGAL: ActivityModel(
            duration=_hours(18, 10, cv=0.8),
            calendar="Юристы",
            next=[_routes(back_to_text=0.12, design=0.7, agency=0.1, final=0.08)],
        ),
        DESIGN: ActivityModel(
            role=DESIGNER, duration=_hours(4.5, 1.5, 1.0), next=[_routes(final=0.93, publish=0.07), _routes(final=1.0)]
        ),
        AGENCY: ActivityModel(duration=_hours(44, 20, cv=0.5), calendar="Офис", next=[_routes(final=1.0)]),
        FINAL: ActivityModel(
            role=APPROVER,
            duration=_hours(0.55, 0.4),
            next=[
                _routes(publish=0.71, back_to_design=0.19, back_to_text=0.09),
                _routes(publish=0.83, back_to_design=0.12, back_to_text=0.05),
                _routes(publish=0.92, back_to_design=0.08),
            ],
        ),
        PUBLICATION: ActivityModel(
            role=CONTENT,
            duration=_hours(0.35, cv=0.4),
            delay=Uniform(low=6, high=42),
            calendar="Офис",
            next=[[Route(to=None, probability=1)]],
        ),
    }  # fmt: skip


def _arrivals(*, per_week: float) -> Arrivals:
    """Return arrivals in office hours, with more on Mondays, and seasons: quarter ends, January, May and summer."""
    day = [0.0] * 9 + [1.3, 1.6, 1.3, 0.7, 0.4, 1.1, 1.2, 1.0, 0.6] + [0.0] * 6
    weight = [1.3, 1.05, 1.0, 0.95, 0.7, 0.0, 0.0]
    scale = per_week / (sum(day) * sum(weight))
    seasons = []
    for year in (2024, 2025):
        for first, last in (("02-24", "03-23"), ("05-26", "06-22"), ("08-25", "09-21"), ("11-17", "12-14")):
            seasons.append((f"{year}-{first}", f"{year}-{last}", 1.3))
        seasons += [(f"{year}-01-01", f"{year}-01-31", 0.7), (f"{year}-05-01", f"{year}-05-18", 0.75)]
        seasons += [(f"{year}-07-08", f"{year}-08-18", 0.85)]
    return Arrivals(
        weekly=[[round(hour * share * scale, 6) for hour in day] for share in weight],
        holidays="RU",
        seasons=[
            Season(first=date.fromisoformat(first), last=date.fromisoformat(last), factor=factor)
            for first, last, factor in sorted(seasons)
        ],
    )
