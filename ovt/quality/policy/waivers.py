"""Waivers: a known loss on a slice that the team accepts until a date, by name and with a reason.

    # waivers/nutrition.yaml
    - slice: nutrition
      task: Intent
      reason: the food labels are being redone
      owner: ada
      expires: 2026-03-01

A waiver covers findings about its slice; it never hides them. Past its date it
fails the check by itself, so that it cannot be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, nearest
from ovt.quality.policy.findings import ALL_RECORDS, ON_ROWS, Finding, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.documents import Document

REQUIRED = ("slice", "reason", "owner", "expires")
KEYS = (*REQUIRED, "task", "rule")
EXAMPLE = "{slice: nutrition, reason: …, owner: ada, expires: 2026-03-01}"


@dataclass(frozen=True)
class Waiver:
    """One entry of `waivers/*.yaml`."""

    slice: str | None
    """None (written `(all)`): all test records."""
    task: str | None
    """None: every task."""
    rule: str | None
    """None: whatever is found."""
    reason: str
    owner: str
    expires: date
    """The last day on which it holds."""
    path: str
    line: int

    @property
    def at(self) -> str:
        """FILE:LINE."""
        return f"{self.path}:{self.line}"

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.expires

    def covers(self, finding: Finding) -> bool:
        """Whether it is about what was found."""
        return (
            finding.on_row and finding.slice == self.slice
            and (self.task is None or finding.task in {None, self.task}) and self.rule in {None, finding.rule}
        )


@dataclass(frozen=True)
class WaiverUse:
    """A waiver and what it did in this check."""

    waiver: Waiver
    state: str
    """`used`, `unused` or `expired`."""
    covered: int
    """Findings that it is about."""
    days: int
    """Until it ends; negative after."""


def parse_waivers(document: Document) -> list[Waiver]:
    """The waivers of one file: a list, or a single mapping.

    Raises:
        ProjectError: an unknown or missing key, an unknown rule, or a date that is none, with file and line.
    """
    value = document.value
    listed = [] if value is None else value if isinstance(value, list) else [value]
    paths: list[tuple[int, ...]] = [(index,) for index in range(len(listed))] if isinstance(value, list) else [()]
    return [_waiver(document, path, entry) for path, entry in zip(paths, listed, strict=False)]


def apply_waivers(
    findings: Sequence[Finding], waivers: Sequence[Waiver], today: date,
) -> tuple[tuple[Finding, ...], tuple[WaiverUse, ...]]:
    """Mark what is waived, add what expired, and tell what each waiver did."""
    live = [waiver for waiver in waivers if not waiver.expired(today)]
    marked = [_marked(finding, live) for finding in findings]
    uses = tuple(_use(waiver, findings, today) for waiver in waivers)
    return (*marked, *(_expired(use) for use in uses if use.state == "expired")), uses


def _marked(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    found = next((waiver for waiver in waivers if waiver.covers(finding)), None)
    return finding if found is None else replace(finding, waiver=found.at)


def _use(waiver: Waiver, findings: Sequence[Finding], today: date) -> WaiverUse:
    covered = sum(waiver.covers(finding) for finding in findings)
    state = "expired" if waiver.expired(today) else "used" if covered else "unused"
    return WaiverUse(waiver, state, covered, (waiver.expires - today).days)


def _expired(use: WaiverUse) -> Finding:
    waiver = use.waiver
    over = f"the waiver for {place_of(waiver.task, waiver.slice)} ended on {waiver.expires.isoformat()}"
    fix = (f"mend the slice, or ask {waiver.owner} for a new date" if use.covered
           else "delete it: nothing is found there any more")
    return Finding("expired-waiver", f"{over} (owner {waiver.owner}: {waiver.reason})", fix, task=waiver.task,
                   slice=waiver.slice, path=waiver.path, line=waiver.line)


def _waiver(document: Document, path: tuple[int, ...], entry: Any) -> Waiver:
    if not isinstance(entry, dict):
        raise ProjectError("a waiver is no mapping", at=document.at(*path), why=f"found {entry!r}", fix=EXAMPLE)
    for key in entry:
        if key not in KEYS:
            raise ProjectError(f"unknown key `{key}` in a waiver", at=document.at(*path, str(key)),
                               why="a waiver has no such key", fix=nearest(str(key), KEYS))
    for key in REQUIRED:
        if entry.get(key) in {None, ""}:
            raise ProjectError(f"a waiver has no `{key}`", at=document.at(*path), why="every waiver needs one",
                               fix=EXAMPLE)
    line = document.lines.get(path, 1)
    slice_, task, rule = str(entry["slice"]), entry.get("task"), entry.get("rule")
    if rule is not None and rule not in ON_ROWS:
        raise ProjectError(f"a waiver names an unknown rule `{rule}`", at=document.at(*path, "rule"),
                           why="only findings about slices can be waived", fix=nearest(str(rule), ON_ROWS))
    return Waiver(
        None if slice_ == ALL_RECORDS else slice_, None if task is None else str(task), rule, str(entry["reason"]),
        str(entry["owner"]), _date(document, path, entry["expires"]), document.name, line,
    )


def _date(document: Document, path: tuple[int, ...], value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ProjectError("`expires` of a waiver is no date", at=document.at(*path, "expires"),
                           why=f"found {value!r}", fix="e.g. `expires: 2026-03-01`") from None
