"""What a simulation model is made of: calendars, people, activities, gateways, arrivals and kinds of cases."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mkmine.calendars import Calendar
from mkmine.simulation.model.distributions import Distribution
from mkmine.simulation.model.evidence import Belief, Evidence, Known, Range
from mkmine.simulation.model.shorthand import durations, rounds, routes
from mkmine.simulation.model.special_days import DayKind
from mkmine.simulation.model.weeks import Week, partly_open

__all__ = [
    "ActivityModel",
    "Arrivals",
    "Batch",
    "CalendarModel",
    "CaseType",
    "Context",
    "Event",
    "Factor",
    "Gateway",
    "GatewayVariant",
    "Habit",
    "Money",
    "Name",
    "Part",
    "Patience",
    "Person",
    "RotationModel",
    "Route",
    "Season",
    "Share",
    "Sickness",
    "SpecialDay",
    "Variant",
    "Wait",
    "Way",
]

Name = Annotated[str, Field(min_length=1, max_length=500)]
Money = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0, le=100)]
# By round; one of all rounds needs no list.
Durations = Annotated[
    Annotated[list[Distribution], Field(min_length=1)],
    BeforeValidator(durations, json_schema_input_type=list[Distribution] | Distribution),
]
Urgency = Annotated[int, Field(ge=-100, le=100)]


class Part(BaseModel):
    """A part of the model: unknown keys are refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RotationModel(Part):
    """Shifts in turn since a day: `days` such as `["08:00-20:00", "08:00-20:00", "", ""]`, or `weeks` of hours."""

    since: date
    days: list[str] | None = None
    weeks: list[dict[str, str]] | None = None


class CalendarModel(Part):
    """When work is done: e.g. `weekly: {Mon-Fri: "09:00-13:00, 14:00-18:00"}`, and the country of the holidays.

    A rotation takes the place of the week, and so does `intensity`: for each weekday (Monday first) and hour the
    part of it, between 0 and 1, in which the clock runs, in steps of five minutes. A calendar made of others has
    `all_of` or `any_of` (open when all, or any, of them are) and nothing else; they follow the model's time zone
    unless they name one.
    """

    weekly: dict[str, str] = {}
    rotation: RotationModel | None = None
    intensity: Week | None = None
    time_zone: str | None = None
    holidays: str | None = None
    shorter_eves: Annotated[int, Field(ge=0, le=1439)] = 0
    half_days: dict[str, str] = {}
    exceptions: dict[str, str] = {}
    all_of: list[CalendarModel] = []
    any_of: list[CalendarModel] = []

    def compiled(self, time_zone: str, absences: list[tuple[date, date]] | None = None) -> Calendar:
        """Return the calendar, in a time zone if it names none, with a person's absences."""
        return _compiled(self.model_dump_json(exclude_defaults=True), time_zone, tuple(absences or ()))

    def with_weekly(self, weekly: dict[str, str]) -> CalendarModel:
        """Return a calendar of other weekly hours with the same days off and half days (those of the first part)."""
        base: CalendarModel = self
        while base.all_of or base.any_of:
            base = (base.all_of or base.any_of)[0]
        kept = {"time_zone", "holidays", "shorter_eves", "half_days"}
        return CalendarModel(weekly=weekly, **base.model_dump(include=kept))


# A model is compiled for every run, a calendar is read once.
@lru_cache(maxsize=1024)
def _compiled(written: str, time_zone: str, absences: tuple[tuple[date, date], ...]) -> Calendar:
    model = CalendarModel.model_validate_json(written)
    values = model.model_dump(exclude_none=True)
    if model.intensity is not None:
        values |= {"weekly": partly_open(values.pop("intensity"))}
    base = Calendar.from_dict(values, time_zone=time_zone)
    return base.without(absences) if absences else base


class Sickness(Part):
    """Absence that nobody planned: `per_year` spells begin in a year of presence, on days that chance chooses.

    `days` says how long they last, calendar days with probabilities, e.g. `{1: 0.5, 5: 0.4, 14: 0.1}`. Every
    replication draws its own spells; all scenarios of it have the same ones.
    """

    per_year: Annotated[float, Field(ge=0, le=52)]
    days: Annotated[dict[Annotated[int, Field(ge=1, le=365)], Share], Field(min_length=1)]

    @model_validator(mode="after")
    def _days_add_up(self) -> Sickness:
        if abs(sum(self.days.values()) - 1) > 1e-6:
            raise ValueError(f"days: the probabilities add up to {sum(self.days.values()):.6g}, not 1")
        return self


