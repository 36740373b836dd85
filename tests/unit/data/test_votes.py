"""Votes: canonical order, concatenation by name, bytes that depend on the votes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.votes import Votes

if TYPE_CHECKING:
    from pathlib import Path

TRIPLES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "crowd/1"]), st.integers(-1, 3)), max_size=20)


def build(triples: list[tuple[int, str, int]]) -> Votes:
    names = ["crowd/1", "b", "a"]
    return Votes.build(
        np.array([item for item, _, _ in triples], np.int64),
        np.array([names.index(name) for _, name, _ in triples], np.int32),
        np.array([label for _, _, label in triples], np.int32), names, 10,
    )


def spelled(votes: Votes) -> set[tuple[int, str, int]]:
    return {(int(i), votes.names[s], int(label)) for i, s, label in zip(votes.items, votes.sources, votes.labels, strict=True)}


@given(TRIPLES)
def test_building_sorts_and_removes_repeats_and_loses_nothing(triples: list[tuple[int, str, int]]) -> None:
    votes = build(triples)
    assert spelled(votes) == set(triples)
    keys = list(zip(votes.items.tolist(), votes.sources.tolist(), votes.labels.tolist(), strict=True))
    assert keys == sorted(set(keys))


@given(TRIPLES, TRIPLES)
def test_concatenation_is_the_union_in_any_order(a: list[tuple[int, str, int]], b: list[tuple[int, str, int]]) -> None:
    left, right = Votes.concat([build(a), build(b)], 10), Votes.concat([build(b), build(a)], 10)
    assert spelled(left) == spelled(right) == set(a) | set(b)
    assert np.array_equal(left.items, right.items)


@given(TRIPLES)
def test_leaving_a_source_out(triples: list[tuple[int, str, int]]) -> None:
    assert spelled(build(triples).without("b")) == {triple for triple in triples if triple[1] != "b"}


def test_saving_and_loading_is_the_identity_and_bytes_are_stable(tmp_path: Path) -> None:
    for number, triples in enumerate(([], [(3, "a", 1), (1, "b", -1)])):
        votes = build(triples)
        votes.save(tmp_path / f"{number}.arrow")
        votes.save(tmp_path / f"{number}again.arrow")
        assert (tmp_path / f"{number}.arrow").read_bytes() == (tmp_path / f"{number}again.arrow").read_bytes()
        loaded = Votes.load(tmp_path / f"{number}.arrow", 10)
        assert spelled(loaded) == spelled(votes)
        assert loaded.names == votes.names
