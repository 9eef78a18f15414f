"""When waiting work was handed over, by hand and where the delays are known."""

from __future__ import annotations

import numpy as np
import pytest

from mkmine.calendars import HOUR, Calendar
from mkmine.performance.offering import last_idle, offered_hours

DAY0 = 20_089 * 24 * HOUR  # Wednesday 2025-01-01, 00:00 UTC


def at(*hours: float) -> np.ndarray:
    return np.array([DAY0 + round(hour * HOUR) for hour in hours])


def test_the_last_moment_with_a_hand_free() -> None:
    # Idle until 2; at work 2-6 in two pieces, and again 6-7; idle 7-9, then at work again.
    start, end = at(2, 4, 6, 9), at(4, 6, 7, 10)
    ready = at(1, 3, 1, 8)
    found = last_idle(Calendar.always(), ready, start, end, 1)
    # Free just before; since offered at work; free until 2; free until the start.
    assert ((found - DAY0) / HOUR).tolist() == [2, 3, 2, 9]
    # Work that comes in a long pause does not make two short ones of it.
    minutes = last_idle(Calendar.always(), at(2, 4.02), at(2, 4), at(3, 5), 1)
    assert ((minutes - DAY0) / HOUR).tolist() == [2, 4.02]
    assert last_idle(Calendar.always(), at(2, 3.01, 3.5), at(2, 3.02, 4), at(3, 4, 5), 1)[1] == at(3.02)[0]
    # All at one moment.
    assert (last_idle(Calendar.always(), at(2), at(2), at(2), 1) == at(2)).all()
    # With two hands, there was always one free.
    assert (last_idle(Calendar.always(), ready, start, end, 2) == start).all()


def test_who_is_off_duty_is_not_idle() -> None:
    office = Calendar.from_dict({"weekly": {"Mon-Fri": "09:00-18:00"}})
    # Ready at 12 on the day before, begun when the office opens: idle until it closed, which is the same open moment.
    found = last_idle(office, at(12), at(33), at(34), 1)
    assert ((found - DAY0) / HOUR).tolist() == [18]
    assert office.working_time(found, at(33)).tolist() == [0]


def test_known_delays_stay_as_they_are() -> None:
    known = np.array([0.0, 1.0, 2.0, np.nan])
    assert offered_hours(np.zeros(4, dtype=int), known, known)[:3].tolist() == [0, 1, 2]
    assert np.isnan(offered_hours(np.zeros(4, dtype=int), known, known)[3])


def test_work_that_only_queued_was_offered_at_once() -> None:
    # Nothing says that any of it was offered late: all that is known are the queues.
    queues = np.random.default_rng(2).exponential(8, 500)
    found = offered_hours(np.zeros(500, dtype=int), np.zeros(500), queues)
    assert found.mean() < 0.05


def test_delays_in_intervals_have_the_distribution_of_the_known_ones() -> None:
    generator = np.random.default_rng(3)
    true = generator.exponential(5, 4_000)
    # Three in five are only looked at now and then.
    looks = np.cumsum(generator.exponential(4, (4_000, 20)), axis=1)
    hidden = generator.random(4_000) < 0.6
    least = np.where(hidden, np.where(looks < true[:, None], looks, 0).max(axis=1), true)
    most = np.where(hidden, np.where(looks >= true[:, None], looks, np.inf).min(axis=1), true)
    found = offered_hours(np.zeros(4_000, dtype=int), least, most)
    assert ((found >= least) & (found <= most)).all()
    assert found.mean() == pytest.approx(true.mean(), rel=0.05)
    assert np.quantile(found, [0.25, 0.5, 0.9]) == pytest.approx(np.quantile(true, [0.25, 0.5, 0.9]), rel=0.12)


def test_the_earliest_is_taken_where_nothing_tells() -> None:
    # All waited for an hour, and were not seen before: they may have been handed over at once.
    assert offered_hours(np.zeros(5, dtype=int), np.zeros(5), np.ones(5)).tolist() == [0] * 5
    # Nine of ten were, so the tenth is taken to be like them.
    most = np.append(np.zeros(9), 3.0)
    assert offered_hours(np.zeros(10, dtype=int), np.zeros(10), most).tolist() == [0] * 10
    assert offered_hours(np.zeros(2, dtype=int), np.zeros(2), np.zeros(2)).tolist() == [0, 0]


def test_each_activity_by_itself() -> None:
    activity = np.array([0, 1, 0, 1, 0, 1], dtype=np.uint8)
    least = np.array([0, 5, 0, 5, 0, 1.0])
    most = np.array([0, 5, 0, 5, 2, 9.0])
    assert offered_hours(activity, least, most).tolist() == [0, 5, 0, 5, 0, 5]
    np.testing.assert_array_equal(offered_hours(activity[:2], least[:2], np.array([np.nan, 5])), [np.nan, 5])
