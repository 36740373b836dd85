"""BIO labels on tokens: which may follow which, and probabilities that respect it.

`I-X` may follow `B-X` or `I-X` only. Tokens are decided one by one by a label
model, so their probabilities can spell spans that cannot be. `valid_bio` gives
each token its marginal under the product of all tokens' probabilities restricted
to valid sequences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.sequences.lattice import Lattice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats, Ints

LEAST = 1e-9
"""No label of a token is impossible on its own: a wrong certainty must not forbid all sequences."""


def predecessors(classes: Sequence[str]) -> NDArray[np.bool_]:
    """(k, k) whether class j (column) may follow class i (row)."""
    k = len(classes)
    allowed = np.ones((k, k), bool)
    for j, name in enumerate(classes):
        if name.startswith("I-"):
            allowed[:, j] = [before[:2] in {"B-", "I-"} and before[2:] == name[2:] for before in classes]
    return allowed


def may_start(classes: Sequence[str]) -> NDArray[np.bool_]:
    """(k,) whether a sequence may begin with the class."""
    return np.array([not name.startswith("I-") for name in classes])


def is_bio(classes: Sequence[str]) -> bool:
    """Whether there is an `O` and every other class is `B-…` or `I-…`."""
    return "O" in classes and all(name == "O" or name[:2] in {"B-", "I-"} for name in classes)


def valid_bio(probabilities: Floats, offsets: Ints, classes: Sequence[str]) -> Floats:
    """(tokens, k) marginals over valid sequences; offsets (s + 1,) cut the tokens into sequences."""
    if not len(probabilities):
        return probabilities
    lengths = np.diff(offsets)
    transitions = np.where(predecessors(classes), 0.0, -np.inf)
    starts = np.where(may_start(classes), 0.0, -np.inf)
    scores = np.log(np.maximum(probabilities, LEAST))
    return Lattice.of(lengths[lengths > 0]).marginals(scores, transitions, starts).tokens


def span_f1(gold: Ints, answers: Ints, offsets: Ints, classes: Sequence[str]) -> float:
    """F1 of the spans that labels spell, all types together: right are those with the same ends and type.

    A span begins at `B-x`, and at `I-x` where no span of `x` is open.

    Args:
        gold: (tokens,) class of each.
        answers: (tokens,) class of each.
        offsets: (s + 1,) cut the tokens into sequences.
        classes: names.
    """
    ours, theirs = _spelled(answers, offsets, classes), _spelled(gold, offsets, classes)
    total = len(ours) + len(theirs)
    return 2 * len(np.intersect1d(ours, theirs, assume_unique=True)) / total if total else 0.0


def _spelled(labels: Ints, offsets: Ints, classes: Sequence[str]) -> Ints:
    """A number for each span: its first token, its last and its type."""
    names = sorted({name[2:] for name in classes if name != "O"})
    kind = np.array([-1 if name == "O" else names.index(name[2:]) for name in classes])[labels]
    first = np.zeros(len(labels) + 1, bool)
    first[offsets] = True
    before = np.concatenate([[-1], kind[:-1]])
    begins = np.array([name.startswith("B-") for name in classes])[labels]
    starts = (kind >= 0) & (begins | first[:-1] | (before != kind))
    # A span ends before the next start, a change of type, or the end of its sequence.
    stops = (kind >= 0) & np.append((kind[1:] != kind[:-1]) | starts[1:] | first[1:-1], True)[: len(labels)]
    opened, closed = np.flatnonzero(starts), np.flatnonzero(stops)
    size = len(labels) + 1
    return np.asarray((opened * size + closed) * max(len(names), 1) + kind[opened], np.int64)
