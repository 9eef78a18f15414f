"""A model as the compiled twin reads it: its tables, one section each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mkmine.calendars import HOUR
from mkmine.simulation.engine.clocks import LONGEST, flattened
from mkmine.simulation.engine.draws import SHIFT, Draws
from mkmine.simulation.engine.kernel import layout
from mkmine.simulation.engine.kernel.memory import Memory
from mkmine.simulation.engine.tables import END, RACE, WITHDRAWN, Ints, Kind, Tables, route_table
from mkmine.simulation.engine.underway import Resumption
from mkmine.simulation.model import ActivityModel, SimulationModel

__all__ = ["lay_process"]

Array = NDArray[Any]
_STAGES = {"waiting": layout.WAITING, "working": layout.WORKING, "done": layout.FINISHED_WORK}


def lay_process(draws: Draws, arrivals: Ints, old: Sequence[Resumption]) -> Memory:
    """Return the tables of a model, with the arrivals of its cases and where the old ones are."""
    model, t = draws.model, draws.tables
    person = np.repeat(np.arange(len(t.capacity)), t.capacity)
    key = draws.cases.due if model.queue == "deadline" else draws.cases.rank
    contexts = _contexts(model, t)
    numbers = {
        "ARRIVING": len(arrivals),
        "BRANCHED": t.branches,
        "CASES_ALL": draws.cases.n,
        "CHOOSY": t.choosy,
        "CONWIP": model.wip_limit or draws.cases.n,
        "HANDED": t.handed,
        "KEYED": key is not None,
        "LONGEST": LONGEST,
        "MOST_ROUNDS": contexts["CONTEXT_ROOT"].shape[1],
        "OLD": len(old),
        "ORDER": {"lifo": layout.LIFO, "deadline": layout.DUE}.get(model.queue, 0),
        "OVERLAPPING": model.overlapping,
        "PACED": t.paced,
        "PEOPLE": len(t.capacity),
        "PLACES": len(t.names),
        "ROLES": len(t.roles),
        "SHIFT": SHIFT,
        "TRACED": t.traced,
        "WORKERS": len(person),
    }
    sections = {
        "KIND": t.kind, "ROLE": t.role, "CLOCK": t.clock, "OWNER": t.owner, "OTHER": t.other, "RANK": t.rank,
        "FINISH": t.finish, "FITS": t.fits, "PACE": t.pace, "HABIT": t.habit, "DELAY": draws.delay,
        "ROUTE": draws.route, "PATIENCE": draws.patience, "DRAWN": draws.widths > 0, "NEEDED": t.needed,
        "PLAIN": (t.owner < 0) & (t.other < 0) & (draws.patience < 0) & (draws.race < 0) & ~t.fits,
        "RACE": draws.race, "RACE_TIME": RACE, "AVERSION": t.aversion, "PERSON_KEY": t.person_key,
        "ARRIVALS": arrivals, "BEGIN": draws.cases.begin, "KEY": np.empty(0, dtype=np.int64) if key is None else key,
    }  # fmt: skip
    return Memory(
        layout.TABLES, numbers, sections | _people(t, person) | _limits(model, t) | _targets(model, t) | contexts
        | _waits(draws) | _old(t, old),
    )  # fmt: skip


def _first(counts: Any) -> Ints:
    """Return where each of some runs of so many entries begins, and where the last one ends."""
    return np.concatenate(([0], np.cumsum(np.asarray(counts, dtype=np.int64)))).astype(np.int64)


def _people(t: Tables, person: Ints) -> dict[str, Array]:
    """Return whose hands are whose, which roles they have, and when they work."""
    roles = [t.person_roles[one] for one in person]
    lines = flattened(t.clocks)
    longest = np.array([clock.longest for clock in t.clocks], dtype=np.int64)
    return {
        "WORKER_PERSON": person,
        "WORKER_CLOCK": t.person_clock[person],
        "WHOLE_SHIFT": longest[t.person_clock[person]],
        "PERSON_FIRST": _first(t.capacity),
        "ENTRY_FIRST": _first([len(one) for one in roles]),
        "ENTRY_ROLE": np.array([role for one in roles for role in one], dtype=np.int64),
        "ENTRY_WORKER": np.array([worker for worker, one in enumerate(roles) for _ in one], dtype=np.int64),
        "LINE_FIRST": lines.first,
        "LINE_STARTS": lines.starts,
        "LINE_ENDS": lines.ends,
        "LINE_BEFORE": lines.before,
    }


def _limits(model: SimulationModel, t: Tables) -> dict[str, Array]:
    """Return what holds the work of each place back: limits, batches, patience."""
    rest = len(t.names) - t.n_activities
    activities = list(model.activities.values())

    def clock(name: str | None) -> int:
        return t.clock_of[name] if name else 0

    def given_up(one: ActivityModel) -> int:
        return WITHDRAWN if one.patience is None or one.patience.to is None else t.numbers[one.patience.to]

    def of(values: list[Any]) -> Array:
        return np.array([*values, *[0] * rest])

    batches = [one.batch for one in activities]
    return {
        "LIMIT": of([one.wip_limit or 0 for one in activities]),
        "GIVEN_UP": of([given_up(one) for one in activities]),
        "PATIENCE_CLOCK": of([clock(one.patience.calendar) if one.patience else 0 for one in activities]),
        "BATCHED": of([one is not None for one in batches]),
        "TOGETHER": of([one is not None and one.together for one in batches]),
        "ADDITION": of([one.addition if one else 0.0 for one in batches]).astype(np.float64),
        "BATCH_SIZE": of([one.size or 0 if one else 0 for one in batches]),
        "BATCH_HOURS": of([-1 if one is None or one.hours is None else round(one.hours * HOUR) for one in batches]),
        "BATCH_OPENS": of([one is not None and one.calendar is not None and one.hours is None for one in batches]),
        "BATCH_CLOCK": of([clock(one.calendar) if one else 0 for one in batches]),
    }


def _targets(model: SimulationModel, t: Tables) -> dict[str, Array]:
    """Return where gateways lead, and the clocks of their events."""
    targets: list[list[int]] = []
    clocks: list[int] = []
    for code, name in enumerate(t.names):
        targets.append(list(t.targets[code]))
        if t.kind[code] == Kind.EVENT:
            events = model.gateways[name].events
            targets[-1] = [
                t.numbers[one.to] if one.to else WITHDRAWN if one.outcome == "cancelled" else END for one in events
            ]
            clocks += [t.clock_of[one.calendar] if one.calendar else 0 for one in events]
        else:
            clocks += [0] * len(targets[-1])
    return {
        "TARGET_FIRST": _first([len(one) for one in targets]),
        "TARGET": np.array([target for one in targets for target in one], dtype=np.int64),
        "TARGET_CLOCK": np.array(clocks, dtype=np.int64),
    }


def _waits(draws: Draws) -> dict[str, Array]:
    """Return the columns of delays that depend on the activity before, and on whether that had only begun."""
    waits = [draws.waits(code) for code in range(len(draws.tables.names))]
    return {
        "WAITS_FIRST": _first([len(one) for one in waits]),
        "WAITS_BEFORE": np.array([before for one in waits for before, _ in one], dtype=np.int64),
        "WAITS_AHEAD": np.array([ahead for one in waits for _, ahead in one], dtype=np.int64),
        "WAITS_COLUMN": np.array([column for one in waits for column in one.values()], dtype=np.int64),
    }


def _old(t: Tables, old: Sequence[Resumption]) -> dict[str, Array]:
    """Return where the cases are that were underway before the run, and what they remember."""

    def of(values: list[Any]) -> Ints:
        return np.array(values, dtype=np.int64)

    rest = (-1,) * (len(t.names) - t.n_activities)
    # The activity that a case is in is added to its trace when the run goes on with it; the latest comes first.
    traces = [one.trace[::-1][: layout.TRACE] for one in old]
    return {
        "OLD_PLACE": of([one.place for one in old]),
        "OLD_STAGE": of([_STAGES[one.stage] for one in old]),
        "OLD_PERSON": of([one.person for one in old]),
        "OLD_SINCE": of([one.since for one in old]),
        "OLD_STARTED": of([one.started for one in old]),
        "OLD_ENDED": of([one.ended for one in old]),
        "OLD_LEFT": of([one.left for one in old]),
        "OLD_VISITS": of([one.visits for one in old]),
        "OLD_DOER": of([(*one.doers, *rest) for one in old]),
        "OLD_TRACE": of([(*one, *(-1,) * (layout.TRACE - len(one))) for one in traces]),
    }


def _contexts(model: SimulationModel, tables: Tables) -> dict[str, Array]:
    """Return the contexts as a tree: from the activity just before a case's present one to those further back."""
    # Each variant with contexts of its own has its rounds after those of all cases.
    most = max(len(one.next) * (1 + len(one.variants)) for one in model.activities.values())
    root = np.full((len(tables.names), most), -1, dtype=np.int64)
    children: list[dict[int, int]] = []
    table_of: list[int] = []
    edges: list[list[float]] = []
    targets: list[list[int]] = []

    def fresh() -> int:
        children.append({})
        table_of.append(-1)
        return len(children) - 1

    for code, activity in enumerate(model.activities.values()):
        rounds = len(activity.next)
        groups = (activity.contexts, *(variant.contexts for variant in activity.variants))
        for number, context in ((number, one) for number, group in enumerate(groups) for one in group):
            if context.round > rounds:
                continue
            known = context.round - 1 + number * rounds
            node = int(root[code, known])
            if node < 0:
                node = root[code, known] = fresh()
            for name in reversed(context.before):
                below = children[node].get(tables.numbers[name])
                if below is None:
                    below = children[node][tables.numbers[name]] = fresh()
                node = below
            found = route_table(context.next, tables.numbers)
            table_of[node] = len(edges)
            edges.append([*found[0], 2.0])
            targets.append(found[1])
    return {
        "ROUNDS": np.array([len(one.next) for one in model.activities.values()], dtype=np.int64),
        "CONTEXT_ROOT": root,
        "CONTEXT_FIRST": _first([len(one) for one in children]),
        "CONTEXT_ACTIVITY": np.array([code for one in children for code in one], dtype=np.int64),
        "CONTEXT_NEXT": np.array([node for one in children for node in one.values()], dtype=np.int64),
        "CONTEXT_EDGES": np.array(table_of, dtype=np.int64),
        "EDGE_FIRST": _first([len(one) for one in edges]),
        "EDGE": np.array([edge for one in edges for edge in one], dtype=np.float64),
        "EDGE_TARGET": np.array([target for one in targets for target in one], dtype=np.int64),
    }
