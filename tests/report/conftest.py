from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from mkmine.calendars import Calendar
from mkmine.discovery import ProcessMap
from mkmine.eventlog import EventLog, Provenance
from mkmine.simulation import Experiment, Validation
from mkmine.targets import Flow, Node, ProcessModel, Target

Edge = tuple[str, str, int, float]
HOSTILE = "<script>alert(\"x\")</script> & 'q' {n} ]]>"
STEPS = ("Постановка задачи", "Бриф", "Написание текста", "Согласование", "Дизайн", HOSTILE, "Публикация")


@pytest.fixture(scope="session")
def provenance() -> Provenance:
    return Provenance(
        log="журнал",
        hash="0123456789abcdef",
        cases=600,
        instances=4_000,
        window=("2025-01-09", "2025-12-30"),
        filters=(),
        method="directly-follows map, working time",
    )


@pytest.fixture(scope="session")
def make_map(provenance: Provenance) -> Callable[..., ProcessMap]:
    """Build a process map from names in order and (source, target, count, median wait in hours)."""

    def build(names: Sequence[str], edges: Sequence[Edge], *, duration: float = 1.5, share: float = 1.0) -> ProcessMap:
        rank = {name: place for place, name in enumerate(names)}
        activities = [
            {
                "activity": name,
                "instances": 1000 + 10 * place,
                "cases": 600,
                "max_rounds": 1,
                "starts": 600 if place == 0 else 0,
                "ends": 600 if place == len(names) - 1 else 0,
                "duration_median_h": duration,
                "duration_mean_h": duration,
                "duration_p85_h": duration,
                "duration_p95_h": duration,
                "duration_total_h": duration,
                "rework_cases": 0,
            }
            for place, name in enumerate(names)
        ]
        paths = [
            {
                "source": source,
                "target": target,
                "count": count,
                "cases": count,
                "max_repeats": 1,
                "waiting_median_h": wait,
                "waiting_mean_h": wait,
                "waiting_p85_h": wait,
                "waiting_p95_h": wait,
                "waiting_total_h": wait * count,
                "overlapping": 0,
                "rework": rank[target] <= rank[source],
                "parallel": False,
            }
            for source, target, count, wait in edges
        ]
        columns = ["source", "target", "count", "cases", "max_repeats", "waiting_median_h", "waiting_mean_h"]
        columns += ["waiting_p85_h", "waiting_p95_h", "waiting_total_h", "overlapping", "rework", "parallel"]
        return ProcessMap(
            activities=pd.DataFrame(activities),
            edges=pd.DataFrame(paths, columns=columns),
            n_cases=600,
            n_variants=514,
            shown_activities=1.0,
            shown_paths=share,
            calendar=Calendar.parse({"Mon-Fri": "09:00-13:00, 14:00-18:00"}, time_zone="Europe/Moscow"),
            provenance=provenance,
        )

    return build


@pytest.fixture(scope="session")
def article() -> EventLog:
    """120 cases with rework, open cases, roles and one activity with a hostile name."""
    draws = np.random.default_rng(5)
    people = ("Мария", "Олег", "Анна")
    roles = ("Маркетолог", "Копирайтер", "Согласующий")
    rows = []
    for case in range(120):
        moment = pd.Timestamp("2025-02-03 07:00", tz="UTC") + pd.Timedelta(days=int(draws.integers(0, 200)))
        step = 0
        while step < len(STEPS):
            start = moment + pd.Timedelta(hours=float(draws.exponential(9)))
            moment = start + pd.Timedelta(hours=float(draws.gamma(2, 1.5)))
            who = step % 3
            rows.append((f"=ART-{case}", STEPS[step], start, moment, people[who], roles[who]))
            step = 2 if STEPS[step] == "Согласование" and draws.random() < 0.4 else step + 1
    frame = pd.DataFrame(rows, columns=["case", "activity", "start", "end", "resource", "role"])
    done = pd.Series(True, index=frame["case"].unique())
    done.iloc[-3:] = False
    return EventLog.from_pandas(
        frame,
        start="start",
        resource="resource",
        role="role",
        completed=done,
        time_zone="Europe/Moscow",
        name="Статьи",
        calendar=Calendar.parse({"Mon-Fri": "09:00-13:00, 14:00-18:00"}, time_zone="Europe/Moscow"),
    )


@pytest.fixture(scope="session")
def target() -> Target:
    names = [*STEPS[:5], "Проверка SEO", "Публикация"]
    tasks = [Node(id=f"t{place}", kind="task", name=name) for place, name in enumerate(names)]
    nodes = [Node(id="s", kind="start"), *tasks, Node(id="e", kind="end")]
    flows = [
        Flow(id=f"f{place}", source=one.id, target=other.id)
        for place, (one, other) in enumerate(itertools.pairwise(nodes))
    ]
    return Target(model=ProcessModel(nodes=tuple(nodes), flows=tuple(flows), name="Статья"))


@pytest.fixture(scope="session")
def study(provenance: Provenance) -> Callable[..., Experiment]:
    """Build an experiment with one scenario per verdict, and the backtest of its model."""

    def build(*, grade: str = "good", warnings: tuple[str, ...] = ()) -> Experiment:
        answers = []
        for scenario, verdict, change in (
            ("Ещё один дизайнер", "better", -0.2),
            ("Вторая подпись", "worse", 0.3),
            ("Новый шаблон", "noise", 0.01),
            ("Вдвое больше задач", "unstable", 4.0),
        ):
            for kpi, base in (("cycle_mean_h", 60.0), ("cycle_p85_h", 95.0), ("utilisation:Дизайнер", 0.8)):
                middle, half = change * base, 0.05 * base
                answers.append(
                    {
                        "scenario": scenario,
                        "kpi": kpi,
                        "unit": "h",
                        "base": base,
                        "value": base + middle,
                        "difference": middle,
                        "low": middle - half,
                        "high": middle + half,
                        "relative": change,
                        "replications": 30,
                        "verdict": verdict,
                    }
                )
        table = pd.DataFrame(
            {
                "kpi": ["cycle_median_h", "throughput_per_week"],
                "unit": ["h", "per week"],
                "actual": [50.0, 8.0],
                "predicted": [48.0, 6.0],
                "low": [44.0, 5.0],
                "high": [53.0, 7.0],
                "inside": [True, False],
                "noise": [2.0, 0.5],
                "error": [-0.04, -0.25],
            }
        )
        validation = Validation(
            table=table,
            grade=grade,  # type: ignore[arg-type]
            reasons=() if grade == "good" else ("throughput_per_week",),
            cut="2025-09-01",
            cases=100,
            replications=30,
            provenance=provenance,
        )
        return Experiment(
            base="base",
            scenarios=(),
            answers=pd.DataFrame(answers),
            kpis=pd.DataFrame(),
            logs={},
            confidence=0.95,
            replications=30,
            seed=7,
            weeks=26,
            warm_up_weeks=8,
            warnings=warnings,
            provenance=provenance,
            validation=validation,
        )

    return build
