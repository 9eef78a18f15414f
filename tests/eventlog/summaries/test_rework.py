from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given

from mkmine.eventlog import EventLog
from mkmine.eventlog.summaries import activity_rounds, repeats, rework_counts, visits
from tests.eventlog.summaries.samples import Event, events, kernels, log_of

FORMS = ("numpy", "numba")


@pytest.mark.parametrize("form", FORMS)
@given(drawn=events)
def test_rounds_equal_those_of_plain_loops(form: str, drawn: list[Event]) -> None:
    log = log_of(drawn, open_cases=True)
    per_case: Counter[tuple[int, str]] = Counter(
        (int(case), log.activities[code]) for case, code in zip(log.case_of, log.activity, strict=True)
    )
    with kernels(form):
        found, rounds = rework_counts(log), activity_rounds(log)
    for (activity, number), (reached, returned, censored) in found.rounds.items():
        cases = {case: n for (case, name), n in per_case.items() if name == activity}
        assert reached == sum(n >= number for n in cases.values())
        assert returned == sum(n > number for n in cases.values())
        assert censored == sum(n == number and not log.completed[case] for case, n in cases.items())
    assert found.cases == {
        name: n for name in log.activities if (n := sum(c > 1 for (_, a), c in per_case.items() if a == name))
    }
    for code, name in enumerate(log.activities):
        cases = [n for (_, activity), n in per_case.items() if activity == name]
        assert rounds.instances[code] == sum(cases)
        assert rounds.cases[code] == len(cases)
        assert rounds.most[code] == max(cases)
        assert rounds.starts[code] == sum(log.activity[log.offsets[:-1]] == code)
        assert rounds.ends[code] == sum((log.activity[log.offsets[1:] - 1] == code) & log.completed)
        assert rounds.returned[code] == sum((visits(log) == 2) & ~repeats(log) & (log.activity == code))


def test_going_on_with_an_activity_is_told_from_returning_to_it(make_log: Callable[..., EventLog]) -> None:
    log = make_log([("1", name, 2 * i, 2 * i + 1, "x") for i, name in enumerate("AABBAAB")])
    assert repeats(log).tolist() == [False, True, False, True, False, True, False]
    assert visits(log).tolist() == [1, 1, 1, 1, 2, 2, 2]


def test_one_activity_a_thousand_times_over_does_not_need_a_square() -> None:
    for form in FORMS:
        with kernels(form):
            drawn = [(1, "A", i, 0, None) for i in range(1000)] + [(2, f"B{i}", i, 0, None) for i in range(2500)]
            found = rework_counts(log_of(drawn)).rounds
        assert len(found) == 3500
        assert found["A", 1000] == (1, 0, 0)
        assert found["A", 999] == (1, 1, 0)
