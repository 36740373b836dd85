"""What a source's confidence is worth: its votes are told apart by it, and the label model learns the rest.

Confidences are not probabilities: a model that says 0.99 may be right 7 times
in 10. So none is taken at its word. The votes of a source are split at the
quartiles of its confidence, and each part is judged as a source of its own:
`gpt@q1` the least sure quarter, `gpt@q4` the surest. If the confidence means
nothing, the four come out equally good and nothing was lost; if it does, the
label model weighs sure votes more, by as much as the data shows (the
histogram binning of Zadrozny and Elkan 2001, with the accuracies of the bins
estimated without gold). Votes without a confidence stay with the plain name. A
crowd's worker is judged as a whole: he rarely votes often enough for more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PARTS = 4
LEAST = 50
"""Votes in a part, below which its accuracy could not be told from its neighbours'."""
CROWD = "/"
"""In the name of a crowd's worker, after the crowd's."""
PART = "@q"


def pseudo_sources(
    names: Sequence[str], sources: NDArray[np.int32], confidence: NDArray[np.float32],
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names and (v,) source numbers with the votes of sources that give confidences told apart.

    Args:
        names: of the sources.
        sources: (v,) of each vote, an index into `names`.
        confidence: (v,) NaN where none was given.
    """
    given = np.unique(sources[~np.isnan(confidence)])
    fresh, renumbered, split = list(names), sources.copy(), set[int]()
    for source in given.tolist():
        if CROWD in names[source]:
            continue
        own = np.flatnonzero((sources == source) & ~np.isnan(confidence))
        edges = quartiles(confidence[own])
        if not len(edges):
            continue
        part = np.searchsorted(edges, confidence[own], side="right")
        # With fewer parts than four the surest is still q4.
        first = PARTS - len(edges)
        renumbered[own] = len(fresh) + part
        fresh += [f"{names[source]}{PART}{first + number}" for number in range(len(edges) + 1)]
        split.add(source)
    # A source all of whose votes went to its parts is no source any more.
    gone = split - set(np.unique(renumbered).tolist())
    kept = [number for number in range(len(fresh)) if number not in gone]
    rank = np.full(len(fresh), -1, np.int32)
    rank[kept] = np.arange(len(kept))
    return tuple(fresh[number] for number in kept), rank[renumbered]


def quartiles(confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most three ascending values to split at, each the first of its part; each part has LEAST votes or more."""
    values = np.sort(confidence)
    edges: list[float] = []
    start = 0
    for number in range(1, PARTS):
        at = int(np.searchsorted(values, values[len(values) * number // PARTS], side="left")) if len(values) else 0
        if at - start >= LEAST and len(values) - at >= LEAST:
            edges.append(float(values[at]))
            start = at
    return np.asarray(edges, np.float32)


def plain_name(source: str) -> str:
    """The source that a part belongs to: `gpt` of `gpt@q4`."""
    name, found, part = source.rpartition(PART)
    return name if found and part in {"1", "2", "3", "4"} else source
