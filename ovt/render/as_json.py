"""SliceDiff and verdict as plain values in the promised formats; within a number nothing is taken away."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import Flip, SliceDiff, SliceRow

DIGITS = 6


def diff_json(diff: SliceDiff) -> dict[str, Any]:
    """``ovt.diff/1``."""
    return {"format": "ovt.diff/1", "a": asdict(diff.a), "b": asdict(diff.b),
            "rows": [row_json(row) for row in diff.rows], "notes": list(diff.notes)}


def check_json(result: CheckResult) -> dict[str, Any]:
    """``ovt.check/1``: the verdict, its reasons, the whole comparison, and all that was looked at beside it."""
    places = result.context
    return {
        "format": "ovt.check/1", "verdict": result.verdict, "exit_code": result.exit_code,
        "reasons": list(result.reasons), "diff": diff_json(result.diff),
        "findings": [asdict(finding) for finding in result.findings],
        "waivers": [{**asdict(use), "waiver": {**asdict(use.waiver), "expires": use.waiver.expires.isoformat()}}
                    for use in result.waivers],
        "examples": asdict(result.examples) if result.examples else None,
        "budgets": [{**asdict(budget), "kept": budget.kept} for budget in result.budgets],
        "sources": [asdict(source) for source in places.sources], "files": [asdict(file) for file in places.files],
        "flips": [{"task": found.row.task, "slice": found.row.slice,
                   "records": [{**asdict(flip), **({"text": found.texts[flip.id]} if flip.id in found.texts else {})}
                               for flip in found.flips]} for found in places.flips],
        "notes": list(places.notes), "blame": asdict(result.blame) if result.blame else None,
    }


def flips_json(flips: Sequence[Flip]) -> dict[str, Any]:
    """``ovt.flips/1``."""
    return {"format": "ovt.flips/1", "flips": [{**asdict(flip), "slices": list(flip.slices)} for flip in flips]}


def row_json(row: SliceRow) -> dict[str, Any]:
    """One row, numbers rounded to six digits."""
    return {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in asdict(row).items()}
