from __future__ import annotations

import numpy as np
import pytest

from mkmine.discovery.grouping import group, groups, silhouette


def distances(*places: float) -> np.ndarray:
    points = np.array(places)
    return np.abs(points[:, None] - points[None, :])


def test_groups_are_those_that_separate_best() -> None:
    label, quality = groups(distances(0.0, 0.1, 5.0, 5.1, 9.0, 9.2))
    assert label.tolist() == [0, 0, 1, 1, 2, 2]
    assert quality > 0.9


def test_what_does_not_separate_is_one_group() -> None:
    rng = np.random.default_rng(3)
    noise = rng.random((12, 12))
    label, quality = groups(1.0 + 0.01 * (noise + noise.T) * (1 - np.eye(12)) - np.eye(12))
    assert not label.any()
    assert np.isnan(quality)


def test_equal_things_are_one_group() -> None:
    assert not groups(np.zeros((5, 5)))[0].any()
    assert not groups(np.zeros((1, 1)))[0].any()


def test_silhouette_is_that_of_the_definition() -> None:
    places, label = distances(0.0, 1.0, 4.0, 6.0), np.array([0, 0, 1, 1])
    each = [(5.0 - 1) / 5, (4.0 - 1) / 4, (3.5 - 2) / 3.5, (5.5 - 2) / 5.5]
    assert silhouette(places, label) == pytest.approx(np.mean(each))


def test_what_stands_behind_a_thing_counts_for_others_and_in_the_mean() -> None:
    few, label = distances(0.0, 1.0, 4.0, 6.0, 20.0), np.array([0, 0, 1, 1, 2])
    weight = np.array([3.0, 1.0, 1.0, 1.0, 50.0])
    alone_is_nothing = [(5.0 - 1) / 5, (4.0 - 1) / 4, (3.75 - 2) / 3.75, (5.75 - 2) / 5.75, 0.0]
    assert silhouette(few, label, weight) == pytest.approx(np.average(alone_is_nothing, weights=weight))


def test_a_cut_has_the_groups_asked_for() -> None:
    assert group(distances(0.0, 0.1, 5.0, 9.0), 3).tolist() == [0, 0, 1, 2]
