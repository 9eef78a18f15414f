"""Groups of things that are alike: average linkage, as many groups as separate best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["group", "groups", "silhouette"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Groups that separate less than this are no groups (L. Kaufman and P. J. Rousseeuw 1990, Finding Groups in Data).
LEAST, MOST = 0.25, 30


def groups(distances: Floats, *, weights: Floats | None = None, most: int = MOST) -> tuple[Ints, float]:
    """Return the group of each thing from their distances (n, n), and how well the groups separate (silhouette).

    The tree of average linkage (UPGMA) is cut where the mean silhouette is largest; where no cut reaches 0.25 all are
    one group. `weights` (n,) count in the silhouette how many stand behind each thing.
    """
    n = len(distances)
    if n < 3:
        alike = n < 2 or float(distances[0, 1]) < 0.5
        return (np.zeros(n, dtype=np.int64) if alike else np.arange(n)), float("nan")
    tree = _tree(distances)
    best, label = LEAST, np.zeros(n, dtype=np.int64)
    for k in range(2, min(most, n - 1) + 1):
        found = _cut(tree, k)
        if int(found.max()) + 1 < k:  # ties: no such cut
            continue
        quality = silhouette(distances, found, weights)
        if quality > best + 1e-9:
            best, label = quality, found
    return label, best if label.any() else float("nan")


def group(distances: Floats, k: int) -> Ints:
    """Return the group of each thing when the tree of average linkage is cut into `k` groups."""
    n = len(distances)
    return np.zeros(n, dtype=np.int64) if k <= 1 or n < 2 else _cut(_tree(distances), min(k, n))


def silhouette(distances: Floats, label: Ints, weights: Floats | None = None) -> float:
    """Return the mean silhouette (-1 to 1) of groups; 0 for what is alone in its group.

    Source: P. J. Rousseeuw (1987), Journal of Computational and Applied Mathematics 20.
    """
    weight = np.ones(len(label)) if weights is None else weights
    member = np.zeros((len(label), int(label.max()) + 1))
    member[np.arange(len(label)), label] = weight
    total, size = distances @ member, member.sum(axis=0)
    rows = np.arange(len(label))
    # Its own repetitions are no neighbours of a thing: else every frequent one would be its own best group.
    rest = size[label] - weight
    own = total[rows, label] / np.where(rest > 0, rest, 1.0)
    other = total / size
    other[rows, label] = np.inf
    nearest = other.min(axis=1)
    larger = np.maximum(own, nearest)
    each = np.where((rest > 0) & (larger > 0), (nearest - own) / np.where(larger > 0, larger, 1.0), 0.0)
    return float(np.average(each, weights=weight))


def _tree(distances: Floats) -> Floats:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    return np.asarray(linkage(squareform(distances, checks=False), method="average"))


def _cut(tree: Floats, k: int) -> Ints:
    from scipy.cluster.hierarchy import fcluster

    found = fcluster(tree, k, criterion="maxclust")
    # Numbered by first member, so that equal groups have equal numbers.
    _, first, where = np.unique(found, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    return np.asarray(number[where], dtype=np.int64)
