"""An oracle written from seqeval's code (`get_entities`), token by token, against the vectorised count."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.quality.spans import SpanLabels, span_counts

CLASSES = ("B-a", "B-b", "I-a", "I-b", "O")


def seqeval_entities(tags: list[str]) -> set[tuple[str, int, int]]:
    """`get_entities` of seqeval 1.2.2 for prefixed BIO tags of one sentence."""

    def end_of_chunk(before: str, tag: str, type_before: str, type_: str) -> bool:
        if before == "B" and tag in {"B", "O"}:
            return True
        if before == "I" and tag in {"B", "O"}:
            return True
        return before != "O" and type_before != type_

    def start_of_chunk(before: str, tag: str, type_before: str, type_: str) -> bool:
        if tag == "B":
            return True
        if before == "O" and tag == "I":
            return True
        return tag != "O" and type_before != type_

    chunks, begin, before, type_before = set(), 0, "O", ""
    for position, chunk in enumerate([*tags, "O"]):
        tag, type_ = chunk[0], chunk.split("-", 1)[-1] or "_"
        if end_of_chunk(before, tag, type_before, type_):
            chunks.add((type_before, begin, position))
        if start_of_chunk(before, tag, type_before, type_):
            begin = position
        before, type_before = tag, type_
    return chunks


SENTENCES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=9), max_size=8,
)


@settings(deadline=None, max_examples=300)
@given(SENTENCES)
def test_counts_are_seqevals(sentences) -> None:
    flat = [pair for sentence in sentences for pair in sentence]
    gold, found = (np.asarray([pair[side] for pair in flat], np.int64) for side in (0, 1))
    offsets = np.concatenate([[0], np.cumsum([len(sentence) for sentence in sentences])]).astype(np.int64)
    counts = span_counts(gold, found, offsets, SpanLabels.of(CLASSES))
    for row, sentence in enumerate(sentences):
        truth = seqeval_entities([CLASSES[pair[0]] for pair in sentence])
        said = seqeval_entities([CLASSES[pair[1]] for pair in sentence])
        assert counts[row].tolist() == [len(truth & said), len(said), len(truth)]


def test_a_token_without_gold_ends_spans_on_both_sides() -> None:
    names = {name: code for code, name in enumerate(CLASSES)}
    gold = np.asarray([names["B-a"], -1, names["I-a"], names["O"]])
    found = np.asarray([names["B-a"], names["I-a"], names["I-a"], names["B-b"]])
    counts = span_counts(gold, found, np.asarray([0, 4]), SpanLabels.of(CLASSES))
    assert counts.tolist() == [[2, 3, 2]]


def test_no_answer_is_no_span() -> None:
    counts = span_counts(np.asarray([0, 2]), np.asarray([-1, -1]), np.asarray([0, 2]), SpanLabels.of(CLASSES))
    assert counts.tolist() == [[0, 0, 1]]


def test_types_may_hold_hyphens() -> None:
    labels = SpanLabels.of(("B-date-time", "I-date-time", "B-date", "O"))
    counts = span_counts(np.asarray([0, 1]), np.asarray([0, 1]), np.asarray([0, 2]), labels)
    assert counts.tolist() == [[1, 1, 1]]
    assert labels.types.tolist() == [0, 0, 1, -1]
