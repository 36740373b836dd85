"""Fast ways to order votes give what three sorts give."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.vote_order import merged, ordered
from ovt.data.votes import Votes

VOTE = st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(-1, 2))


def arrays(votes):
    columns = np.asarray(votes, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32)


@given(st.lists(VOTE))
def test_ordered_is_sorted_and_without_duplicates(votes):
    items, sources, labels = ordered(*arrays(votes))
    assert list(zip(items.tolist(), sources.tolist(), labels.tolist(), strict=True)) == sorted(set(votes))


@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=5), st.randoms())
def test_merged_by_counting_is_what_sorting_gives(sources, random):
    parts = []
    for number, said in enumerate(sources):
        items = np.asarray(sorted(said), np.int64)
        parts.append((number, items, np.asarray([said[item] for item in sorted(said)], np.int32)))
    expected = sorted((item, number, said[item]) for number, said in enumerate(sources) for item in said)
    random.shuffle(parts)
    items, numbers, labels = merged(parts, 10)
    assert list(zip(items.tolist(), numbers.tolist(), labels.tolist(), strict=True)) == expected
    assert (items.dtype, numbers.dtype, labels.dtype) == (np.int64, np.int32, np.int32)


def test_what_cannot_be_merged_by_counting_is_left_alone():
    one = np.asarray([1, 2], np.int64), np.zeros(2, np.int32)
    assert merged([(0, *one), (0, *one)], 5) is None
    assert merged([(0, np.asarray([2, 2], np.int64), np.zeros(2, np.int32))], 5) is None


@given(st.lists(st.lists(VOTE), max_size=4))
def test_concat_is_the_same_either_way(groups):
    parts = []
    for number, votes in enumerate(groups):
        items, _, labels = arrays(votes)
        parts.append(Votes.build(items, np.zeros(len(items), np.int32), labels, (f"s{number % 3}",), 10))
    found = Votes.concat(parts, 10)
    expected = sorted({(item, f"s{number % 3}", label) for number, votes in enumerate(groups) for item, _, label in votes})
    assert [(item, found.names[source], label) for item, source, label in zip(
        found.items.tolist(), found.sources.tolist(), found.labels.tolist(), strict=True)] == expected
