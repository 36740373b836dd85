"""How the variants of one version differ: the quality of each, and where they disagree with the served model.

Disagreement is the share of items that two models answer differently, gold or
not: what a user would see change if the one were served instead of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.quality.evidence import ratio_parts
from ovt.quality.metrics import PRIMARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ovt.quality.predictions import GradedPredictions

DIGITS = 6
Pair = tuple["GradedPredictions", "GradedPredictions"]


def variants_report(
    served: Iterable[GradedPredictions], others: Mapping[str, Iterable[GradedPredictions]], name: str,
) -> dict[str, Any]:
    """The section `variants` of `quality.json`.

    Args:
        served: what the served variant says, by task and split.
        others: what each further variant says on the same records.
        name: of the served variant.
    """
    first = {(part.task, part.split): part for part in served}
    found: dict[str, Any] = {}
    for variant, parts in others.items():
        tasks: dict[str, Any] = {}
        for part in sorted(parts, key=lambda part: (part.task, part.split)):
            entry = tasks.setdefault(part.task, {"primary": PRIMARY[part.form], "splits": {}})
            entry["splits"][part.split] = _split(first[part.task, part.split], part)
        found[variant] = {"tasks": tasks}
    return {"served": name, "others": found}


def _split(served: GradedPredictions, other: GradedPredictions) -> dict[str, Any]:
    pair = (served, other)
    everything = np.arange(len(served.ids))
    differs, values = _differs(pair), [ratio_parts(part) for part in pair]
    slices = {name: _entry(pair, served.slices.of(name), differs, values) for name in sorted(served.slices.rows)}
    return {"overall": _entry(pair, everything, differs, values), "slices": slices}


def _entry(
    pair: Pair, rows: NDArray[np.int64], differs: NDArray[np.int64],
    values: list[tuple[NDArray[Any], NDArray[Any]]],
) -> dict[str, Any]:
    """Of some records: how many, the share of their items answered differently, both primary metrics."""
    items = int(np.diff(pair[0].offsets)[rows].sum())
    entry: dict[str, Any] = {"n": len(rows), "items": items}
    if items:
        entry["disagreement"] = round(float(differs[rows].sum()) / items, DIGITS)
    for name, (above, below) in zip(("served", "value"), values, strict=True):
        if below[rows].sum() > 0:
            entry[name] = round(float(above[rows].sum() / below[rows].sum()), DIGITS)
    return entry


def _differs(pair: Pair) -> NDArray[np.int64]:
    """(n,) items of each record that the two answer differently; labels are compared by name."""
    a, b = pair
    names = {label: place for place, label in enumerate(a.labels)}
    recoded = np.asarray([*(names.get(label, -2) for label in b.labels), -1], np.int64)[b.predicted]
    apart = (a.predicted != recoded).astype(np.int64)
    return np.bincount(a.item_rows, weights=apart, minlength=len(a.ids)).astype(np.int64)
