from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ovt.training.optimisation.batches import ordered_batches, shuffled_batches


@given(st.integers(0, 500), st.integers(1, 64), st.integers(0, 100))
def test_every_row_comes_once(n: int, batch: int, seed: int) -> None:
    rows = np.arange(n) * 3
    lengths = np.random.default_rng(seed).integers(1, 50, n)
    found = shuffled_batches(rows, lengths, batch, np.random.default_rng(seed))
    assert sorted(np.concatenate([np.empty(0, int), *found]).tolist()) == rows.tolist()
    assert all(len(part) <= batch for part in found)
    assert sum(len(part) < batch for part in found) <= 1


def test_the_seed_decides_the_order() -> None:
    rows, lengths = np.arange(200), np.arange(200) % 7

    def order(seed: int) -> list[int]:
        return np.concatenate(shuffled_batches(rows, lengths, 16, np.random.default_rng(seed))).tolist()

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_rows_of_a_batch_are_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 2000)
    found = shuffled_batches(np.arange(2000), lengths, 20, np.random.default_rng(0))
    padding = sum(lengths[part].max() * len(part) - lengths[part].sum() for part in found) / lengths.sum()
    assert padding < 0.1


def test_ordered_batches_know_their_places() -> None:
    rows, lengths = np.asarray([7, 3, 9, 1]), np.asarray([4, 1, 3, 2])
    found = list(ordered_batches(rows, lengths, 3))
    assert [part.tolist() for _, part in found] == [[3, 1, 9], [7]]
    assert all((rows[places] == part).all() for places, part in found)
