"""The pieces of a record's words in one row, as a pretrained encoder reads them, and which word each belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Arrays = dict[str, NDArray[Any]]


class Alignment(msgspec.Struct, frozen=True):
    """How a payload's words become one row of pieces."""

    feature: str
    """The array `words/…` of the pieces of distinct words."""
    start: int
    """Piece before the first word; 0: none."""
    end: int
    """Piece after the last word; 0: none."""
    longest: int
    """Pieces that the encoder reads at most; words beyond have none."""
    first_only: bool
    """A word is its first piece; else the mean of its pieces."""


def align(arrays: Arrays, payload: str, found: Alignment) -> None:
    """Add `P/pieces` and `P/owner`, both (B, S): piece ids, and the word they speak for counted from 1 (0: none)."""
    words = arrays[f"{payload}/words"]  # (B, T) places among the distinct words
    own = np.asarray(arrays[f"words/{found.feature}"])[words]  # (B, T, P)
    kept = own > 0
    owner = np.broadcast_to(np.arange(1, words.shape[1] + 1)[:, None], own.shape)
    if found.first_only:
        owner = owner * (np.arange(own.shape[2]) == 0)
    lengths = kept.sum((1, 2))
    room = found.longest - (found.start > 0) - (found.end > 0)
    width = max(1, min(int(lengths.max(initial=0)), room))
    pieces, owners = np.zeros((len(words), width), np.int64), np.zeros((len(words), width), np.int64)
    rows, place = kept.nonzero()[0], (kept.reshape(len(words), -1).cumsum(1) - 1)[kept.reshape(len(words), -1)]
    fits = place < width
    pieces[rows[fits], place[fits]] = own[kept][fits]
    owners[rows[fits], place[fits]] = owner[kept][fits]
    _enclose(arrays, payload, found, pieces, owners)


def _enclose(arrays: Arrays, payload: str, found: Alignment, pieces: Ints, owners: Ints) -> None:
    """Put the first and the last piece around each row."""
    before = np.full((len(pieces), 1 if found.start else 0), found.start, np.int64)
    after = np.zeros((len(pieces), 1 if found.end else 0), np.int64)
    joined = np.concatenate([before, pieces, after], axis=1)
    if found.end:
        joined[np.arange(len(joined)), before.shape[1] + (pieces > 0).sum(1)] = found.end
    arrays[f"{payload}/pieces"] = joined
    arrays[f"{payload}/owner"] = np.concatenate([np.zeros_like(before), owners, np.zeros_like(after)], axis=1)