class Person(Part):
    """Someone who can do what their roles do, at the hours of their calendar, except when absent (dates included).

    capacity
        How many pieces of work they have in hand at once, each at its full pace.
    availability
        The part of their hours that they give to this process: at 0.5 a piece of work takes twice its hours.
    cost_per_hour
        What an hour of their work costs.
    range
        In which the availability lies, if it is not certain.
    presence
        On how many days the hours of their calendar rest, and the relative standard error of them; whoever shares a
        calendar shares its error.
    sickness
        Absence that nobody planned, in place of the model's.
    """

    name: Name
    roles: Annotated[list[Name], Field(min_length=1)]
    calendar: Name
    absences: list[tuple[date, date]] = []
    capacity: Annotated[int, Field(ge=1, le=1000)] = 1
    availability: Annotated[float, Field(gt=0, le=1)] = 1.0
    cost_per_hour: Money = 0.0
    range: Range | None = None
    presence: Known | None = None
    sickness: Sickness | None = None


class Route(Part):
    """Where a case goes next, and how probably; `to: null` ends the case (or this branch of it).

    `rework` marks the way back; `terminate` ends the case's other branches as well. By a route with `overlap` the case
    goes on as soon as the activity begins, by any other when nothing of the case is being worked on any more.
    """

    to: Name | None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    rework: bool = False
    outcome: Literal["completed", "cancelled"] = "completed"
    terminate: bool = False
    overlap: bool = False


# One certain way may be written as the name of its place, and one round without a list of rounds.
Routes = Annotated[
    Annotated[list[Route], Field(min_length=1)],
    BeforeValidator(routes, json_schema_input_type=list[Route | Name] | Route | Name),
]
Rounds = Annotated[
    Annotated[list[Routes], Field(min_length=1)],
    BeforeValidator(rounds, json_schema_input_type=list[Routes] | list[Route | Name] | Route | Name),
]


class Context(Part):
    """Routes that hold in a round (the last one: and all further ones) when `before` came just before the activity.

    `before` lists activities in order of time, the nearest last; `observed` is on how many observations the routes rest
    (null: they are certain).
    """

    before: Annotated[list[Name], Field(min_length=1, max_length=8)]
    round: Annotated[int, Field(ge=1, le=1000)] = 1
    next: Routes
    observed: Annotated[float, Field(ge=0, le=1e12)] | None = None


class Wait(Part):
    """The outside delay before an activity where `before` came just before it, by round (the last one: all further).

    `before: null` is for cases that begin with the activity. With `overlap` it holds where the activity before had only
    begun, and counts from then.
    """

    before: Name | None
    overlap: bool = False
    delay: Durations


class Variant(Part):
    """What is different about an activity for the cases with certain attributes, e.g. `when: {type: Blog}`.

    Of several variants that fit a case the first one that speaks of a part decides it: of the hours of work, of the
    outside delay, or of where the case goes next. Whatever none of them speaks of is as for all cases.

    factor
        Multiplies the hours of work.
    delay_factor
        Multiplies the outside delay, whatever came before.
    next
        Routes, in place of the activity's and of its contexts.
    contexts
        Other routes of these cases where certain activities came before; they need `next`, with as many rounds as
        the activity's.
    evidence
        What its own numbers rest on: `duration` and `delay` are of the factors.
    """

    when: Annotated[dict[Name, Name], Field(min_length=1)]
    duration: Durations | None = None
    delay: Distribution | None = None
    next: Rounds | None = None
    contexts: list[Context] = []
    factor: Factor = 1.0
    delay_factor: Factor = 1.0
    evidence: Evidence | None = None

    def speaks_of(self, part: Literal["hours", "delay", "routes"]) -> bool:
        """Return whether it says something about a part of the activity."""
        return {
            "hours": self.duration is not None or self.factor != 1,
            "delay": self.delay is not None or self.delay_factor != 1,
            "routes": self.next is not None,
        }[part]


class Habit(Part):
    """What is different when a certain person does an activity.

    pace
        Multiplies the hours: 0.8 is quicker than the others.
    rework
        Multiplies the probability that this person sends the case back (to at most 95 %).
    preference
        How readily this person takes it where several are free: with 2 twice as often as a colleague with 1, with 0
        only where nobody else is. Where nobody's differs from 1, whoever has been idle longest takes it.
    """

    pace: Annotated[float, Field(gt=0, le=100)] = 1.0
    rework: Factor = 1.0
    preference: Factor = 1.0


