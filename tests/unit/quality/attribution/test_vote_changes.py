"""Which votes changed, and votes with a change taken back: against sets of (item, source, label)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.votes import Votes
from ovt.quality.attribution.vote_changes import (
    carry,
    carry_outside,
    only,
    same_items,
    take_back,
    touched,
    vote_changes,
)

N = 7
NAMES = ("a", "b", "c/1", "c/2")


def votes_from(triples: set[tuple[int, str, int]], n: int = N) -> Votes:
    rows = sorted(triples)
    used = sorted({name for _, name, _ in rows})
    return Votes.build(
        np.asarray([item for item, _, _ in rows], np.int64), np.asarray([used.index(name) for _, name, _ in rows], np.int32),
        np.asarray([label for _, _, label in rows], np.int32), used, n,
    )


def triples(votes: Votes) -> set[tuple[int, str, int]]:
    rows = zip(votes.items.tolist(), votes.sources.tolist(), votes.labels.tolist(), strict=True)
    return {(item, votes.names[source], label) for item, source, label in rows}


some_votes = st.sets(st.tuples(st.integers(0, N - 1), st.sampled_from(NAMES), st.integers(-1, 3)), max_size=30)


@given(some_votes, some_votes)
def test_changes_are_the_symmetric_difference(old: set, new: set) -> None:
    found = vote_changes(votes_from(old), votes_from(new))
    rows = zip(found.items.tolist(), found.sources.tolist(), found.labels.tolist(), found.signs.tolist(), strict=True)
    told = {(item, found.names[source], label, sign) for item, source, label, sign in rows}
    assert told == {(*vote, -1) for vote in old - new} | {(*vote, 1) for vote in new - old}
    assert found.items.tolist() == sorted(found.items.tolist())
    assert found.by_source() == {
        name: sum(vote[1] == name for vote in old ^ new) for name in NAMES if any(vote[1] == name for vote in old ^ new)}


@given(some_votes, some_votes, st.sets(st.sampled_from(NAMES)), st.sets(st.integers(0, N - 1)))
def test_touched_counts_items(old: set, new: set, names: set, chosen: set) -> None:
    mask = np.asarray([item in chosen for item in range(N)])
    expected = {item for item, name, _ in old ^ new if name in names and item in chosen}
    assert touched(vote_changes(votes_from(old), votes_from(new)), names, mask) == len(expected)


@given(some_votes, some_votes, st.sets(st.sampled_from(NAMES)))
def test_take_back_exchanges_the_votes_of_the_named_and_of_nobody_else(old: set, new: set, names: set) -> None:
    found = take_back(votes_from(new), votes_from(old), names)
    assert triples(found) == {vote for vote in new if vote[1] not in names} | {vote for vote in old if vote[1] in names}
    assert found.n_items == N
    assert list(found.names) == sorted(found.names)


@given(some_votes, some_votes)
def test_all_changes_taken_back_are_the_votes_before(old: set, new: set) -> None:
    changed = vote_changes(votes_from(old), votes_from(new)).by_source()
    assert triples(take_back(votes_from(new), votes_from(old), changed)) == old


@given(some_votes, st.sets(st.sampled_from(NAMES)))
def test_only(votes: set, names: set) -> None:
    assert triples(only(votes_from(votes), names)) == {vote for vote in votes if vote[1] in names}


def store(ids: list[str], lengths: list[int] | None = None, classes: tuple[str, ...] = ("x", "y"), digest: str = "d"):
    """What `carry` asks of a store: a task `T` on records, or on tokens where there are lengths."""
    offsets = None if lengths is None else np.concatenate([[0], np.cumsum(lengths)])
    place = {name: row for row, name in enumerate(ids)}
    return SimpleNamespace(
        n=len(ids), ids=pa.array(ids), shards=[SimpleNamespace(digest=digest)], classes={"T": list(classes)},
        schema=SimpleNamespace(tasks={"T": "a task"}), item_offsets=lambda _: offsets,
        n_items=lambda _: len(ids) if offsets is None else int(offsets[-1]),
        rows_of=lambda names: np.asarray([place.get(name, -1) for name in names], np.int64),
    )


def test_carry_finds_records_by_id_and_labels_by_name() -> None:
    one, other = store(["p", "q", "r"]), store(["r", "new", "p"], classes=("w", "x", "y"))
    found = carry(votes_from({(0, "a", 0), (1, "a", 1), (2, "b", 1)}, 3), "T", one, other)
    assert triples(found.votes) == {(2, "a", 1), (0, "b", 2)}
    assert found.shared.tolist() == [True, False, True]


def test_carry_keeps_positions_and_drops_records_of_another_length() -> None:
    one, other = store(["p", "q"], [2, 3]), store(["q", "p"], [3, 4])
    found = carry(votes_from({(0, "a", 0), (3, "a", 1), (4, "b", -1)}, 5), "T", one, other)
    assert triples(found.votes) == {(1, "a", 1), (2, "b", -1)}
    assert found.shared.tolist() == [True] * 3 + [False] * 4


def test_a_class_that_the_other_does_not_know_loses_its_votes() -> None:
    found = carry(votes_from({(0, "a", 0), (0, "b", 1)}, 1), "T", store(["p"]), store(["p"], classes=("y",)))
    assert triples(found.votes) == {(0, "b", 0)}


def test_labels_from_outside_on_a_new_record_are_no_change() -> None:
    carried, after = votes_from({(0, "crowd", 0), (0, "f", 0)}, 2), votes_from({(0, "crowd", 1), (1, "crowd", 1), (1, "f", 1)}, 2)
    found = carry_outside(carried, after, np.asarray([True, False]), {"f"})
    assert triples(found) == {(0, "crowd", 0), (1, "crowd", 1)}


@pytest.mark.parametrize(("other", "same"), [
    (store(["p", "q"]), True), (store(["p", "q"], digest="e"), False), (store(["p", "q"], classes=("x",)), False),
    (store(["p", "q"], [1, 2]), False),
])
def test_same_items(other, same: bool) -> None:
    assert same_items("T", store(["p", "q"]), other) is same
