"""A model in words: who does what and when, how long it takes and waits, and what is sent back."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

from mkmine.calendars import DAY, HOUR
from mkmine.simulation.model.evidence import Range
from mkmine.simulation.model.mixture import marginal

if TYPE_CHECKING:
    from mkmine.simulation.model.choices import Choices
    from mkmine.simulation.model.model import SimulationModel
    from mkmine.simulation.model.parts import ActivityModel, CalendarModel, Person, Variant

__all__ = ["account"]

# Longer rotas are told as hours a week.
_LONGEST_ROTA = 60
_MOST_ROUNDS = 3
_MOST_VALUES = 6
_MOST_TAKERS = 4
# Who is there for less of the office's hours works part-time.
_PART = 0.75
_ORDER = {
    "fifo": "the oldest first",
    "lifo": "the last one first",
    "deadline": "what is due first",
    "priority": "what has priority first",
    "ageing": "what has priority first, unless it is old",
}
# Hours are counted over so many weeks since a day in June 2023; countries have few holidays then.
_SINCE, _WEEKS = 19_513 * DAY, 4


def account(model: SimulationModel) -> str:
    """Return the model as a text, one line per activity, and one per role of which it is known how it takes its work.

    Shares that were estimated have the half-width of their 95 % interval.
    """
    arrivals = model.arrivals
    rhythm = {0.0: ", like clockwork"}.get(round(arrivals.gap_cv, 1), ", in bursts" if arrivals.gap_cv > 1 else "")
    lines = [f"SimulationModel {model.name}: {arrivals.per_week:.1f} cases a week{rhythm}"]
    office = _weekly_hours(model, model.office)
    if model.profiles:
        lines.append(f"  cases drawn together: {'; '.join(_mix(model, name) for name in model.profiles[0].values)}")
    lines += [f"  {name}: {'; '.join(_of_activity(model, one, office))}" for name, one in model.activities.items()]
    lines += [f"  {role} takes {_ORDER[model.queue]}: {_chosen(one)}" for role, one in model.choices.items()]
    return "\n".join([*lines, *(f"  note: {note}" for note in model.notes)])


def _chosen(choices: Choices) -> str:
    """Return how many of the choices that people had the order explains."""
    half = 100 * _half_width(choices.explained, choices.observed)
    return f"{100 * choices.explained:.0f} ± {half:.0f} % of {choices.observed:,} choices"


def _of_activity(model: SimulationModel, one: ActivityModel, office: float) -> list[str]:
    staff = () if one.role is None else model.staff(one.role)
    parts = [_staff(model, one.role or "", staff, office) if staff else "outside"]
    hours = ", ".join(f"{spread.mean_h:.1f}" for spread in one.duration[:_MOST_ROUNDS])
    rounds = " by round" if len(one.duration) > 1 else ""
    said = one.evidence.duration[0] if one.evidence and one.evidence.duration else None
    range_h = f" (assumed, {said.low:g} to {said.high:g} h on average)" if isinstance(said, Range) else ""
    parts.append(f"{hours} h{rounds}{range_h}")
    parts += _by_case(one, "hours")
    paces = [habit.pace for habit in one.people.values() if habit.pace != 1]
    if paces:
        parts.append(f"paces {min(paces):.2g} to {max(paces):.2g}")
    parts += _takers(one, [person.name for person in staff])
    if one.delay is not None:
        parts.append(f"outside delay {one.delay.mean_h:.1f} h{' by what came before' if one.waits else ''}")
        parts += _by_case(one, "delay")
    parts += _held_back(one)
    if any(route.overlap for routes in one.all_routes for route in routes):
        parts.append("the next may begin meanwhile")
    if one.evidence is not None and one.evidence.stated:
        parts.append("chances of what follows assumed")
    return parts + _sent_back(one) + _by_case(one, "routes")


def _takers(one: ActivityModel, staff: list[str]) -> list[str]:
    """Return who takes how much of the work where all are free, if some take it more readily than others."""
    preferences = {name: one.people[name].preference if name in one.people else 1.0 for name in staff}
    total = sum(preferences.values())
    if total == 0 or all(value == 1 for value in preferences.values()):
        return []
    first = sorted(preferences.items(), key=lambda pair: -pair[1])[:_MOST_TAKERS]
    told = ", ".join(f"{name} {100 * value / total:.0f} %" for name, value in first)
    return [f"where all {len(staff)} are free, taken by {told}{' and others' if len(staff) > len(first) else ''}"]


def _held_back(one: ActivityModel) -> list[str]:
    """Return what holds the work back: its batches, a limit, and whose hands it needs."""
    parts = []
    if one.batch is not None:
        ends = [f"of {one.batch.size}"] if one.batch.size else []
        ends += [f"after {one.batch.hours:g} h"] if one.batch.hours else []
        ends += ["when their calendar opens"] if one.batch.calendar and not one.batch.hours else []
        parts.append(f"batches {' or '.join(ends)}{', done together' if one.batch.together else ''}")
    if one.wip_limit is not None:
        parts.append(f"at most {one.wip_limit} at once")
    if one.same_person_as is not None:
        parts.append(f"by whoever did {one.same_person_as}")
    if one.other_person_than is not None:
        parts.append(f"never by whoever did {one.other_person_than}")
    return parts


def _mix(model: SimulationModel, name: str) -> str:
    shares = sorted(marginal(model.profiles, name).items(), key=lambda pair: -pair[1])
    told = [f"{value} {100 * share:.0f} %" for value, share in shares[:_MOST_VALUES]]
    return f"{name} {', '.join(told)}{_more(len(shares))}"


def _more(n: int) -> str:
    return f" and {n - _MOST_VALUES} more" if n > _MOST_VALUES else ""


def _by_case(one: ActivityModel, part: Literal["hours", "delay", "routes"]) -> list[str]:
    """Return what is different for certain cases: their hours or delays, largest last, or what round 1 sends back."""
    own = [variant for variant in one.variants if variant.speaks_of(part)]
    if not own:
        return []
    told = sorted((_figure(one, variant, part), " / ".join(variant.when.values())) for variant in own)
    if part == "routes" and told[-1][0] - told[0][0] < 0.005:
        return []
    unit, by = (" %", 100) if part == "routes" else (" h", 1)
    digits = 0 if part == "routes" else 1
    figures = ", ".join(f"{name} {by * figure:.{digits}f}{unit}" for figure, name in told[:_MOST_VALUES])
    low, high = told[0][0], told[-1][0]
    times = f" (x {high / low:.1f})" if part != "routes" and low > 0 and len(told) > 1 else ""
    what = {"hours": "", "delay": "outside delay ", "routes": "round 1 returns "}[part]
    return [f"{what}by {' and '.join(own[0].when)}: {figures}{_more(len(told))}{times}"]


def _figure(one: ActivityModel, variant: Variant, part: Literal["hours", "delay", "routes"]) -> float:
    if part == "routes":
        return sum(route.probability for route in (variant.next or one.next)[0] if route.rework)
    if part == "delay":
        spread = variant.delay or one.delay
        return 0.0 if spread is None else spread.mean_h * variant.delay_factor
    return (variant.duration or one.duration)[0].mean_h * variant.factor


def _sent_back(one: ActivityModel) -> list[str]:
    """Return what share each round sends back, as far as it does."""
    seen = one.evidence.routes if one.evidence else []
    out = []
    for number, routes in enumerate(one.next[:_MOST_ROUNDS], 1):
        back = sum(route.probability for route in routes if route.rework)
        if back < 0.005:
            continue
        n = seen[number - 1] if number <= len(seen) else 0
        doubt = f" ± {100 * _half_width(back, n):.0f} %" if n else ""
        out.append(f"round {number} returns {100 * back:.0f} %{doubt}")
    return out


def _half_width(share: float, n: float) -> float:
    """Return half of the 95 % interval of a share: two imagined observations either way (Agresti and Coull 1998)."""
    middle = (share * n + 2) / (n + 4)
    return 1.96 * sqrt(middle * (1 - middle) / (n + 4))


def _staff(model: SimulationModel, role: str, staff: tuple[Person, ...], office: float) -> str:
    clocks = list(dict.fromkeys(person.calendar for person in staff))
    of_person = [_weekly_hours(model, person.calendar) * person.availability for person in staff]
    part = " part-time" if sum(of_person) < _PART * office * len(staff) else ""
    people = f"{len(staff)}{part} {role}"
    most = max(person.capacity for person in staff)
    hands = f", up to {most} things at once" if most > 1 else ""
    return f"{people} ({_rota(model, clocks, of_person)}{hands})"


def _rota(model: SimulationModel, clocks: list[str], hours: list[float]) -> str:
    """Return when people are there, in words if they all have one short rota, or else as hours a week."""
    if len(clocks) == 1 and (told := _told(model.calendars[clocks[0]])):
        return told
    low, high = min(hours), max(hours)
    return f"{low:.0f} h a week" if high - low < 1 else f"{low:.0f} to {high:.0f} h a week"


def _told(calendar: CalendarModel) -> str:
    if calendar.rotation or calendar.intensity or calendar.all_of or calendar.any_of:
        return ""
    text = "; ".join(f"{days} {hours}" for days, hours in calendar.weekly.items())
    return text if len(text) <= _LONGEST_ROTA else ""


def _weekly_hours(model: SimulationModel, name: str) -> float:
    """Return how many hours of an ordinary week a calendar is open."""
    opened = model.calendar(name).working_time(_SINCE, _SINCE + _WEEKS * 7 * DAY)
    return float(opened) / HOUR / _WEEKS