class Batch(Part):
    """Work is collected and handed over together: when `size` pieces wait, after `hours`, or when `calendar` opens.

    size
        So many pieces are enough.
    hours
        The first piece waits at most so many hours (of `calendar`).
    calendar
        Without `hours`: whatever has been collected is handed over when this calendar opens, e.g. on Thursdays.
    together
        One person takes a batch as one piece of work; otherwise its pieces are taken one by one.
    addition
        How long a batch taken together takes: its longest piece, and this part of the hours of each other one. 0 is
        an oven or a meeting, 1 is one after the other.
    """

    size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    hours: Annotated[float, Field(gt=0, le=1e6)] | None = None
    calendar: Name | None = None
    together: bool = False
    addition: Share = 0.0

    @model_validator(mode="after")
    def _ends(self) -> Batch:
        if self.size is None and self.hours is None and self.calendar is None:
            raise ValueError("a batch needs a size, hours or a calendar, or it would never be handed over")
        return self


class Patience(Part):
    """A piece of work is given up if nobody has begun it `after` so many hours; the case goes to `to`, or is cancelled.

    The hours are those of `calendar` (null: all hours) since the work was offered. The log tells of it by an instance
    of the activity without a person that ends as it begins.
    """

    after: Distribution
    calendar: Name | None = None
    to: Name | None = None


class ActivityModel(Part):
    """One activity.

    Lists over rounds: the first entry is for the first execution in a case, the second for the second, and the last one
    for all further ones.

    role
        Who does it; null for an outside wait (agency, legal, a publication slot), which holds no one.
    duration
        Processing time in working hours, by round.
    delay
        Outside wait before the work is offered to the role, in working hours of `calendar`.
    waits
        Other delays, by the activity that came before.
    calendar
        The clock of an outside wait and of the delay; null runs at all hours.
    same_person
        Further rounds wait for the person who did the first one.
    same_person_as, other_person_than
        The activity waits for whoever did that other activity in the case last, or is done by anybody else.
    priority
        Lower numbers go first, where the model's `queue` is "priority" or "ageing".
    at_closing
        `"pause"`: the work is laid down at the end of the working hours; `"finish"`: it is finished in overtime;
        `"wait"`: it is only begun if it can be done before the person's hours are over, lunch included, or else left
        for another opening (what is longer than each of them is begun nevertheless, and laid down).
    cost, cost_per_hour
        Of each execution, and of each hour of it, besides the person's.
    wip_limit
        At most so many cases wait for the activity or are in it; others keep their place where they were before.
    variants
        What is different for certain cases.
    people
        What is different when a certain person does it.
    next
        Routes after this activity, by round.
    contexts
        Other routes where certain activities came before; the longest context that fits wins.
    evidence
        What the numbers rest on, or the ranges in which they lie; without it they are certain.
    """

    role: Name | None = None
    duration: Durations
    delay: Distribution | None = None
    waits: list[Wait] = []
    calendar: Name | None = None
    same_person: bool = False
    same_person_as: Name | None = None
    other_person_than: Name | None = None
    priority: Urgency = 0
    at_closing: Literal["pause", "finish", "wait"] = "pause"
    cost: Money = 0.0
    cost_per_hour: Money = 0.0
    wip_limit: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    batch: Batch | None = None
    patience: Patience | None = None
    variants: list[Variant] = []
    people: dict[Name, Habit] = {}
    next: Rounds
    contexts: list[Context] = []
    evidence: Evidence | None = None

    @property
    def all_routes(self) -> list[list[Route]]:
        """Every set of routes after this activity."""
        variants = [routes for variant in self.variants for routes in variant.next or ()]
        return [*self.next, *variants, *(context.next for context in self.all_contexts)]

    @property
    def all_contexts(self) -> list[Context]:
        """The contexts of all cases, and those of variants."""
        return [*self.contexts, *(context for variant in self.variants for context in variant.contexts)]


class Way(Part):
    """A way that an inclusive gateway may take, with a probability of its own."""

    to: Name
    probability: Share


