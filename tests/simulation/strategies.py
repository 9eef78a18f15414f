"""Random models with everything that a model can say, small enough to run in a blink."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mkmine.simulation import SimulationModel

from .conftest import ALWAYS, OFFICE, exponential

HOURS = {
    "always": {"weekly": ALWAYS},
    "office": {"weekly": OFFICE},
    "early": {"weekly": {"Mon-Fri": "06:00-12:00"}},
    "night": {"weekly": {"Mon-Sat": "00:00-03:00, 21:00-24:00"}},
    "meeting": {"weekly": {"Tue": "10:00-13:00"}},
}
DURATIONS = [exponential(2), {"kind": "fixed", "hours": 1}, {"kind": "fixed", "hours": 0}, exponential(0.5)]
ROLES = ["R0", "R1", "R2"]


def routes(onward: str | None, back: str | None, chance: float) -> list[dict[str, Any]]:
    ways: list[dict[str, Any]] = [{"to": onward, "probability": 1 - chance if back else 1}]
    if back:
        ways.append({"to": back, "probability": chance, "rework": True})
    return ways


@st.composite
def staff(draw: st.DrawFn) -> list[dict[str, Any]]:
    """People with overlapping skills, several hands, and part of their time; every role has two people at least."""
    people = [
        {
            "name": f"P{n}",
            "roles": sorted(draw(st.sets(st.sampled_from(ROLES), min_size=1))),
            "calendar": draw(st.sampled_from(sorted(HOURS))),
            "capacity": draw(st.sampled_from([1, 1, 2, 3])),
            "availability": draw(st.sampled_from([1.0, 1.0, 0.5, 0.3])),
            "cost_per_hour": draw(st.sampled_from([0.0, 10.0])),
        }
        for n in range(draw(st.integers(0, 3)))
    ]
    people += [{"name": f"S{n}{role}", "roles": [role], "calendar": "office"} for role in ROLES for n in range(2)]
    return people


@st.composite
def activity(draw: st.DrawFn, earlier: list[str], ways: list[dict[str, Any]], *, limits: bool) -> dict[str, Any]:
    """An activity; `limits` adds what holds work back."""
    outside = draw(st.integers(0, 5)) == 0
    role = None if outside else draw(st.sampled_from(ROLES))
    out: dict[str, Any] = {
        "role": role,
        "duration": draw(st.lists(st.sampled_from(DURATIONS), min_size=1, max_size=2)),
        "delay": draw(st.sampled_from([None, None, exponential(3)])),
        "calendar": draw(st.sampled_from([None, "office"])),
        "next": [ways],
    }
    if outside:
        return out
    others = [None, *earlier] if earlier else [None]
    four_eyes = draw(st.sampled_from(others))
    out |= {
        "same_person": four_eyes is None and draw(st.booleans()),
        "other_person_than": four_eyes,
        "priority": draw(st.integers(-2, 2)),
        "at_closing": draw(st.sampled_from(["pause", "pause", "finish", "wait"])),
        "cost": draw(st.sampled_from([0.0, 5.0])),
        "people": {
            f"S0{role}": {
                "pace": draw(st.sampled_from([0.5, 1.0, 1.7])),
                "rework": 1.5,
                "preference": draw(st.sampled_from([1.0, 1.0, 0.0, 0.2, 5.0])),
            }
        }
        if draw(st.booleans())
        else {},
        "variants": [{"when": {"size": "L"}, "factor": 2.0}] if draw(st.booleans()) else [],
    }
    if limits:
        choice = draw(st.sampled_from(["none", "patience", "size", "weekly", "together", "hours"]))
        if choice == "patience":
            to = draw(st.sampled_from([None, ways[0]["to"]]))
            out["patience"] = {"after": exponential(8), "calendar": draw(st.sampled_from([None, "office"])), "to": to}
        elif choice != "none":
            out["batch"] = {
                "size": {"size": 3, "hours": 4, "calendar": "office"},
                "hours": {"hours": 3, "calendar": "office"},
                "weekly": {"calendar": "meeting"},
                "together": {"size": 4, "hours": 6, "together": True, "addition": 0.5},
            }[choice]
        if choice == "together":
            out |= {"same_person": False, "other_person_than": None}
        if choice != "patience" and not out["same_person"]:
            out["wip_limit"] = draw(st.sampled_from([None, None, 4]))
    return out


@st.composite
def telling_variants(draw: st.DrawFn, names: list[str], onward: str | None, *, delayed: bool) -> list[dict[str, Any]]:
    """What is different for certain cases: hours by one attribute, delays by another, routes and contexts by both."""
    out: list[dict[str, Any]] = [{"when": {"size": "L"}, "factor": 2.0}]
    if delayed:
        out.append({"when": {"way": "out"}, "delay_factor": 0.5})
    for when in ({"type": "B"}, {"type": "A", "way": "out"}):
        own = routes(onward, draw(st.sampled_from([None, *names])), 0.3)
        context = {"before": [draw(st.sampled_from(names))], "next": routes(None, None, 0)}
        out.append({"when": when, "next": [own], "contexts": [context] if draw(st.booleans()) else []})
    return out


@st.composite
def overlapping_models(draw: st.DrawFn) -> SimulationModel:
    """A line of activities with ways back, on which cases may go on while their work is in hand."""
    names = [f"T{n}" for n in range(draw(st.integers(1, 4)))]
    activities: dict[str, Any] = {}
    for name, onward in zip(names, [*names[1:], None], strict=True):
        ways = routes(onward, draw(st.sampled_from([None, *names])), 0.4)
        for way in ways:
            way["overlap"] = way["to"] is not None and draw(st.booleans())
        one = activities[name] = draw(activity([], ways, limits=False))
        if one["role"] and one["delay"]:
            one["variants"] = []
            before = draw(st.lists(st.tuples(st.sampled_from(names), st.booleans()), unique=True, max_size=3))
            one["waits"] = [{"before": to, "overlap": early, "delay": [exponential(1)]} for to, early in before]
        if draw(st.booleans()):
            one |= {"variants": [], "people": {}}
            one["contexts"] = [{"before": [draw(st.sampled_from(names))], "next": ways}]
        if draw(st.booleans()):
            one |= {"people": {}, "variants": draw(telling_variants(names, onward, delayed=bool(one["delay"])))}
    return SimulationModel.from_dict(
        {
            "name": "overlapping",
            "start": "2025-01-06",
            "office": "office",
            "calendars": HOURS,
            "people": draw(staff()),
            "activities": activities,
            "begin": [{"to": names[0], "probability": 1}],
            "arrivals": {"weekly": [[draw(st.sampled_from([0.1, 0.6]))] * 24] * 7},
            "attributes": {"size": {"S": 0.7, "L": 0.3}},
            "profiles": [
                {"share": 0.5, "values": {"type": "A", "way": "in"}},
                {"share": 0.2, "values": {"type": "A", "way": "out"}},
                {"share": 0.3, "values": {"type": "B", "way": "out"}},
            ],
            "wip_limit": draw(st.sampled_from([None, 12])),
        }
    )


@st.composite
def models(draw: st.DrawFn, *, limits: bool = False) -> SimulationModel:
    """A line of activities with ways back, in which some stretches are choices, races, or branches side by side."""
    steps = draw(st.lists(st.sampled_from(["task", "task", "and", "or", "xor", "event"]), min_size=1, max_size=4))
    heads = [f"{step}{n}" for n, step in enumerate(steps)]
    activities: dict[str, Any] = {}
    gateways: dict[str, Any] = {}
    for number, (step, head) in enumerate(zip(steps, heads, strict=True)):
        onward = heads[number + 1] if number + 1 < len(heads) else None
        back = draw(st.sampled_from([None, *heads[: number + 1]]))
        if limits:
            # Limits on both sides of a way back can block each other, which is an error of the model.
            back = None
        tail = f"tail{number}"
        if step == "task":
            ways = routes(onward, back, draw(st.sampled_from([0.3, 0.6])))
            done = [name for name, one in activities.items() if one["role"]]
            activities[head] = draw(activity(done, ways, limits=limits))
            continue
        inner = [f"{head}.{n}" for n in range(draw(st.integers(2, 3)))]
        cut = draw(st.sampled_from([None, None, "completed", "cancelled"]))
        for name in inner:
            ways = routes(f"join{number}", None, 0)
            if cut:
                ways[0]["probability"] = 0.8
                ways.append({"to": None, "probability": 0.2, "terminate": True, "outcome": cut})
            activities[name] = draw(activity([], ways, limits=limits))
        joined = {"kind": "merge", "to": tail} if step in ("xor", "event") else {"kind": "join", "to": tail}
        if step == "or" or (step == "and" and draw(st.booleans())):
            joined["of"] = head
        gateways[f"join{number}"] = joined
        activities[tail] = draw(activity([], routes(onward, back, 0.4), limits=limits))
        gateways[head] = {
            "and": {"kind": "and", "to": inner},
            "or": {"kind": "or", "ways": [{"to": name, "probability": 0.5} for name in inner]},
            "xor": {"kind": "xor", "next": [[{"to": name, "probability": 1 / len(inner)} for name in inner]]},
            "event": {"kind": "event", "events": [{"after": exponential(4), "to": name} for name in inner]},
        }[step]
    return SimulationModel.from_dict(
        {
            "name": "random",
            "start": "2025-01-06",
            "office": "office",
            "calendars": HOURS,
            "people": draw(staff()),
            "activities": activities,
            "gateways": gateways,
            "begin": [{"to": heads[0], "probability": 1}],
            "arrivals": {"weekly": [[draw(st.sampled_from([0.1, 0.6]))] * 24] * 7},
            "attributes": {"size": {"S": 0.7, "L": 0.3}},
            "case_types": {"A": {"share": 0.5, "priority": 1}, "B": {"share": 0.5, "cost": 10.0}},
            "queue": draw(st.sampled_from(["fifo", "lifo", "deadline", "priority", "ageing"])),
            "ageing": 8,
            "due": exponential(20),
            "wip_limit": 12 if limits and draw(st.booleans()) else None,
        }
    )


@st.composite
def everything(draw: st.DrawFn) -> SimulationModel:
    """Any of these models with what surrounds it: zones, shifts, sickness, bursts of arrivals, batches, costs."""
    values = draw(st.one_of(models(), models(limits=True), overlapping_models())).to_dict()
    early = any(route["overlap"] for one in values["activities"].values() for ways in one["next"] for route in ways)
    values |= {
        "time_zone": draw(st.sampled_from(["UTC", "Europe/London", "Asia/Kolkata"])),
        "start": draw(st.sampled_from(["2025-01-06", "2025-03-24", "2025-12-22"])),
        "sickness": draw(st.sampled_from([None, {"per_year": 50, "days": {1: 0.5, 3: 0.3, 20: 0.2}}])),
        "cost": draw(st.sampled_from([0.0, 3.0])),
        "queue": draw(st.sampled_from(["fifo", "lifo", "deadline", "priority", "ageing"])),
        "ageing": 8,
        "due": exponential(20),
    }
    values["calendars"]["shifts"] = {"rotation": {"since": "2025-01-01", "days": ["08:00-20:00", "20:00-24:00", ""]}}
    for person in values["people"]:
        person["calendar"] = draw(st.sampled_from([person["calendar"], person["calendar"], "shifts"]))
        person["absences"] = draw(st.sampled_from([[], [], [["2025-01-08", "2025-01-12"]]]))
    values["arrivals"] |= {
        "gap_cv": draw(st.sampled_from([0, 1, 3])),
        "sizes": draw(st.sampled_from([{}, {1: 0.5, 4: 0.5}])),
        "seasons": draw(st.sampled_from([[], [{"first": "2025-01-07", "last": "2025-01-20", "factor": 3}]])),
    }
    done = [name for name, one in values["activities"].items() if one["role"]]
    for one in values["activities"].values():
        one["cost_per_hour"] = draw(st.sampled_from([0.0, 7.0]))
        if not one["role"]:
            continue
        if not (one["same_person"] or one["other_person_than"]) and draw(st.booleans()):
            one["other_person_than"] = draw(st.sampled_from(done))
        if not early and one["patience"] is None and draw(st.integers(0, 3)) == 0:
            one["batch"] = {"size": 3, "hours": 5, "together": True, "addition": 0.5}
        if one["batch"] and one["batch"]["together"]:
            one |= {"same_person": False, "other_person_than": None}
        one["at_closing"] = draw(st.sampled_from(["pause", "finish", "wait"]))
    return SimulationModel.from_dict(values)
