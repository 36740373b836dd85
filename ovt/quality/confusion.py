"""Confusion matrices of many subsets at once, as plain values: only the cells that occur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.quality.counting import Integers
    from ovt.quality.evidence import Evidence, Ragged

OTHER = "(other)"
Table = dict[str, dict[str, int]]


def confusions(evidence: Evidence, subsets: Sequence[Integers], most: int) -> list[Table]:
    """Gold class → predicted class → items, per subset; of a bitvector name → hit, false, missed.

    Args:
        evidence: the counts of the task.
        subsets: records of each subset.
        most: classes with a row of their own, the most frequent in gold over all records; the rest is `OTHER`.
    """
    rows = np.concatenate([np.empty(0, np.int64), *subsets])
    owners = np.repeat(np.arange(len(subsets)), [len(part) for part in subsets])
    if evidence.form == "bitvector":
        return _bit_tables(evidence, rows, owners, len(subsets))
    return _pair_tables(evidence, rows, owners, len(subsets), most)


def kept_classes(evidence: Evidence, most: int) -> list[int]:
    """The classes that have a row of their own, by how often gold names them."""
    support = np.bincount(evidence.gold.values, minlength=len(evidence.classes))
    return sorted(range(len(evidence.classes)), key=lambda code: (-support[code], evidence.classes[code]))[:most]


def _pair_tables(
    evidence: Evidence, rows: Integers, owners: Integers, size: int, most: int,
) -> list[Table]:
    k = len(evidence.classes)
    kept = sorted(kept_classes(evidence, most))
    names = [*(evidence.classes[code] for code in kept), OTHER]
    place = np.full(max(k, 1), len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    pairs, members = _values(evidence.pairs, rows)
    cells = (owners[members] * len(names) + place[pairs // max(k, 1)]) * len(names) + place[pairs % max(k, 1)]
    counts = np.bincount(cells, minlength=size * len(names) ** 2)
    found = np.flatnonzero(counts)
    tables: list[Table] = [{} for _ in range(size)]
    triples = np.unravel_index(found, (size, len(names), len(names)))
    for owner, gold, said, count in zip(*(part.tolist() for part in triples), counts[found].tolist(), strict=True):
        tables[owner].setdefault(names[gold], {})[names[said]] = count
    return tables


def _bit_tables(evidence: Evidence, rows: Integers, owners: Integers, size: int) -> list[Table]:
    k = len(evidence.classes)
    hits, predicted, gold = (
        np.bincount(owners[members] * k + values, minlength=size * k).reshape(size, k)
        for values, members in (_values(part, rows) for part in (evidence.hits, evidence.predicted, evidence.gold))
    )
    tables: list[Table] = [{} for _ in range(size)]
    for owner, code in zip(*(part.tolist() for part in np.nonzero(predicted + gold)), strict=True):
        hit = int(hits[owner, code])
        tables[owner][evidence.classes[code]] = {
            "hit": hit, "false": int(predicted[owner, code]) - hit, "missed": int(gold[owner, code]) - hit}
    return tables


def _values(counted: Ragged, rows: Integers) -> tuple[NDArray[Any], Integers]:
    places, members = counted.places(rows)
    return counted.values[places], members
