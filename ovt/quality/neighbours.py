"""How far one set of vectors is from another of the same names: what those who use them would notice.

Two trainings place the same words differently even if they mean the same by
them: turned, mirrored. So single coordinates tell nothing; neighbours do, and
what is left after the best turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float32]
NEIGHBOURS = 10
MOST_NAMES = 5000
"""Names that are compared: the first ones, which are the most frequent. More take long and tell no more."""
CHUNK = 512


@dataclass(frozen=True)
class Drift:
    """One set of vectors against an earlier one."""

    names: int
    """Names that both have and that were compared."""
    overlap: float
    """Mean share of a name's ten nearest neighbours (by cosine) that are the same: 1 is unmoved."""
    distance: float
    """What the best turn leaves of the difference, relative to the earlier vectors: 0 is the same up to a turn."""


def drift(names: Sequence[str], vectors: Floats, earlier_names: Sequence[str], earlier: Floats) -> Drift | None:
    """Compare two sets of vectors; None if they share too few names to have neighbours.

    Args:
        names: of the newer vectors, the most frequent first.
        vectors: (n, size).
        earlier_names: of the earlier ones.
        earlier: (m, size'); sizes may differ.
    """
    place = {name: row for row, name in enumerate(earlier_names)}
    shared = [(row, place[name]) for row, name in enumerate(names) if name in place][:MOST_NAMES]
    if len(shared) <= NEIGHBOURS:
        return None
    new, old = np.array(shared).T
    a, b = vectors[new], earlier[old]
    return Drift(len(shared), neighbour_overlap(a, b), procrustes_distance(a, b))


def neighbour_overlap(a: Floats, b: Floats, k: int = NEIGHBOURS) -> float:
    """The mean share of each row's k nearest rows, by cosine, that are the same in both.

    Args:
        a: (n, size), n > k.
        b: (n, size'); row i is of the same thing as row i of `a`.
        k: how many neighbours.
    """
    a, b = _directions(a), _directions(b)
    same = 0
    for start in range(0, len(a), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(a)))
        in_a, in_b = _nearest(a, rows, k), _nearest(b, rows, k)
        same += sum(len(np.intersect1d(left, right)) for left, right in zip(in_a, in_b, strict=True))
    return same / (len(a) * k)


def procrustes_distance(a: Floats, b: Floats) -> float:
    """The Frobenius norm of what the best orthogonal turn of `a` leaves, relative to that of `b`.

    Both are centred and scaled to unit norm first; the best turn is U V' of the
    singular value decomposition of A'B (Schönemann 1966). From 0 to √2.
    """
    size = max(a.shape[1], b.shape[1])
    left, right = _unit(a, size), _unit(b, size)
    strength = float(np.linalg.svd(left.T @ right, compute_uv=False).sum())
    return float(np.sqrt(max(0.0, 2 - 2 * strength)))


def _nearest(directions: Floats, rows: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """(rows, k) the nearest other rows of each."""
    likeness = directions[rows] @ directions.T
    likeness[np.arange(len(rows)), rows] = -np.inf
    return np.argpartition(-likeness, k - 1, axis=1)[:, :k]


def _directions(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def _unit(vectors: Floats, size: int) -> NDArray[np.float64]:
    wide = np.zeros((len(vectors), size))
    wide[:, :vectors.shape[1]] = vectors - vectors.mean(0)
    return wide / max(float(np.linalg.norm(wide)), 1e-12)
