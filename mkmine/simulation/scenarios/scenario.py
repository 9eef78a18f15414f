"""A scenario: a pure, named set of changes to a simulation model, made of small verbs and saved as YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mkmine.calendars import Calendar
from mkmine.errors import DataError, UnknownNameError, nearest
from mkmine.files import read_yaml, write_text
from mkmine.language import Language, translator
from mkmine.simulation.model import SimulationModel
from mkmine.simulation.scenarios.changes import CHANGES

if TYPE_CHECKING:
    from mkmine.performance import Lever

__all__ = ["Scenario", "from_levers", "scenario_of"]

# What each verb needs, and what it may have besides; the scenario's file is checked against it.
_VERBS: dict[str, tuple[set[str], set[str]]] = {
    "staff": ({"role", "change"}, set()),
    "rework": ({"activity", "factor"}, set()),
    "duration": ({"activity", "factor"}, set()),
    "delay": ({"activity", "factor"}, set()),
    "arrivals": ({"factor"}, set()),
    "mix": ({"attribute", "shares"}, set()),
    "remove": ({"activity"}, set()),
    "parallel": ({"activities"}, set()),
    "calendar": ({"role", "weekly"}, set()),
    "batch": ({"activity"}, {"size", "hours", "weekly", "together", "addition"}),
    "wip_limit": ({"limit"}, {"activity"}),
    "priority": ({"name", "priority"}, set()),
    "queue": ({"order"}, {"ageing"}),
    "cost": (set(), {"activity", "role", "fixed", "per_hour"}),
    "sickness": ({"factor"}, {"role"}),
    "skill": ({"person", "role"}, set()),
    "replace": ({"model"}, set()),
}
_ORDERS = ("fifo", "lifo", "deadline", "priority", "ageing")


@dataclass(frozen=True)
class Scenario:
    """A named set of changes; each verb returns a new scenario with one change more.

    `Scenario("one more designer").staff("Designer", +1)` changes nothing until `apply` makes a changed copy of a model.
    Changes are applied in order. Names are checked against the model then, and the error gives the nearest one.
    """

    name: str
    changes: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise DataError('a scenario needs a name; write e.g. Scenario("one more designer")')
        if any("\ud800" <= one <= "\udfff" for one in self.name):
            raise DataError(f"the name {self.name!r} holds half of a character, which no file can; leave it out")

    def _with(self, verb: str, **values: Any) -> Scenario:
        return Scenario(self.name, (*self.changes, {"do": verb, **values}))

    # -- the verbs -------------------------------------------------------------------------------------------------

    def staff(self, role: str, change: int) -> Scenario:
        """Add people to a role (they keep the hours of its first person) or take away its last ones.

        Raises `DataError` if `change` is 0 or not a whole number.
        """
        if isinstance(change, bool) or not isinstance(change, int) or change == 0:
            raise DataError(f"staff({role!r}, {change!r}): the change is a whole number other than 0, e.g. +1")
        if abs(change) > 10_000:
            raise DataError(f"staff({role!r}, {change}): more than 10,000 people; is the number right?")
        return self._with("staff", role=_named(role, "staff"), change=change)

    def rework(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the probability that work is sent back after an activity, in every round (to at most 95 %).

        The other routes share what becomes free (or gives way) in proportion. Raises `DataError` if `factor` is
        negative.
        """
        return self._with("rework", activity=_named(activity, "rework"), factor=_factor("rework", factor))

    def duration(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the processing time of an activity. Raises `DataError` if `factor` is negative."""
        return self._with("duration", activity=_named(activity, "duration"), factor=_factor("duration", factor))

    def delay(self, activity: str, *, factor: float) -> Scenario:
        """Multiply the outside wait at an activity: the delay before it, or, if nobody does it, its duration.

        Raises `DataError` if `factor` is negative.
        """
        return self._with("delay", activity=_named(activity, "delay"), factor=_factor("delay", factor))

    def arrivals(self, *, factor: float) -> Scenario:
        """Multiply the number of arriving cases. Raises `DataError` if `factor` is not positive."""
        if factor == 0:
            raise DataError("arrivals(factor=0) leaves no cases; give a positive factor")
        return self._with("arrivals", factor=_factor("arrivals", factor))

    def mix(self, attribute: str, shares: Mapping[str, float]) -> Scenario:
        """Give values of an attribute of cases other shares, e.g. `mix("type", {"Whitepaper": 0.4})`.

        The values that are not named share what is left as they did, and given its value everything else about a case
        stays as it is: of attributes that are drawn together, the others change with it. Raises `DataError` if a share
        is not between 0 and 1, or if they add up to more than 1.
        """
        if not isinstance(shares, Mapping) or not shares or not all(isinstance(name, str) for name in shares):
            raise DataError(f'mix({attribute!r}): shares={shares!r}: write e.g. {{"Whitepaper": 0.4}}')
        given = {name: _number("mix", name, share) for name, share in shares.items()}
        if sum(given.values()) > 1 + 1e-9:
            raise DataError(f"mix({attribute!r}): the shares add up to {sum(given.values()):.6g}; give at most 1")
        return self._with("mix", attribute=_named(attribute, "mix"), shares=given)

    def remove(self, activity: str) -> Scenario:
        """Leave an activity out: who led to it leads to where it went on (without its ways back).

        Cases that would end there before anything was done do not arrive.
        """
        return self._with("remove", activity=_named(activity, "remove"))

    def calendar(self, role: str, weekly: Mapping[str, str]) -> Scenario:
        """Give the people of a role other weekly hours, e.g. `{"Tue": "14:00-17:00", "Thu": "14:00-17:00"}`.

        Raises `DataError` if the hours cannot be read.
        """
        return self._with("calendar", role=_named(role, "calendar"), weekly=_weekly(f"calendar({role!r})", weekly))

    def parallel(self, *activities: str) -> Scenario:
        """Let activities that follow each other go side by side; the case goes on when all of them are done.

        Raises `DataError` if fewer than two are given.
        """
        if len(activities) < 2:
            raise DataError(f"parallel{activities!r}: name two or more activities that follow each other")
        return self._with("parallel", activities=[_named(name, "parallel") for name in activities])

    def batch(
        self,
        activity: str,
        *,
        size: int | None = None,
        hours: float | None = None,
        weekly: Mapping[str, str] | None = None,
        together: bool = False,
        addition: float = 0.0,
    ) -> Scenario:
        """Collect the work of an activity: until so many pieces wait, for so many hours, or for a weekly meeting.

        `weekly` is written as in `calendar`, e.g. `{"Thu": "14:00-16:00"}`. `together` and `addition` say how long a
        batch takes if one person does it as one piece of work; see `mkmine.simulation.model.parts.Batch`.

        Raises `DataError` if none of the three is given, or the hours cannot be read.
        """
        given: dict[str, Any] = {}
        if size is not None:
            given["size"] = _whole("batch", "size", size)
        if hours is not None:
            given["hours"] = _number("batch", "hours", hours)
        if weekly is not None:
            given["weekly"] = _weekly(f"batch({activity!r})", weekly)
        if not given:
            raise DataError(f"batch({activity!r}): give a size, hours, or weekly hours, or it is never handed over")
        if together:
            given |= {"together": True, "addition": _number("batch", "addition", addition)}
        return self._with("batch", activity=_named(activity, "batch"), **given)

    def wip_limit(self, limit: int, *, activity: str | None = None) -> Scenario:
        """Let at most so many cases be in the process (CONWIP), or wait for an activity or be in it.

        Raises `DataError` if the limit is not a positive whole number.
        """
        given = {} if activity is None else {"activity": _named(activity, "wip_limit")}
        return self._with("wip_limit", limit=_whole("wip_limit", "limit", limit), **given)

    def priority(self, name: str, priority: int) -> Scenario:
        """Set the priority of an activity or a case type: lower numbers go first.

        The queues are ordered by priority from then on, if they were not. Raises `DataError` if it is not a whole
        number between -100 and 100.
        """
        if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > 100:
            raise DataError(
                f"priority({name!r}, {priority!r}): give a whole number between -100 and 100; lower is first"
            )
        return self._with("priority", name=_named(name, "priority"), priority=priority)

    def queue(self, order: str, *, ageing: float | None = None) -> Scenario:
        """Take work in another order: "fifo", "lifo", "deadline", "priority" or "ageing" (with its hours).

        Raises `UnknownNameError` for any other order.
        """
        if order not in _ORDERS:
            raise UnknownNameError.of(kind="order", name=str(order), known=list(_ORDERS), where="queue")
        given = {} if ageing is None else {"ageing": _number("queue", "ageing", ageing)}
        return self._with("queue", order=order, **given)

    def cost(
        self,
        *,
        activity: str | None = None,
        role: str | None = None,
        fixed: float | None = None,
        per_hour: float | None = None,
    ) -> Scenario:
        """Set what an activity costs, each time or by the hour, or what an hour of a role's people costs.

        Raises `DataError` if it is not one of the two, or no cost is given.
        """
        costs = {"fixed": fixed, "per_hour": per_hour}
        given: dict[str, Any] = {name: _number("cost", name, one) for name, one in costs.items() if one is not None}
        if (activity is None) == (role is None) or not given or (role is not None and fixed is not None):
            raise DataError("cost: write cost(activity=..., fixed=..., per_hour=...) or cost(role=..., per_hour=...)")
        whose = {"role": _named(role, "cost")} if role is not None else {"activity": _named(activity or "", "cost")}
        return self._with("cost", **whose, **given)

    def sickness(self, *, factor: float, role: str | None = None) -> Scenario:
        """Multiply how often people, or those of a role, fall ill. Raises `DataError` if `factor` is negative."""
        whose = {} if role is None else {"role": _named(role, "sickness")}
        return self._with("sickness", factor=_factor("sickness", factor), **whose)

    def skill(self, person: str, role: str) -> Scenario:
        """Let a person do the work of another role as well."""
        return self._with("skill", person=_named(person, "skill"), role=_named(role, "skill"))

    def replace(self, model: SimulationModel | Mapping[str, Any]) -> Scenario:
        """Take another model instead: a TO-BE process. It is kept in the scenario's file."""
        if isinstance(model, SimulationModel):
            return self._with("replace", model=model.to_dict())
        if not isinstance(model, Mapping):
            raise DataError(f"replace({model!r}): give a SimulationModel")
        return self._with("replace", model=SimulationModel.from_dict(model).to_dict())

    def __and__(self, other: Scenario) -> Scenario:
        """Return both scenarios' changes, one after the other."""
        return Scenario(f"{self.name} + {other.name}", (*self.changes, *other.changes))

    # -- what it does ----------------------------------------------------------------------------------------------

    def apply(self, model: SimulationModel) -> SimulationModel:
        """Return a changed copy of the model.

        Raises `UnknownNameError` for a role or an activity that the model does not have, and `DataError` for a change
        that cannot be made (the last person of a role, rework where nothing is sent back).
        """
        values: dict[str, Any] = model.to_dict()
        for change in self.changes:
            verb = change["do"]
            CHANGES[verb](model, values, {key: value for key, value in change.items() if key != "do"}, self.name)
            model = SimulationModel.from_dict(values, where=f'scenario "{self.name}"')
            values = model.to_dict()
        return model

    # -- files -----------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"name": self.name, "changes": [dict(change) for change in self.changes]}

    def save(self, path: str | Path) -> Path:
        """Write the scenario as YAML, atomically, and return the path."""
        return write_text(path, yaml.safe_dump(self.to_dict(), allow_unicode=True, sort_keys=False))

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario from YAML. Raises `DataError` with the place if a change is unknown or incomplete."""
        return cls.from_dict(read_yaml(path, what="scenario"), where=str(path))

    @classmethod
    def of(cls, lever: Lever, *, language: Language = "en") -> Scenario:
        """Return what tries a lever of a diagnosis, named in a language: `mk.Scenario.of(pains.levers[0])`."""
        t, name = translator(language), lever.name
        names = {
            "batch": t("smaller batches of {name}", name=name),
            "wip_limit": t("at most {n} cases at a time", n=t.number(lever.value, digits=0)),
            "skill": t("{person} also works as {name}", person=lever.evidence.get("person", ""), name=name),
            "hours": t("{name}: the same hours, every day", name=name),
        }
        if lever.kind not in names:
            return scenario_of(lever.kind, name, lever.value, language=language)
        return replace(cls.from_dict(lever.scenario()), name=names[lever.kind])

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "scenario") -> Scenario:
        """Read what `to_dict` wrote. Raises `DataError` with the place if a change is unknown or incomplete."""
        if not isinstance(values, Mapping):
            raise DataError(f"{where}: found {type(values).__name__}; give its name and its changes")
        for key in values:
            if key not in {"name", "changes"}:
                raise DataError(f'{where}: unknown key "{key}"; {nearest(str(key), ["name", "changes"])}')
        out = cls(str(values.get("name", "")))
        changes = values.get("changes") or []
        if not isinstance(changes, list):
            raise DataError(f"{where}: changes: give a list of changes")
        for number, change in enumerate(changes, 1):
            place = f"{where}: change {number}"
            if not isinstance(change, dict) or "do" not in change:
                raise DataError(f"{place}: write e.g. {{do: staff, role: Designer, change: 1}}")
            verb = str(change["do"])
            if verb not in _VERBS:
                raise UnknownNameError.of(kind="change", name=verb, known=list(_VERBS), where=place)
            given = {key: value for key, value in change.items() if key != "do"}
            needed, further = _VERBS[verb]
            if not needed <= set(given) <= needed | further:
                names = ", ".join(map(str, given))
                takes = ", ".join([*sorted(needed), *(f"[{name}]" for name in sorted(further))])
                raise DataError(f"{place}: {verb} takes {takes}; given: {names}")
            try:
                out = out._read(verb, given)
            except (DataError, UnknownNameError) as error:
                raise DataError(f"{place}: {error}") from None
        return out

    def _read(self, verb: str, given: Mapping[str, Any]) -> Scenario:
        if verb == "parallel":
            if not isinstance(given["activities"], list):
                raise DataError(f"parallel: activities={given['activities']!r}: give a list of activities")
            return self.parallel(*given["activities"])
        changed: Scenario = getattr(self, verb)(**given)
        return changed

    def __repr__(self) -> str:
        def told(key: str, value: Any) -> str:
            return f"{key}={value['name']!r}" if key == "model" else f"{key}={value!r}"

        steps = ", ".join(
            f"{one['do']}({', '.join(told(key, value) for key, value in one.items() if key != 'do')})"
            for one in self.changes
        )
        return f"Scenario({self.name!r}: {steps or 'no change'})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def scenario_of(kind: str, name: str, value: float, *, language: Language = "en") -> Scenario:
    """Return the scenario of one change, named by it: staff, rework, wait, duration, arrivals, or else remove."""
    t = translator(language)
    factor = t.number(value, digits=len(f"{value:g}".partition(".")[2]))
    if kind == "staff":
        # A fraction of a person is for the scenario to refuse, not for us to round.
        people = int(value) if float(value).is_integer() else value
        return Scenario(f"{name} {value:+g}").staff(name, people)  # type: ignore[arg-type]
    if kind == "rework":
        return Scenario(t("returns after {name} × {factor}", name=name, factor=factor)).rework(name, factor=value)
    if kind == "wait":
        return Scenario(t("wait before {name} × {factor}", name=name, factor=factor)).delay(name, factor=value)
    if kind == "duration":
        return Scenario(t("duration of {name} × {factor}", name=name, factor=factor)).duration(name, factor=value)
    if kind == "arrivals":
        return Scenario(t("arrivals × {factor}", factor=factor)).arrivals(factor=value)
    return Scenario(t("without {name}", name=name)).remove(name)


def from_levers(
    levers: Iterable[Lever], *, model: SimulationModel | None = None, language: Language = "en"
) -> list[Scenario]:
    """Return a scenario for each lever of a diagnosis; with a model, only for those that it can express.

    A model has no place for a lever if, say, it found no delay before the activity where the diagnosis saw a wait.
    """
    out = []
    for lever in levers:
        scenario = Scenario.of(lever, language=language)
        try:
            if model is not None:
                scenario.apply(model)
        except (DataError, UnknownNameError):
            continue
        out.append(scenario)
    return out


def _named(name: str, verb: str) -> str:
    if not isinstance(name, str):
        raise DataError(f"{verb}({name!r}): give the name as text, in quotes")
    return name


def _whole(verb: str, what: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise DataError(f"{verb}({what}={value!r}): give a whole number of at least 1")
    return value


def _number(verb: str, what: str, value: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise DataError(f"{verb}({what}={value!r}): give a number that is not negative")
    return float(value)


def _weekly(where: str, weekly: Mapping[str, str]) -> dict[str, str]:
    hours = dict(weekly) if isinstance(weekly, Mapping) else {}
    if not hours or not all(isinstance(part, str) for pair in hours.items() for part in pair):
        raise DataError(f'{where}: weekly={weekly!r}: write e.g. {{"Mon-Fri": "09:00-18:00"}}')
    Calendar.parse(hours)
    return hours


def _factor(verb: str, factor: float) -> float:
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 <= factor <= 100:
        raise DataError(f"{verb}(factor={factor!r}): the factor is a number between 0 and 100, e.g. 0.5")
    return float(factor)
