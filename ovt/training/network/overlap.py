"""How the words of a set's members agree with the text they are candidates for, as numbers between 0 and about 1.

Linking is mostly this: does the candidate's name stand in the query, is it
the whole of its span, and where in the linker's order does it come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.schema.spec import Schema

FEATURES = 12
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def overlap_source(schema: Schema, payload: str) -> str | None:
    """The payload whose words a set is compared with: its range, else the first text found through its base."""
    found = schema.payloads[payload]
    if found.range is not None:
        return found.range
    waiting = list(found.base)
    while waiting:
        name = waiting.pop(0)
        parent = schema.payloads[name]
        if parent.type == "sequence" or parent.reads_own_text:
            return name
        waiting.extend(parent.base)
    return None


def overlap_features(words: Ints, counts: Ints, ranges: Ints, text: Ints) -> NDArray[np.float32]:
    """Compare members with a text.

    Args:
        words: (B, M, L) lower-cased words of the members, 0 is padding.
        counts: (B,) members of each row.
        ranges: (B, M, 2) spans in the text.
        text: (B, T) lower-cased words of the text, 0 is padding.

    Returns:
        (B, M, FEATURES).
    """
    own = words > 0  # (B, M, L)
    width = text.shape[1]
    steps = np.arange(width)
    spans = (steps >= ranges[..., :1]) & (steps < ranges[..., 1:])  # (B, M, T)
    same = (words[..., None] == text[:, None, None, :]) & own[..., None]  # (B, M, L, T)
    in_text = same.any(3)
    in_span = (same & spans[:, :, None, :]).any(3)
    covered = same.any(2) & spans
    n_own, n_span = own.sum(2), spans.sum(2)
    n_text = np.maximum((text > 0).sum(1), 1)[:, None]
    all_named = (n_own > 0) & (in_span.sum(2) == n_own)
    all_covered = (n_span > 0) & (covered.sum(2) == n_span)
    place = np.broadcast_to(np.arange(words.shape[1]), n_own.shape)
    features = [
        _share(in_text.sum(2), n_own), _share(in_span.sum(2), n_own), _share(covered.sum(2), n_span),
        all_named, all_covered, all_named & all_covered,
        np.minimum(n_own / 8, 2), _share(n_span, n_text), ranges[..., 0] / n_text,
        1 / (1 + place), 1 / np.maximum(counts, 1)[:, None] + 0 * place, _rank_in_span(ranges, counts),
    ]
    valid = place < counts[:, None]
    return (np.stack(features, axis=2) * valid[:, :, None]).astype(np.float32)


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> NDArray[np.float64]:
    divide: Callable[..., NDArray[np.float64]] = np.divide
    return divide(part, np.maximum(whole, 1))


def _rank_in_span(ranges: Ints, counts: Ints) -> NDArray[np.float64]:
    """(B, M) 1 for the first candidate of a span, 1/2 for the second and so on."""
    members = ranges.shape[1]
    steps = np.arange(members)
    equal = (ranges[:, :, None] == ranges[:, None, :]).all(3)  # (B, M, M)
    before = (steps[None, :] < steps[:, None])[None] & (steps < counts[:, None])[:, None, :]
    rank: NDArray[np.float64] = 1 / (1 + (equal & before).sum(2))
    return rank
