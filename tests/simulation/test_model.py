from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mkmine.errors import DataError
from mkmine.simulation import SimulationModel, simulate
from mkmine.simulation.model.distributions import Fixed


def test_yaml_round_trip(article: SimulationModel, tmp_path: Path) -> None:
    path = article.save(tmp_path / "model.yaml")
    again = SimulationModel.load(path)
    assert again == article
    assert again.to_yaml() == article.to_yaml() == path.read_text(encoding="utf-8")
    assert SimulationModel.from_dict(article.to_dict()) == article


def test_names_in_any_script_survive_yaml(values: dict[str, Any], tmp_path: Path) -> None:
    for name in ("Статья: № 1 «да»", "null", "1.5", "- [x]", "a\nb", "on"):
        values["name"] = name
        assert SimulationModel.load(SimulationModel.from_dict(values).save(tmp_path / "m.yaml")).name == name


def test_contexts_and_seasons_survive_yaml(values: dict[str, Any], tmp_path: Path) -> None:
    values["activities"]["Approval"]["contexts"] = [
        {"before": ["Brief", "Text"], "round": 1, "next": [{"to": "Design", "probability": 1}]}
    ]
    values["arrivals"]["seasons"] = [{"first": "2025-03-01", "last": "2025-03-31", "factor": 0.0}]
    values["queue"], values["due"] = "deadline", {"kind": "fixed", "hours": 80}
    model = SimulationModel.from_dict(values)
    assert SimulationModel.load(model.save(tmp_path / "m.yaml")) == model


def test_what_it_tells(article: SimulationModel) -> None:
    assert article.roles == ("Marketer", "Writer", "Designer", "Approver")
    assert [one.name for one in article.staff("Writer")] == ["Bob", "Cat"]
    assert article.arrivals.per_week == pytest.approx(6.0)
    assert article.horizon(2) == date(2025, 1, 27)
    text = repr(article)
    assert "Approval: 1 part-time Approver (Tue 10:00-13:00; Thu 14:00-17:00); 0.2 h; outside delay 1.0 h" in text
    table = article.to_pandas().set_index("activity")
    assert table.loc["Text", "people"] == 2
    assert table.loc["Approval", "rework"] == pytest.approx(0.4)
    assert table.loc["Publication", "people"] == 0


def test_its_html_is_escaped(values: dict[str, Any]) -> None:
    values["name"] = "<script>"
    assert "<script>" not in SimulationModel.from_dict(values)._repr_html_()


