"""From a comparison, and what the policy asks beside it, to the verdict on a pull request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ovt.errors import EXIT_FINDING, EXIT_MISSING, EXIT_OK
from ovt.quality.policy.demands import row_findings
from ovt.quality.policy.thresholds import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.quality.attribution.blame import BlameReport
    from ovt.quality.changed import ChangedFile, ChangedSource
    from ovt.quality.policy.expectations import Budget, ExamplesResult
    from ovt.quality.policy.findings import Finding
    from ovt.quality.policy.waivers import WaiverUse
    from ovt.quality.slicediff import Flip, SliceDiff, SliceRow

CheckVerdict = Literal["pass", "fail", "cannot compare", "advisory"]
EXIT_CODES: dict[CheckVerdict, int] = {
    "pass": EXIT_OK, "fail": EXIT_FINDING, "cannot compare": EXIT_MISSING, "advisory": EXIT_OK,
}
NO_GOLD = "no test record has gold: label some of `test`, so that it can judge"


@dataclass(frozen=True)
class RowFlips:
    """Records of a row that were right and are wrong now."""

    row: SliceRow
    flips: tuple[Flip, ...]
    """The first of them, by id."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By record id, what it says; empty unless `privacy.text_in_reports`."""


@dataclass(frozen=True)
class Context:
    """What surrounds a verdict: where to look, and what changed."""

    prefix: str = ""
    """Of the project in its repository, `""` or `products/search/`: what CI puts before every path."""
    slices: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Where each slice is defined: file and line, relative to the project."""
    tasks: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Where the schema defines each task."""
    sources: tuple[ChangedSource, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    flips: tuple[RowFlips, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader of the verdict must know: the policy changed with the version, and the like."""


@dataclass(frozen=True)
class CheckResult:
    """What `ovt check` says."""

    diff: SliceDiff
    verdict: CheckVerdict
    reasons: tuple[str, ...]
    """One line for each thing that made the verdict."""
    findings: tuple[Finding, ...] = ()
    """All that is wrong, waived or not."""
    waivers: tuple[WaiverUse, ...] = ()
    examples: ExamplesResult | None = None
    """None: there are none."""
    budgets: tuple[Budget, ...] = ()
    """Those that the policy has."""
    context: Context = field(default_factory=Context)
    blame: BlameReport | None = None
    """None: nobody asked which source did it."""

    @property
    def exit_code(self) -> int:
        """1 for a finding, which beats 4 for what cannot be compared; 0 otherwise."""
        return EXIT_CODES[self.verdict]

    @property
    def may_be_luck(self) -> bool:
        """Whether something regressed between versions of one network each: another seed alone may do as much."""
        return any(row.seeds == (1, 1) for row in self.diff.regressed())

    @property
    def standing(self) -> tuple[Finding, ...]:
        """What is wrong and not waived."""
        return tuple(finding for finding in self.findings if finding.waiver is None)

    @property
    def waived(self) -> tuple[Finding, ...]:
        """What is wrong and accepted until a date."""
        return tuple(finding for finding in self.findings if finding.waiver is not None)


def judge(diff: SliceDiff, policy: Policy | None = None, findings: tuple[Finding, ...] | None = None) -> CheckResult:
    """The verdict: anything wrong fails, else anything that cannot be compared withholds it.

    Args:
        diff: the comparison.
        policy: what is asked of its rows; None: that nothing regressed.
        findings: all that is wrong, where more is known than the comparison; None: what its rows say.
    """
    found = row_findings(diff, policy or Policy()) if findings is None else findings
    standing = [finding for finding in found if finding.waiver is None]
    wrong = [finding for finding in standing if finding.rule != "not-comparable"]
    open_ = [finding for finding in standing if finding.rule == "not-comparable"]
    reasons = tuple(finding.message for finding in (*wrong, *open_))
    if wrong:
        return CheckResult(diff, "fail", reasons, found)
    if open_:
        return CheckResult(diff, "cannot compare", reasons, found)
    if not diff.rows:
        return CheckResult(diff, "advisory", (NO_GOLD,), found)
    return CheckResult(diff, "pass", (), found)
