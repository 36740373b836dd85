"""A rule under trial in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt_tui.columns import Cell

if TYPE_CHECKING:
    from ovt.errors import OvtError
    from ovt.supervision.rule_trial import RuleHit, RuleTrial
    from ovt.workflows.labeling.rules import WrittenRule

SIGNS = {True: Cell("✓ right", "good"), False: Cell("✗ wrong", "bad"), None: Cell("· no gold", "muted")}
HOW = (
    "words, separated by commas · /a regex/ · [{lower: how}, {in: [tall, high]}]\n"
    "tab next field · enter goes on, in the last field it writes · esc goes back"
)


def verdict(hit: RuleHit) -> Cell:
    """Sign and word."""
    return SIGNS[hit.right]


def told(trial: RuleTrial, errors: int) -> str:
    """What the rule does on dev, in a few lines."""
    tried = f"{trial.records:,} of {trial.of:,} dev records" if trial.records < trial.of else \
        f"{trial.records:,} dev records"
    covers = f"coverage {100 * trial.coverage:.1f} % (votes on {trial.votes:,} of {trial.items:,} items of {tried})"
    right = "accuracy unknown: it votes on nothing that has gold" if trial.accuracy is None else \
        f"accuracy {100 * trial.accuracy:.1f} % ({trial.right:,} of {trial.checked:,} with gold)"
    if not trial.votes:
        return f"it finds nothing in {tried}"
    lines = [covers, f"{right} · conflicts {trial.conflicts:,}, overlaps {trial.overlaps:,}"]
    if errors:
        lines.append(f"right on {trial.mended:,} of the {errors:,} dev errors of this slice")
    return "\n".join(lines)


def short(error: OvtError) -> str:
    """An error while somebody types: what, why and what to do, in one or two lines."""
    more = " · ".join(part for part in (error.why, error.fix) if part)
    return f"{error.what}\n{more}" if more else error.what


def stands(rule: WrittenRule) -> str:
    """Where it was written, how it is undone, and what is next."""
    return (f"written: {rule.file}:{rule.line}\n{rule.entry}\n"
            "u takes it back (later: delete that line) · esc goes back\n"
            "next: C on the slice table runs and commits")
