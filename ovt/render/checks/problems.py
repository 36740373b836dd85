"""A check's findings as problems in files: what SARIF, annotations and code-quality reports show.

A finding about a slice points at the source that is to blame where that was
found out, else at the definition of the slice, else at the task in the schema.
Sources that merely changed are related places, never the place.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.quality.attribution.blame import Blame
    from ovt.quality.policy.findings import Finding, Rule
    from ovt.quality.policy.verdict import CheckResult

SETTINGS_FILE = "ovt.yaml"
Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Spot:
    """A line of a file, relative to the repository."""

    path: str
    line: int
    message: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing to show at one place."""

    rule: Rule
    level: Level
    """`note`: it is waived; `warning`: no verdict is possible."""
    message: str
    fix: str
    spot: Spot
    fingerprint: str
    """The same for the same problem at the same place in another run."""
    related: tuple[Spot, ...] = ()
    """Sources of the task that changed."""
    waiver: str | None = None
    """FILE:LINE of the waiver."""


def problems(result: CheckResult) -> tuple[Problem, ...]:
    """All of them, those that fail the check first."""
    found = [problem for finding in result.findings for problem in _problems(result, finding)]
    order: dict[Level, int] = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda problem: order[problem.level]))


def changed_spots(result: CheckResult, task: str | None = None) -> tuple[Spot, ...]:
    """Sources that came, went or were edited and have a place in a file, of one task or of all."""
    spots = {
        Spot(f"{result.context.prefix}{source.path}", source.line or 1,
             f"{source.source} ({source.kind}, {source.task}) changed with this version")
        for source in result.context.sources
        if source.path is not None and source.kind in {"new", "edited"} and task in {None, source.task}
    }
    return tuple(sorted(spots, key=lambda spot: (spot.path, spot.line, spot.message)))


def _problems(result: CheckResult, finding: Finding) -> Iterator[Problem]:
    level: Level = "note" if finding.waiver else "warning" if finding.rule == "not-comparable" else "error"
    accused = _accused(result, finding)
    if not accused:
        path, line = _definition(result, finding)
        related = changed_spots(result, finding.task) if finding.on_row else ()
        yield _problem(result, finding, level, Spot(f"{result.context.prefix}{path}", line), related)
    for blame in accused:
        spot = Spot(f"{result.context.prefix}{blame.path}", blame.line or 1,
                    f"{blame.source} ({blame.kind}; {blame.confidence})")
        yield _problem(result, finding, level, spot, ())


def _accused(result: CheckResult, finding: Finding) -> list[Blame]:
    """Confirmed ones with a file to point at, else suspected ones."""
    if result.blame is None or not finding.on_row:
        return []
    found = [blame for blame in result.blame.blames
             if (finding.task, finding.slice) in blame.rows and blame.path is not None and blame.kind != "removed"]
    return [blame for blame in found if blame.confirmed] or found


def _definition(result: CheckResult, finding: Finding) -> tuple[str, int]:
    if finding.path is not None:
        return finding.path, finding.line or 1
    places = result.context
    return places.slices.get(finding.slice or "") or places.tasks.get(finding.task or "") or (SETTINGS_FILE, 1)


def _problem(
    result: CheckResult, finding: Finding, level: Level, spot: Spot, related: tuple[Spot, ...],
) -> Problem:
    message = f"{finding.message}; {spot.message}" if spot.message else finding.message
    identity = "\0".join((finding.rule, finding.task or "", finding.slice or "", spot.path, spot.message.split(" ")[0]))
    if not finding.on_row:
        identity += f"\0{spot.line}"
    digest = hashlib.sha256(f"{result.context.prefix}\0{identity}".encode()).hexdigest()
    return Problem(finding.rule, level, message, finding.fix, spot, digest, related, finding.waiver)
