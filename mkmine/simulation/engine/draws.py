"""What chance decides about cases, drawn before it is needed: vectors over cases, keyed by (purpose, name, visit).

Both engines read the same vectors, so neither computes a logarithm of its own. A vector is made for a block of cases
when the first of them visits the place for that time; nobody has to know how many visits there will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mkmine.errors import DataError
from mkmine.simulation.engine.tables import Ints, Tables, as_us, rework_factors, route_table
from mkmine.simulation.model import ActivityModel, Gateway, GatewayVariant, Route, SimulationModel, Variant
from mkmine.simulation.model.arrivals import case_types
from mkmine.simulation.model.mixture import drawn_profiles, value_of
from mkmine.streams import Streams

__all__ = ["BLOCK", "MASK", "MOST_VISITS", "SHIFT", "Cases", "Draws", "sent_back"]

SHIFT = 14
BLOCK = 1 << SHIFT
MASK = BLOCK - 1
MOST_VISITS = 1_000
_MOST_REWORK = 0.95
# So many comparisons of a vector take less than a search.
_FEW_EDGES = 8
# What variants may speak of.
Part = Literal["hours", "delay", "routes"]
PARTS: tuple[Part, ...] = ("hours", "delay", "routes")
Floats = NDArray[np.float64]
T = TypeVar("T")


class Cases:
    """What each case is, from its beginning: attributes, deadline, priority, first place.

    Attributes
    ----------
    n, old
        Number of cases, and how many of them, the last ones, were underway before the run.
    attributes
        Codes (n,) by name of the attribute, `type` among them.
    due
        Deadlines (n,), or None.
    rank
        µs (n,) that are added to the key of the case's work in its queue, or None.
    begin
        The first place (n,).
    """

    __slots__ = ("attributes", "begin", "due", "n", "old", "rank", "values")

    def __init__(
        self,
        model: SimulationModel,
        tables: Tables,
        streams: Streams,
        arrivals: Ints,
        *,
        old: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.n, self.old = len(arrivals), len(old)
        self.values = model.case_values
        self.attributes = {
            name: _chosen(list(shares.values()), streams.uniform("attribute", name, size=self.n))
            for name, shares in model.attributes.items()
        }
        if model.profiles:
            chosen = drawn_profiles(model.profiles, streams, self.n)
            for name in model.profiles[0].values:
                codes = [self.values[name].index(one.values[name]) for one in model.profiles]
                self.attributes[name] = np.array(codes, dtype=np.int64)[chosen]
        if model.case_types:
            self.attributes["type"] = case_types(model, arrivals, streams.uniform("type", size=self.n))
        for case, known in enumerate(old, self.n - self.old):
            self._recall(case, known)
        self.due = self._deadlines(model, streams, arrivals)
        self.rank = self._ranks(model, tables)
        self.begin = _routed(model.begin, tables, streams.uniform("begin", size=self.n))

    def _recall(self, case: int, known: Mapping[str, str]) -> None:
        """Let a case be what is known of it; what is not known, or not of the model, stays as drawn.

        A log that says something of its cases, and of this one nothing, leaves the value empty.
        """
        for name, values in self.values.items():
            value = value_of(values, known.get(name)) if known else None
            if value is not None:
                self.attributes[name][case] = value

    def _deadlines(self, model: SimulationModel, streams: Streams, arrivals: Ints) -> Ints | None:
        own = [one.due for one in model.case_types.values()]
        if model.due is None and not any(own):
            return None
        u = streams.uniform("due", size=self.n)
        hours = model.due.ppf(u) if model.due is not None else np.full(self.n, 1e6)
        for number, due in enumerate(own):
            if due is not None:
                mine = self.attributes["type"] == number
                hours[mine] = due.ppf(u[mine])
        return model.calendar(model.office).add(arrivals, as_us(hours))

    def _ranks(self, model: SimulationModel, tables: Tables) -> Ints | None:
        priorities = np.array([one.priority for one in model.case_types.values()], dtype=np.int64)
        if tables.step == 0 or not priorities.any():
            return None
        return np.asarray(priorities[self.attributes["type"]] * tables.step)

    def variant(self, place: ActivityModel | Gateway, part: Part, chosen: slice) -> Ints | None:
        """Return which variant decides a part of a place for each case, from 1 (0: none); None if there is none."""
        variants: Sequence[Variant | GatewayVariant] = place.variants
        speaking = [(number, one) for number, one in enumerate(variants, 1) if one.speaks_of(part)]
        if not speaking:
            return None
        size = len(range(*chosen.indices(self.n)))
        out = np.zeros(size, dtype=np.int64)
        for number, variant in reversed(speaking):
            fits = np.ones(size, dtype=np.bool_)
            for name, value in variant.when.items():
                fits &= self.attributes[name][chosen] == self.values[name].index(value)
            out[fits] = number
        return out


class Draws:
    """The vectors of a run, by place, visit and block.

    Columns of an activity: 0 its duration, 1 where it leads (and further ones for people with habits of their own),
    then, where it has them, `delay` (and after it those of its `waits`), `patience`, and `route` (the bits of the
    uniform draw, for contexts; after it what is added to the round, by the variant whose contexts hold), and `race`
    (the bits by which people race for the work). Of a gateway 0: where it leads, which ways it takes (bits), or how
    long each event takes.
    """

    __slots__ = (
        "_backward",
        "_repeated",
        "_streams",
        "cases",
        "delay",
        "model",
        "patience",
        "race",
        "route",
        "tables",
        "widths",
    )

    def __init__(self, model: SimulationModel, tables: Tables, streams: Streams, cases: Cases) -> None:
        self.model, self.tables, self._streams, self.cases = model, tables, streams, cases
        self.delay, self.patience, self.route, self.race, self.widths = (
            np.full(len(tables.names), -1) for _ in range(5)
        )
        for number, one in enumerate(model.activities.values()):
            width = 1 + len(rework_factors(one.people))
            for column, size in (
                (self.delay, 1 + len(one.waits) if one.delay and one.role else 0),
                (self.patience, one.patience is not None),
                (self.route, 2 if one.all_contexts else 0),
                (self.race, bool(tables.raced[number])),
            ):
                if size:
                    column[number], width = width, width + size
            self.widths[number] = width
        self._backward = _backward(model, tables)
        self._repeated: dict[int, NDArray[np.bool_]] = {}
        sizes = {"xor": 1, "or": 1}
        for number, gateway in enumerate(model.gateways.values(), tables.n_activities):
            self.widths[number] = len(gateway.events) or sizes.get(gateway.kind, 0)

    def waits(self, place: int) -> dict[tuple[int, bool], int]:
        """Return the columns of delays by the activity before (-1: none), and by whether that had only begun."""
        if place >= self.tables.n_activities:
            return {}
        numbers, waits = self.tables.numbers, self.model.activities[self.tables.names[place]].waits
        first = int(self.delay[place])
        return {
            (numbers[one.before] if one.before else -1, one.overlap): first + number
            for number, one in enumerate(waits, 1)
        }

    def vectors(self, place: int, visit: int, block: int) -> Ints:
        """Return the columns (k, cases of the block) of a visit, counted from 1.

        Raises `DataError` after 1,000 visits: such a case would hardly ever end.
        """
        name = self.tables.names[place]
        if visit > MOST_VISITS:
            raise DataError(
                f'a case executes "{name}" more than {MOST_VISITS:,} times; lower the probability of its way back'
            )
        if place >= self.tables.n_activities:
            return self._of_gateway(self.model.gateways[name], name, visit, block)
        return self._of_activity(self.model.activities[name], name, visit, block)

    def _u(self, purpose: str, name: str, visit: int, block: int, *more: int) -> Floats:
        size = min(BLOCK, self.cases.n - block * BLOCK)
        return self._streams.uniform(purpose, name, visit, *more, size=size, skip=block * BLOCK)

    def _of_activity(self, one: ActivityModel, name: str, visit: int, block: int) -> Ints:
        cases = slice(block * BLOCK, min((block + 1) * BLOCK, self.cases.n))
        hours, lag, way = (self.cases.variant(one, part, cases) for part in PARTS)
        columns = [self._durations(one, self._u("duration", name, visit, block), visit, hours, block)]
        u = self._u("route", name, visit, block) if any(len(routes) > 1 for routes in one.all_routes) else None
        columns += [self._nexts(one, u, visit, way, factor, block) for factor in rework_factors(one.people)]
        if one.delay is not None and one.role is not None:
            columns += _delays(one, self._u("delay", name, visit, block), visit, lag)
        if one.patience is not None:
            columns.append(as_us(one.patience.after.ppf(self._u("patience", name, visit, block))))
        if one.all_contexts:
            size = len(columns[0])
            columns.append((np.zeros(size) if u is None else u).view(np.int64))
            columns.append(np.zeros(size, dtype=np.int64) if way is None else way * len(one.next))
        if self.race[self.tables.numbers[name]] >= 0:
            columns.append(self._u("race", name, visit, block).view(np.int64))
        return np.stack(columns)

    def _durations(self, one: ActivityModel, u: Floats, visit: int, variant: Ints | None, block: int) -> Ints:
        spread = _of_round(one.duration, visit)
        again = self._again(block) if visit > 1 else None
        if again is None:
            hours = spread.ppf(u)
        else:
            hours = np.zeros(len(u))
            hours[again] = spread.ppf(u[again])
        if variant is not None:
            for number, other in enumerate(one.variants, 1):
                mine = variant == number
                if other.duration is not None:
                    hours[mine] = _of_round(other.duration, visit).ppf(u[mine])
                if other.factor != 1:
                    hours[mine] *= other.factor
        return as_us(hours)

    def _again(self, block: int) -> NDArray[np.bool_] | None:
        """Return which cases of a block may come to a place for a second time; None if that cannot be told.

        Without branches, a case visits each place once until it takes a way back, which it must do at its first visit
        of some place; what a case draws there decides. A quantile function costs more than everything else here.
        """
        if self._backward is None:
            return None
        if block not in self._repeated:
            size = min(BLOCK, self.cases.n - block * BLOCK)
            # What those have drawn who were underway says nothing about the rounds behind them.
            found = np.arange(size) + block * BLOCK >= self.cases.n - self.cases.old
            for place, targets in self._backward.items():
                found |= np.isin(self.vectors(place, 1, block)[int(place < self.tables.n_activities)], targets)
            self._repeated[block] = found
        return self._repeated[block]

    def _nexts(
        self, one: ActivityModel, u: Floats | None, visit: int, variant: Ints | None, factor: float, block: int
    ) -> Ints:
        if u is None:
            u = np.zeros(min(BLOCK, self.cases.n - block * BLOCK))
        out = _routed(sent_back(_of_round(one.next, visit), factor), self.tables, u)
        if variant is not None:
            for number, other in enumerate(one.variants, 1):
                if other.next is not None:
                    mine = variant == number
                    out[mine] = _routed(sent_back(_of_round(other.next, visit), factor), self.tables, u[mine])
        return out

    def _of_gateway(self, one: Gateway, name: str, visit: int, block: int) -> Ints:
        cases = slice(block * BLOCK, min((block + 1) * BLOCK, self.cases.n))
        variant = self.cases.variant(one, "routes", cases)
        if one.kind == "xor":
            u = self._u("route", name, visit, block)
            out = _routed(_of_round(one.next, visit), self.tables, u)
            for number, other in enumerate(one.variants if variant is not None else (), 1):
                mine = variant == number
                out[mine] = _routed(_of_round(other.next, visit), self.tables, u[mine])
            return out[None]
        if one.kind == "event":
            waits = [
                as_us(event.after.ppf(self._u("event", name, visit, block, number)))
                for number, event in enumerate(one.events)
            ]
            return np.stack(waits)
        # Ways that are never taken are not among the gateway's targets.
        chances = np.array(
            [
                [way.probability for way in ways if way.probability > 0]
                for ways in (one.ways, *(v.ways for v in one.variants))
            ]
        )
        which = np.zeros(min(BLOCK, self.cases.n - block * BLOCK), dtype=np.int64) if variant is None else variant
        bits = np.zeros(len(which), dtype=np.int64)
        for number, of_way in enumerate(chances.T):
            bits |= (self._u("way", name, visit, block, number) < of_way[which]).astype(np.int64) << number
        none = bits == 0
        bits[none] = 1 << np.argmax(chances, axis=1)[which[none]]
        return bits[None]


def _backward(model: SimulationModel, tables: Tables) -> dict[int, list[int]] | None:
    """Return the routes by which a case may come to a place again, by place; None where draws alone do not tell.

    They are the routes to a place that is being looked at when the graph is searched in depth (Tarjan 1972): every way
    round takes one of them.
    """
    if (
        tables.branches
        or model.overlapping
        or any(
            one.all_contexts or one.patience or any(habit.rework != 1 for habit in one.people.values())
            for one in model.activities.values()
        )
        or any(one.kind == "event" for one in model.gateways.values())
    ):
        return None
    after = [
        sorted({tables.numbers[r.to] for routes in one.all_routes for r in routes if r.to and r.probability > 0})
        for one in model.activities.values()
    ]
    after += [sorted({tables.numbers[to] for to in one.targets if to}) for one in model.gateways.values()]
    found: dict[int, list[int]] = {}
    state = [0] * len(after)
    for root in range(len(after)):
        path = [(root, iter(after[root]))] if not state[root] else []
        while path:
            place, ways = path[-1]
            state[place] = 1
            target = next(ways, None)
            if target is None:
                state[place] = 2
                path.pop()
            elif state[target] == 1:
                found.setdefault(place, []).append(target)
            elif state[target] == 0:
                path.append((target, iter(after[target])))
    return found


def _delays(one: ActivityModel, u: Floats, visit: int, variant: Ints | None) -> list[Ints]:
    """Return the delays where nothing else holds, and those of each of the activity's `waits`."""
    assert one.delay is not None
    hours = [one.delay.ppf(u), *(_of_round(wait.delay, visit).ppf(u) for wait in one.waits)]
    for number, other in enumerate(one.variants, 1):
        if variant is not None and other.speaks_of("delay"):
            mine = variant == number
            if other.delay is not None:
                hours[0][mine] = other.delay.ppf(u[mine])
            for way in hours:
                way[mine] *= other.delay_factor
    return [as_us(way) for way in hours]


