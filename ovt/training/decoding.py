"""From probabilities to answers, in numpy: arg max, thresholds, and for sequences the best path that is valid BIO.

A task whose head is a chain (`crf`) has logits of tokens and scores of
transitions: `decode_chain` finds the best path (Viterbi 1967) and the
probability of every class at every token (forward-backward) among valid paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

THRESHOLD = 0.5
IMPOSSIBLE = -1e9
TINY = 1e-30
"""Keeps a class possible that float32 takes for impossible."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Chain:
    """What a linear chain adds to the logits of its tokens."""

    first: Floats
    """(k,) score of a class on the first token."""
    step: Floats
    """(k, k) score of going from one class to another."""

    def only_valid(self, classes: Sequence[str]) -> Chain:
        """The same with transitions that spell no BIO as good as forbidden."""
        starts, follows = valid_transitions(classes)
        first = np.where(starts, self.first, IMPOSSIBLE)
        return Chain(first.astype(np.float32), np.where(follows, self.step, IMPOSSIBLE).astype(np.float32))


def valid_transitions(classes: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which class may begin a record (k,), and which may follow which (from, to): `I-x` only after `B-x` or `I-x`."""
    inside = np.asarray([name.startswith("I-") for name in classes])
    kinds = [name[2:] if name[:2] in {"B-", "I-"} else None for name in classes]
    follows = np.asarray([
        [not into or (kind is not None and kind == other) for other, into in zip(kinds, inside, strict=True)]
        for kind in kinds
    ])
    return ~inside, follows.reshape(len(classes), len(classes))


def viterbi(
    scores: Floats, lengths: NDArray[np.int64], first: NDArray[np.floating], step: NDArray[np.floating],
) -> NDArray[np.int32]:
    """The best sequence of each row.

    Args:
        scores: (B, T, k) log-probabilities.
        lengths: (B,) tokens of each row.
        first: (k,) score of a class as the first.
        step: (k, k) score of going from one class to another.

    Returns:
        (B, T) classes; beyond a row's length they mean nothing.
    """
    rows, width, k = scores.shape
    best = scores[:, 0] + first
    back = np.zeros((width, rows, k), np.int32)
    into = np.ascontiguousarray(step.T)
    for place in range(1, width):
        paths = best[:, None, :] + into  # (B, to, from)
        back[place] = paths.argmax(2)
        ahead = np.take_along_axis(paths, back[place][:, :, None], 2)[:, :, 0] + scores[:, place]
        goes_on = (place < lengths)[:, None]
        best = np.where(goes_on, ahead, best)
        back[place] = np.where(goes_on, back[place], np.arange(k))
    return _follow(back, best.argmax(1))


def _follow(back: NDArray[np.int32], last: NDArray[np.intp]) -> NDArray[np.int32]:
    width, rows, _ = back.shape
    out = np.zeros((rows, width), np.int32)
    out[:, width - 1] = last
    for place in range(width - 1, 0, -1):
        out[:, place - 1] = back[place][np.arange(rows), out[:, place]]
    return out


def marginals(scores: Floats, lengths: NDArray[np.int64], chain: Chain) -> Floats:
    """The probability of every class at every token, by forward-backward with scaled probabilities.

    Args:
        scores: (B, T, k) logits.
        lengths: (B,) tokens of each row, from 0.
        chain: what transitions add.

    Returns:
        (B, T, k); beyond a row's length they mean nothing.
    """
    local = scores.copy()
    local[:, 0] += chain.first
    local = np.exp(local - local.max(2, keepdims=True)) + np.float32(TINY)
    moves = np.exp(chain.step - chain.step.max()) + np.float32(TINY)
    moves = np.where(chain.step <= IMPOSSIBLE / 2, np.float32(0), moves)
    ahead, back = np.empty_like(local), np.ones_like(local)
    ahead[:, 0] = _normalised(local[:, 0])
    for place in range(1, scores.shape[1]):
        ahead[:, place] = _normalised((ahead[:, place - 1] @ moves) * local[:, place])
    for place in range(scores.shape[1] - 1, 0, -1):
        pulled = _normalised((local[:, place] * back[:, place]) @ moves.T)
        back[:, place - 1] = np.where((place < lengths)[:, None], pulled, 1)
    return _normalised(ahead * back)


def _normalised(values: Floats) -> Floats:
    found: Floats = values / np.maximum(values.sum(-1, keepdims=True), TINY)
    return found


def decode_chain(
    logits: Floats, lengths: NDArray[np.int64], chain: Chain, classes: Sequence[str] | None = None,
) -> tuple[Floats, NDArray[np.int32]]:
    """Probabilities (B, T, k) and the best path (B, T) of a chain; with `classes`, over paths that are valid BIO."""
    found = chain if classes is None else chain.only_valid(classes)
    return marginals(logits, lengths, found), viterbi(logits, lengths, found.first, found.step)


def decode_spans(probabilities: Floats, lengths: NDArray[np.int64], classes: Sequence[str]) -> NDArray[np.int32]:
    """(B, T, k) -> (B, T) the most probable classes that spell valid BIO."""
    starts, follows = valid_transitions(classes)
    scores = np.log(np.maximum(probabilities, 1e-12))
    first, step = np.where(starts, 0.0, IMPOSSIBLE), np.where(follows, 0.0, IMPOSSIBLE)
    return viterbi(scores, lengths, first.astype(np.float32), step.astype(np.float32))


def decode_select(probabilities: Floats, offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """The position of the most probable candidate of each item, the first of equals; -1 where there is none."""
    counts = np.diff(offsets)
    width = max(1, int(counts.max(initial=1)))
    steps = np.arange(width)
    mask = steps < counts[:, None]
    padded = np.full(mask.shape, -1.0, np.float32)
    padded[mask] = probabilities
    return np.where(counts > 0, padded.argmax(1), -1).astype(np.int32)