class Event(Part):
    """Something that happens outside `after` so many hours (of `calendar`; null: all hours), and where it leads.

    `range` is what somebody says of the mean hours (null: they are certain).
    """

    after: Distribution
    range: Range | None = None
    calendar: Name | None = None
    to: Name | None = None
    outcome: Literal["completed", "cancelled"] = "completed"


class GatewayVariant(Part):
    """Other chances at a gateway for the cases with certain attributes; of several that fit the first one decides.

    `next` are the routes of an exclusive gateway by visit, `ways` those of an inclusive one, the same as the gateway's
    in the same order; `observed` is what each of them rests on.
    """

    when: Annotated[dict[Name, Name], Field(min_length=1)]
    next: Annotated[list[Routes], BeforeValidator(rounds)] = []
    ways: Annotated[list[Way], Field(max_length=60)] = []
    observed: list[Annotated[float, Field(ge=0, le=1e12)]] = []

    def speaks_of(self, part: Literal["hours", "delay", "routes"]) -> bool:
        """Return whether it says something about a part: of where cases go, and of nothing else."""
        return part == "routes"


class Gateway(Part):
    """A place where ways part or meet.

    and
        All of `to` go on side by side.
    or
        Each of `ways` is taken with its own probability; if none is, the most probable one.
    xor
        One of the routes `next` (by visit, as rounds of an activity).
    merge
        Whatever comes goes on to `to`.
    join
        Waits for the branches and goes on to `to`. With `of`, the name of an `and` or `or` gateway, it waits for as
        many branches as that one opened; without, for one branch from each place that leads to it.
    event
        Whichever of `events` happens first decides (an answer, or else a timer).

    `observed` is on how many observations the probabilities of `next` (by visit) or `ways` (each) rest; without it they
    are certain. `stated`: that is worth so many observations which somebody says of them. `variants` are other chances
    for certain cases.
    """

    kind: Literal["and", "or", "xor", "merge", "join", "event"]
    to: Name | list[Name] | None = None
    ways: Annotated[list[Way], Field(max_length=60)] = []
    next: Annotated[list[Routes], BeforeValidator(rounds)] = []
    of: Name | None = None
    events: Annotated[list[Event], Field(max_length=60)] = []
    observed: list[Annotated[float, Field(ge=0, le=1e12)]] = []
    stated: bool = False
    variants: list[GatewayVariant] = []

    @model_validator(mode="after")
    def _complete(self) -> Gateway:
        fields = {"and": "to", "or": "ways", "xor": "next", "merge": "to", "join": "to", "event": "events"}
        needed = fields[self.kind]
        given = [name for name in ("to", "ways", "next", "events") if getattr(self, name)]
        if given not in ([needed], []) or (not given and self.kind != "join" and self.kind != "merge"):
            raise ValueError(f"a gateway of kind {self.kind} says where it leads in `{needed}`; given: {given}")
        if self.kind == "and" and (not isinstance(self.to, list) or not 2 <= len(self.to) <= 60):
            raise ValueError("a gateway of kind and needs a list of 2 to 60 ways in `to`")
        if self.kind in ("merge", "join") and isinstance(self.to, list):
            raise ValueError(f"a gateway of kind {self.kind} leads to one place; give `to` a name")
        if self.of is not None and self.kind != "join":
            raise ValueError("`of` belongs to a gateway of kind join")
        if self.ways and max(way.probability for way in self.ways) == 0:
            raise ValueError("an inclusive gateway needs a way with a probability above 0")
        taken = [way.to for way in self.ways if way.probability > 0]
        for one in self.variants:
            if bool(one.next) != (self.kind == "xor") or bool(one.ways) != (self.kind == "or"):
                raise ValueError("variants: they say `next` of a gateway of kind xor, and `ways` of one of kind or")
            if [way.to for way in one.ways if way.probability > 0] != taken:
                raise ValueError("variants: an inclusive gateway has the same ways for all cases, in the same order")
        return self

    @property
    def all_routes(self) -> list[list[Route]]:
        """Every set of routes of an exclusive gateway."""
        return [*self.next, *(routes for variant in self.variants for routes in variant.next)]

    @property
    def chooses(self) -> bool:
        """Whether chance has a part in where it leads."""
        return self.kind in ("xor", "or", "event")

    @property
    def targets(self) -> list[str | None]:
        """Every place that may follow."""
        if self.kind in ("and", "merge", "join"):
            return list(self.to) if isinstance(self.to, list) else [self.to]
        if self.kind == "or":
            return [way.to for way in self.ways if way.probability > 0]
        if self.kind == "event":
            return [event.to for event in self.events]
        return [route.to for routes in self.all_routes for route in routes if route.probability > 0]


