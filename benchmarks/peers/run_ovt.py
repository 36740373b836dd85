"""ovt's label model, and majority vote written by hand, for `label_models.py`."""

from __future__ import annotations

import numpy as np
from protocol import UNKNOWN, VoteSet, serve

DENSE_CELLS = 50_000_000


def with_gold(votes: VoteSet) -> np.ndarray:
    """As the label stage does it, with the gold of dev."""
    return _combined(votes, votes.dev)


def without_gold(votes: VoteSet) -> np.ndarray:
    """As the label stage does it where nobody has labelled anything by hand."""
    return _combined(votes, np.full(votes.n_items, UNKNOWN, np.int64))


def _combined(votes: VoteSet, gold: np.ndarray) -> np.ndarray:
    if votes.kind == "multiclass" and votes.n_items * votes.n_sources <= DENSE_CELLS:
        import ovt

        return ovt.combine(votes.dense(np.int8 if votes.k < 128 else np.int32), votes.k, gold=gold).probabilities
    return _task(votes, gold)


def _task(votes: VoteSet, gold: np.ndarray) -> np.ndarray:
    from ovt.data.votes import Votes
    from ovt.supervision.combine import combine_task

    names = tuple(f"source_{number:06d}" for number in range(votes.n_sources))
    known = np.flatnonzero(gold != UNKNOWN)
    truth = Votes(known, np.zeros(len(known), np.int32), gold[known].astype(np.int32), ("gold",), votes.n_items)
    cast = Votes(votes.items, votes.sources, votes.labels, names, votes.n_items)
    found = combine_task(
        cast, kind="select" if votes.kind == "select" else "multiclass", n_classes=len(votes.classes) or votes.k,
        gold=truth if len(known) else None, classes=votes.classes or None, spans=votes.kind == "BIO",
        sequences=votes.sequences if votes.kind == "BIO" else None,
        candidates=votes.candidates if votes.kind == "select" else None,
    )
    probabilities = np.full((votes.n_items, votes.k), np.nan, np.float32)
    if found.offsets is None:
        probabilities[found.items] = found.probabilities
        return probabilities
    sizes = np.diff(found.offsets)
    rows = np.repeat(found.items, sizes)
    probabilities[found.items] = 0
    probabilities[rows, np.arange(len(rows)) - np.repeat(found.offsets[:-1], sizes)] = found.probabilities
    return probabilities


def majority(votes: VoteSet) -> np.ndarray:
    """Each source has one vote; the shares are the probabilities."""
    cells = votes.items * votes.k + votes.labels
    counts = np.bincount(cells, minlength=votes.n_items * votes.k).reshape(votes.n_items, votes.k)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)


if __name__ == "__main__":
    serve({"ovt": with_gold, "ovt, no gold": without_gold, "majority vote": majority})