def _of_round(entries: list[T], visit: int) -> T:
    return entries[min(visit, len(entries)) - 1]


def _chosen(shares: list[float], u: Floats) -> Ints:
    return np.searchsorted(np.cumsum(shares)[:-1], u, side="right").astype(np.int64)


def _routed(routes: list[Route], tables: Tables, u: Floats) -> Ints:
    """Return the choice among routes for each draw."""
    edges, targets = route_table(routes, tables.numbers)
    if not edges:
        return np.full(len(u), targets[0], dtype=np.int64)
    if len(edges) > _FEW_EDGES:
        return np.asarray(targets, dtype=np.int64)[np.searchsorted(edges, u, side="right")]
    chosen = (u >= edges[0]).astype(np.int8)
    for edge in edges[1:]:
        chosen += u >= edge
    return np.asarray(targets, dtype=np.int64).take(chosen)


def sent_back(routes: list[Route], factor: float) -> list[Route]:
    """Return routes whose ways back are `factor` times as probable, to at most 95 %; the others share the rest."""
    back = sum(route.probability for route in routes if route.rework)
    if factor == 1 or not 0 < back < 1:
        return routes
    scaled = min(back * factor, max(back, _MOST_REWORK))
    return [
        route.model_copy(
            update={"probability": route.probability * (scaled / back if route.rework else (1 - scaled) / (1 - back))}
        )
        for route in routes
    ]
