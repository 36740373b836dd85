"""`ovt check`: this change against its base, and whether it may be merged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ovt.errors import UsageError
from ovt.workflows.review.compare import compare

if TYPE_CHECKING:
    from datetime import date

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.policy.expectations import Budget, ExamplesResult
    from ovt.quality.policy.findings import Finding
    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import SliceDiff
    from ovt.versions.history import Version

HEAD = "HEAD"
WORKSPACE = "workspace"
SHORT = 12
"""Letters of a commit id that are shown."""


@dataclass(frozen=True)
class Extras:
    """What a check may do beside comparing; each of them trains, within the time given."""

    blame: bool = False
    """Find out which source did it."""
    confirm: bool = False
    """Train both versions with more seeds, and compare those."""
    minutes: float = 20
    """For each of the two."""


def check(
    project: Project, base: str | None = None, head: str | None = None, *, extras: Extras = Extras(),
    progress: Progress | None = None, day: date | None = None,
) -> CheckResult:
    """Judge a change.

    Args:
        project: the project; its working tree's policy, waivers and examples are those that count.
        base: what it is compared with; None: where HEAD left the branch that `check.base` names.
        head: the change; None: HEAD, or the working tree if its results are those of HEAD.
        extras: what else to do.
        progress: hears what happens.
        day: on which waivers are judged; None: today.

    Raises:
        UsageError: an unknown revision.
        ProjectError: policy, a waiver or an example cannot be understood.
        MissingError: a side has no model yet, or its files are not on this machine.
    """
    from ovt.progress import Silent
    from ovt.quality.policy.verdict import judge
    from ovt.quality.policy.waivers import apply_waivers
    from ovt.workflows.checking.policy import check_names, read_waivers
    from ovt.workflows.checking.surroundings import surroundings
    from ovt.workflows.checking.today import today

    listener = progress or Silent()
    check_names(project)
    waivers = read_waivers(project)
    base, head = base or default_base(project)[:SHORT], head or default_head(project)
    diff = _compared(project, base, head, extras, listener)
    measured = _measured(project, diff)
    findings, uses = apply_waivers((*_of_rows(project, diff), *measured.findings), waivers, day or today())
    result = judge(diff, findings=findings)
    wrong = {(finding.task, finding.slice) for finding in findings if finding.on_row}
    rows = tuple(row for row in diff.rows if row.broken and (row.task, row.slice) in wrong)
    result = replace(
        result, reasons=result.reasons or _passed(result, base), waivers=uses, examples=measured.examples,
        budgets=measured.budgets, context=surroundings(project, diff, rows),
    )
    return _blamed(project, result, extras, listener)


def default_base(project: Project) -> str:
    """Where HEAD left the branch that `check.base` names, here or at `origin`.

    On that branch itself, with nothing unpublished, it is the commit before:
    a check of a commit against itself says nothing.

    Raises:
        UsageError: there is no such branch and no commit before HEAD.
    """
    from ovt.storage.git import git_of

    git = git_of(project.root)
    branch, head = project.settings.check.base, git.resolve(HEAD)
    for name in (branch, f"origin/{branch}"):
        done = git.attempt("merge-base", "--end-of-options", name, HEAD)
        found = done.stdout.decode().strip()
        if done.returncode == 0 and found != head:
            return found
    if git.resolve(f"{HEAD}~1") is None:
        raise UsageError("there is no base to check against", fix="name a revision", command="ovt check REV",
                         why=f"HEAD is the first commit, `check.base` is `{branch}`")
    return f"{HEAD}~1"


def default_head(project: Project) -> str:
    """HEAD, or the working tree where it has the results of HEAD's inputs and those of HEAD itself are not here."""
    from ovt.versions.history import resolve

    head = resolve(project, HEAD)
    if not results_here(project, head):
        here = resolve(project, WORKSPACE)
        if here.state == "ready" and here.key == head.key:
            return WORKSPACE
    return HEAD


def results_here(project: Project, version: Version) -> bool:
    """Whether a version has a model and its predictions are on this machine."""
    from ovt.errors import MissingError
    from ovt.versions.artifacts import output_path
    from ovt.workflows.review.compare import PREDICTIONS

    if version.state != "ready":
        return False
    try:
        output_path(project, version, PREDICTIONS)
    except MissingError:
        return False
    return True


@dataclass(frozen=True)
class _Measured:
    """What the newer version's model was held to by itself."""

    examples: ExamplesResult | None
    budgets: tuple[Budget, ...]
    findings: tuple[Finding, ...]


def _compared(project: Project, base: str, head: str, extras: Extras, progress: Progress) -> SliceDiff:
    if not extras.confirm:
        return compare(project, base, head, progress=progress)
    from ovt.workflows.review.compare import confirm

    return confirm(project, base, head, minutes=extras.minutes, progress=progress)


def _of_rows(project: Project, diff: SliceDiff) -> tuple[Finding, ...]:
    from ovt.quality.policy.demands import row_findings
    from ovt.quality.policy.thresholds import Policy
    from ovt.versions.artifacts import read_report

    report = read_report(project, _version(project, diff), "quality.json")
    return row_findings(diff, Policy.of(project.settings.check), report)


def _measured(project: Project, diff: SliceDiff) -> _Measured:
    from ovt.quality.policy.expectations import budget_finding, example_findings
    from ovt.settings import SETTINGS_FILE
    from ovt.workflows.checking.budgets import measure_budgets
    from ovt.workflows.checking.examples import try_examples
    from ovt.workflows.checking.policy import line_of

    version = _version(project, diff)
    examples = try_examples(project, version, diff.b.model)
    budgets = measure_budgets(project, version)
    keys = {"size": "size_mb", "latency": "latency_ms"}
    kept = (budget_finding(budget, SETTINGS_FILE, line_of(project, "check", keys[budget.name])) for budget in budgets)
    return _Measured(examples, budgets, (
        *(example_findings(examples) if examples else ()), *(finding for finding in kept if finding is not None),
    ))


def _version(project: Project, diff: SliceDiff) -> Version:
    from ovt.versions.history import resolve

    return resolve(project, diff.b.name)


def _passed(result: CheckResult, base: str) -> tuple[str, ...]:
    waived = len(result.waived)
    told = f"none of {len(result.diff.rows)} rows regressed against {base}"
    if waived:
        told = f"nothing is wrong against {base} but {waived} findings that are waived" if waived > 1 else (
            f"nothing is wrong against {base} but one finding that is waived")
    return (told,)


def _blamed(project: Project, result: CheckResult, extras: Extras, progress: Progress) -> CheckResult:
    if not extras.blame or not result.diff.regressed():
        return result
    from ovt.workflows.attribution.blame import blame

    return replace(result, blame=blame(project, result, minutes=extras.minutes, progress=progress))
