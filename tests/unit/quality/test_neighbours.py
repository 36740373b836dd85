"""Neighbours and turns, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.neighbours import drift, neighbour_overlap, procrustes_distance


def cloud(seed: int, n: int = 60, size: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, size)).astype(np.float32)


def turned(vectors: np.ndarray, seed: int) -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(vectors.shape[1],) * 2))
    return (3 * vectors @ turn).astype(np.float32)


@given(st.integers(0, 1000))
def test_a_turn_moves_nothing(seed: int) -> None:
    a = cloud(seed)
    a -= a.mean(0)
    b = turned(a, seed + 1)
    assert neighbour_overlap(a, b) > 0.99
    assert procrustes_distance(a, b) < 1e-3


def test_against_the_libraries() -> None:
    from scipy.spatial import procrustes
    from sklearn.neighbors import NearestNeighbors

    a, b = cloud(1, 300), (cloud(1, 300) + 0.7 * cloud(2, 300)).astype(np.float32)
    found = [NearestNeighbors(n_neighbors=11, metric="cosine", algorithm="brute").fit(x).kneighbors(x)[1] for x in (a, b)]
    expected = np.mean([len(set(left[left != row]) & set(right[right != row])) / 10
                        for row, (left, right) in enumerate(zip(*found, strict=True))])
    assert neighbour_overlap(a, b) == pytest.approx(expected)
    # SciPy scales too: its disparity is 1 - strength², ours 2 - 2 × strength.
    strength = np.sqrt(1 - procrustes(b, a)[2])
    assert procrustes_distance(a, b) == pytest.approx(np.sqrt(2 - 2 * strength), abs=1e-6)


def test_strangers_share_few_neighbours() -> None:
    assert neighbour_overlap(cloud(1, 400), cloud(2, 400)) < 0.1
    assert procrustes_distance(cloud(1, 400), cloud(2, 400)) > 1


def test_by_name_whatever_the_order_and_the_size() -> None:
    a = cloud(3, 40)
    names = [f"w{row}" for row in range(40)]
    wide = np.pad(a[::-1], ((0, 0), (0, 4)))
    found = drift([*names, "new"], np.concatenate([a, a[:1]]), names[::-1], wide)
    assert found is not None
    assert (found.names, found.overlap) == (40, 1.0)
    assert found.distance == pytest.approx(0, abs=1e-3)
    assert drift(names, a, ["other"], a[:1]) is None