def test_it_cannot_be_changed(article: SimulationModel) -> None:
    with pytest.raises(ValueError, match="frozen"):
        article.name = "other"  # type: ignore[misc]


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set the value at a path such as `people.0.calendar`."""

    def apply(values: Any) -> None:
        *parts, last = path.split(".")
        for part in parts:
            values = values[int(part) if part.isdigit() else part]
        values[int(last) if last.isdigit() else last] = value

    return apply


TRAP = [[{"to": "Publication", "probability": 1}]]
REFUSED = {
    "probabilities": (change("activities.Text.next.0.0.probability", 0.9), r"Text: next, round 1: .* add up to 0\.9"),
    "probabilities of a later round": (
        change("activities.Approval.next.1.0.probability", 0.5),
        r"Approval: next, round 2: the probabilities add up to 1\.3, not 1",
    ),
    "probability over one": (change("activities.Text.next.0.0.probability", 1.5), "less than or equal to 1"),
    "probability below none": (change("activities.Text.next.0.0.probability", -0.5), "greater than or equal to 0"),
    "probability not a number": (
        change("activities.Text.next.0.0.probability", float("nan")),
        r"activities: Text: next",
    ),
    "beginning": (change("begin.0.probability", 0.5), r"begin: the probabilities add up to 0\.5, not 1"),
    "beginning with the end": (change("begin.0.to", None), "begin: a case cannot end before its first activity"),
    "beginning elsewhere": (change("begin.0.to", "Breif"), 'begin: unknown name "Breif"; did you mean "Brief"'),
    "route": (
        change("activities.Text.next.0.0.to", "Aproval"),
        'round 1: unknown name "Aproval"; did you mean "Approval"',
    ),
    "context": (
        change("activities.Text.contexts", [{"before": ["Breif"], "next": [{"to": "Approval", "probability": 1}]}]),
        'Text: context Breif: unknown name "Breif"; did you mean "Brief"',
    ),
    "routes of a context": (
        change("activities.Text.contexts", [{"before": ["Brief"], "next": [{"to": "Approval", "probability": 0.5}]}]),
        r"Text: context Brief: the probabilities add up to 0\.5",
    ),
    "calendar of a person": (
        change("people.0.calendar", "offise"),
        'Ann: calendar: unknown name "offise"; did you mean',
    ),
    "calendar of an activity": (change("activities.Approval.calendar", "x"), 'Approval: calendar: unknown name "x"'),
    "office": (change("office", "home"), 'office: unknown name "home"'),
    "role": (change("activities.Design.role", "Desinger"), 'nobody has the role "Desinger".*did you mean "Designer"'),
    "two of a name": (change("people.1.name", "Ann"), 'people: "Ann" is there twice'),
    "trap": (change("activities.Publication.next", TRAP), "no route leads from here to an end"),
    "trap by probability nought": (
        change(
            "activities.Publication.next", [[{"to": None, "probability": 0}, {"to": "Publication", "probability": 1}]]
        ),
        "no route leads from here to an end",
    ),
    "never opens": (change("calendars.approver.weekly", {}), "calendars: approver: the calendar never opens"),
    "hours": (change("calendars.office.weekly", {"Mon": "9 to 5"}), "calendars: .* is not an interval of hours"),
    "hours that YAML took for a number": (change("calendars.office.weekly", {"Mon": 540}), "valid string"),
    "holidays": (change("calendars.office.holidays", "XX"), 'no holidays are known for "XX"'),
    "holidays of arrivals": (change("arrivals.holidays", "XX"), 'no holidays are known for "XX"'),
    "zone": (change("time_zone", "Europe/Moskva"), "is not a time zone"),
    "no activities": (change("activities", {}), "the model has none; give at least one"),
    "no duration": (change("activities.Text.duration", []), "at least 1"),
    "negative duration": (change("activities.Approval.duration.0.hours", -1), "greater than or equal to 0"),
    "deadline": (change("queue", "deadline"), "queue: deadline needs `due`"),
    "queue": (change("queue", "random"), "'fifo', 'lifo', 'deadline', 'priority' or 'ageing'"),
    "extra key": (change("seed", 7), 'unknown key "seed"; known: '),
    "extra key deep inside": (
        change("activities.Text.rol", "x"),
        'activities: Text: unknown key "rol"; did you mean "role"',
    ),
    "hours of arrivals": (change("arrivals.weekly.0", [1.0] * 23), "at least 24"),
    "negative arrivals": (change("arrivals.weekly.0.3", -1.0), "greater than or equal to 0"),
    "roles of a person": (change("people.0.roles", []), "at least 1"),
    "absence": (change("people.3.absences", [["2025-03-14", "2025-03-03"]]), r"Dan.*ends before it begins"),
    "season": (
        change("arrivals.seasons", [{"first": "2025-03-31", "last": "2025-03-01", "factor": 2}]),
        "ends before it begins",
    ),
    "name": (change("name", ""), "at least 1 character"),
    "start": (change("start", "soon"), "start: give a date, e.g. 2025-01-31; found 'soon'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_run_is_refused_with_its_place(values: dict[str, Any], what: str) -> None:
    spoil, message = REFUSED[what]
    spoil(values)
    with pytest.raises(DataError, match=message) as caught:
        SimulationModel.from_dict(values, where="models/article.yaml")
    assert str(caught.value).startswith("models/article.yaml: ")


def test_the_number_of_problems_is_told(values: dict[str, Any]) -> None:
    values["people"][0]["roles"], values["people"][1]["roles"] = [], []
    with pytest.raises(DataError, match=r"\(2 problems in all\)"):
        SimulationModel.from_dict(values)


def test_a_file_is_read_safely(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.yaml"
    bomb.write_text("a: &a [x, x]\nb: &b [*a, *a]\n")
    with pytest.raises(DataError, match="aliases"):
        SimulationModel.load(bomb)
    code = tmp_path / "code.yaml"
    code.write_text("name: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(DataError, match="is not valid YAML"):
        SimulationModel.load(code)
    with pytest.raises(DataError, match=r"none\.yaml"):
        SimulationModel.load(tmp_path / "none.yaml")
    (tmp_path / "numbers.yaml").write_text("1: 2\n")
    with pytest.raises(DataError, match=r"numbers\.yaml"):
        SimulationModel.load(tmp_path / "numbers.yaml")


def test_what_needs_no_list_may_be_written_without(values: dict[str, Any]) -> None:
    full = SimulationModel.from_dict(values)
    values["begin"] = "Brief"
    activities = values["activities"]
    activities["Text"]["next"] = "Approval"
    activities["Design"] |= {"next": {"to": "Publication"}, "duration": activities["Design"]["duration"][0]}
    activities["Publication"]["next"] = [{"to": None}]
    activities["Brief"]["next"] = activities["Brief"]["next"][0]
    activities["Approval"]["duration"] = 0.25
    assert SimulationModel.from_dict(values) == full
    activities["Approval"]["delay"] = 2
    assert SimulationModel.from_dict(values).activities["Approval"].delay == Fixed(hours=2)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("people.0", "Ann", "people: #1: give keys with values"),
        ("people", 5, "people: give a list; found 5"),
        ("activities.Text.duration", [{"kind": "fixd"}], 'Text: duration: #1: unknown kind "fixd"; did you mean'),
        ("activities.Text.duration", {"hours": 1}, 'duration: #1: the key "kind" is missing in'),
        ("activities.Text.duration", [1, {"kind": "gamma", "mean": 2}], 'duration: #2: the key "cv" is missing'),
        ("activities.Text.duration", True, "duration: give a list; found True"),
        ("activities.Brief.next", [{"probability": 1}], 'next: #1: #1: the key "to" is missing'),
        ("sickness", {"per_year": 1, "day": {1: 1}}, r'sickness: the key "days" is missing \(2 problems'),
        ("arrivals.sizes", {"few": 1}, "sizes: few: key: found 'few'"),
    ],
)
def test_mistakes_are_told_in_words(values: dict[str, Any], where: str, value: Any, said: str) -> None:
    change(where, value)(values)
    with pytest.raises(DataError, match=said):
        SimulationModel.from_dict(values)


def test_a_calendar_that_never_opens_is_told_by_name(values: dict[str, Any]) -> None:
    hours = [{"weekly": {day: "09:00-10:00"}} for day in ("Mon", "Tue")]
    values["calendars"]["approver"] = {"all_of": hours}
    with pytest.raises(DataError, match="calendars: approver: the calendar does not open"):
        SimulationModel.from_dict(values)


def test_somebody_who_is_always_away_is_told_by_name(values: dict[str, Any]) -> None:
    values["people"][0]["absences"] = [["2020-01-01", "2040-01-01"]]
    with pytest.raises(DataError, match="people: Ann: the calendar does not open"):
        SimulationModel.from_dict(values)


def test_a_case_that_hardly_ever_ends_is_refused(values: dict[str, Any]) -> None:
    back = {"to": "Text", "probability": 0.9999, "rework": True}
    values["activities"]["Approval"]["next"] = [[back, {"to": "Design", "probability": 0.0001}]]
    with pytest.raises(DataError, match="Text: a case would come here 9,500 times on average"):
        SimulationModel.from_dict(values)


def test_a_join_of_alternatives_is_a_deadlock(values: dict[str, Any]) -> None:
    values["gateways"] = {"Meet": {"kind": "join", "to": "Design"}}
    values["activities"]["Approval"]["next"] = "Meet"
    values["activities"]["Brief"]["next"] = [{"to": "Text", "probability": 0.5}, {"to": "Meet", "probability": 0.5}]
    with pytest.raises(DataError, match="gateways: Meet: a case can get stuck here"):
        SimulationModel.from_dict(values)


@pytest.mark.parametrize("start", ["0001-01-01", "1899-12-31", "9999-12-31"])
def test_a_start_beyond_all_calendars_is_refused(values: dict[str, Any], start: str) -> None:
    with pytest.raises(DataError, match=f"start: {start} is not in the years 1900 to 2180"):
        SimulationModel.from_dict(values | {"start": start})


def test_a_period_that_ends_before_it_begins_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="until: 2024-01-01 is before the start, 2025-01-13; swap the dates"):
        SimulationModel.from_dict(values | {"until": "2024-01-01"})


@pytest.mark.parametrize("engine", ["simpy", "kernel"])
def test_somebody_with_hardly_any_time_is_no_overflow(values: dict[str, Any], engine: Any) -> None:
    values["people"][1]["availability"] = 1e-300
    values["activities"]["Text"]["people"] = {"Bob": {"pace": 100}}
    with pytest.raises(DataError, match="past the year 2190"):
        simulate(SimulationModel.from_dict(values), cases=20, engine=engine)