class CaseType(Part):
    """A kind of case: its share of the arrivals, and what is its own.

    `priority` adds to that of activities, `due` replaces the model's, `cost` is of each case. `weekly` says at which
    hours of the week they come, if not at those of the model's arrivals; only its proportions matter, as `share` says
    how many there are.
    """

    share: Annotated[float, Field(gt=0, le=1)]
    priority: Urgency = 0
    due: Distribution | None = None
    cost: Money = 0.0
    weekly: Week | None = None

    @model_validator(mode="after")
    def _comes(self) -> CaseType:
        if self.weekly is not None and not sum(map(sum, self.weekly)):
            raise ValueError("weekly: cases of this type never come; give some hour a number above 0")
        return self


class Season(Part):
    """A span of dates (both included) in which arrivals are multiplied by `factor`.

    `observed` is on how many arrivals the factor rests (null: it is certain).
    """

    first: date
    last: date
    factor: Annotated[float, Field(ge=0, le=100)]
    observed: Annotated[float, Field(ge=0, le=1e12)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Season:
        if self.last < self.first:
            raise ValueError(f"the season {self.first} - {self.last} ends before it begins; swap the dates")
        return self


class SpecialDay(Part):
    """Days on which arrivals are multiplied by `factor`, whenever they come.

    `kind` says which: the first or the last working day of each month (Monday to Friday, no holiday), the working day
    before or after a public holiday of the arrivals' country. `observed` is on how many arrivals the factor rests
    (null: it is certain).
    """

    kind: DayKind
    factor: Annotated[float, Field(ge=0, le=100)]
    observed: Annotated[float, Field(ge=0, le=1e12)] | None = None


class Arrivals(Part):
    """A renewal process, stretched by an intensity per weekday and hour; by default a Poisson process.

    weekly
        Expected arrivals an hour: in words, as in `{Mon-Fri: {"09:00-18:00": 0.15}}`, or seven rows (Monday first)
        of 24 numbers.
    holidays
        Country whose public holidays bring no arrivals.
    seasons
        Spans with more or fewer arrivals.
    days
        Days of the month, or next to holidays, with more or fewer arrivals.
    factor
        Multiplies everything: what a scenario changes.
    trend
        Growth per year, e.g. 0.1: a year after the start, a tenth more arrive.
    sizes
        How many cases come at once, with probabilities, e.g. `{1: 0.8, 5: 0.2}`; `weekly` counts the comings.
    gap_cv
        Standard deviation of the gaps between comings over their mean, hours with more comings being stretched: 1 is
        chance (Poisson), 0 is clockwork, more than 1 comes in bursts.
    times
        Given moments (local time) instead of the process; `weekly` and what changes it are not used then.
    evidence
        What the mean number of cases a week rests on, or the range in which it lies; without it, it is certain.
    """

    weekly: Week
    holidays: str | None = None
    seasons: list[Season] = []
    days: list[SpecialDay] = []
    factor: Annotated[float, Field(ge=0, le=100)] = 1.0
    trend: Annotated[float, Field(gt=-1, le=10)] = 0.0
    sizes: dict[Annotated[int, Field(ge=1, le=10_000)], Share] = {}
    gap_cv: Annotated[float, Field(ge=0, le=5)] = 1.0
    times: Annotated[list[datetime], Field(max_length=1_000_000)] = []
    evidence: Belief | None = None

    @model_validator(mode="after")
    def _sizes_add_up(self) -> Arrivals:
        if self.sizes and abs(sum(self.sizes.values()) - 1) > 1e-6:
            raise ValueError(f"sizes: the probabilities add up to {sum(self.sizes.values()):.6g}, not 1")
        return self

    @model_validator(mode="after")
    def _days_once(self) -> Arrivals:
        kinds = [one.kind for one in self.days]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise ValueError(f"days: {twice} is there twice; give each kind once")
        return self

    @property
    def per_week(self) -> float:
        """Expected arrivals in an ordinary week (at the start, if they grow)."""
        at_once = sum(size * share for size, share in self.sizes.items()) if self.sizes else 1.0
        return sum(map(sum, self.weekly)) * self.factor * at_once
