"""The test items that one version gets right and the other wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.exam import flipped_items, lay_out
from ovt.quality.slicediff import Flip

if TYPE_CHECKING:
    from ovt.quality.predictions import GradedPredictions

NOTHING = "(none)"
"""What stands for an answer where the version could give none."""


def list_flips(a: GradedPredictions, b: GradedPredictions, slice_: str | None) -> list[Flip]:
    """Flips of one task in a slice (None: anywhere), broken ones first, the most confident mistakes on top."""
    items_a, items_b = (items.tolist() for items in flipped_items(lay_out(a, b), slice_))
    slices = b.slices.names_by_row(b.item_rows[items_b].tolist() if items_b else [])
    flips = [
        _flip(a, item_a, b, item_b, names) for item_a, item_b, names in zip(items_a, items_b, slices, strict=True)
    ]
    return sorted(flips, key=lambda flip: (flip.kind, -_mistake(flip), flip.id, flip.position))


def _flip(a: GradedPredictions, item_a: int, b: GradedPredictions, item_b: int, slices: tuple[str, ...]) -> Flip:
    return Flip(
        task=b.task, id=str(b.ids[b.item_rows[item_b]]), position=b.position(item_b),
        kind="broken" if a.correct[item_a] else "fixed", gold=b.labels[b.gold[item_b]],
        old=_answer(a, item_a), new=_answer(b, item_b), old_confidence=round(float(a.confidence[item_a]), 6),
        new_confidence=round(float(b.confidence[item_b]), 6), slices=slices,
    )


def _answer(part: GradedPredictions, item: int) -> str:
    code = int(part.predicted[item])
    return part.labels[code] if code >= 0 else NOTHING


def _mistake(flip: Flip) -> float:
    """How sure the version was that got it wrong."""
    return flip.new_confidence if flip.kind == "broken" else flip.old_confidence
