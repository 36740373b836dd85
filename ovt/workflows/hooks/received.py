"""One project of a push: which reports its two versions have, and what the policy of the older says about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.documents import parse_document
from ovt.errors import OvtError, ProjectError
from ovt.settings import SETTINGS_FILE, Settings, parse_settings
from ovt.stages.pipeline import parse_lock
from ovt.storage.fingerprint import md5_of
from ovt.versions.key import LOCK_FILE, key_of, lock_matches
from ovt.versions.runs import RUNS
from ovt.versions.source import TreeSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.quality.policy.findings import Finding
    from ovt.quality.policy.waivers import Waiver
    from ovt.storage.git import Git

REPORT = "reports/quality.json"
NEED_PREDICTIONS = frozenset({"non-inferiority", "negative-flips"})
"""Rules that a report cannot answer."""
MOST_LINES = 12


@dataclass(frozen=True)
class Judged:
    """The verdict on one project."""

    prefix: str
    """Its folder, with a final slash; empty: the root."""
    word: str
    refused: bool
    lines: tuple[str, ...] = ()


def judge_change(
    git: Git, prefix: str, before: str | None, after: str, runs: Mapping[str, str],
) -> Judged | None:
    """Hold a project's new tree against its old one; None if there is nothing to say.

    Args:
        git: reads the objects of the push too.
        prefix: the project's folder.
        before: its tree on the branch; None: it is new there.
        after: its tree in the push.
        runs: commits of the runs that come with the push, by KEY.
    """
    new = TreeSource(git, after)
    old = TreeSource(git, before) if before is not None else None
    notes = _policy_notes(old, new)
    if old is not None and key_of(old) == key_of(new) and old.read(REPORT) == new.read(REPORT):
        return Judged(prefix, "passes, the same inputs", refused=False, lines=notes) if notes else None
    try:
        settings = _settings(old) if old is not None and old.read(SETTINGS_FILE) is not None else _settings(new)
        found = _verdict(git, (old, new), settings, runs)
    except OvtError as error:
        lines = (str(error), *([f"fix: {error.fix}"] if error.fix else []))
        return Judged(prefix, "cannot be read", refused=True, lines=lines)
    return Judged(prefix, found.word, found.refused, (*found.lines, *notes))


def judge_removal(git: Git, prefix: str, before: str) -> Judged:
    """A project that a push removes, or hides by removing its `ovt.yaml`."""
    try:
        strict = _settings(TreeSource(git, git.object_id(before) or before)).check.unjudged == "reject"
    except ProjectError:
        strict = False
    return Judged(prefix, "not judged", refused=strict, lines=(f"the push has no {SETTINGS_FILE} any more",))


def _verdict(
    git: Git, sides: tuple[TreeSource | None, TreeSource], settings: Settings, runs: Mapping[str, str],
) -> Judged:
    old = sides[0]
    reports = [_report(git, side, runs) if side is not None else None for side in sides]
    strict = settings.check.unjudged == "reject"
    if reports[1] is None:
        why = f"no report came with these inputs (check.unjudged: {settings.check.unjudged})"
        fix = "commit `dvc.lock` and `reports/` with `ovt commit`, or push their run: ovt push"
        return Judged("", "not judged", refused=strict, lines=(why, fix))
    if old is None or reports[0] is None:
        return Judged("", "not judged", refused=False, lines=("the branch has no report to compare with",))
    return _compared(reports[0], reports[1], settings, _waivers(old), strict=strict)


def _compared(
    before: dict[str, Any], after: dict[str, Any], settings: Settings, waivers: list[Waiver], *, strict: bool,
) -> Judged:
    from ovt.quality.policy.demands import row_findings
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.policy.verdict import judge
    from ovt.quality.policy.waivers import apply_waivers
    from ovt.quality.reported import compare_reports
    from ovt.workflows.checking.today import today

    policy = Policy.of(settings.check)
    diff = compare_reports(before, after, "the branch", "the push", policy)
    found = [finding for finding in row_findings(diff, policy, after) if finding.rule not in NEED_PREDICTIONS]
    findings, _ = apply_waivers(found, waivers, today())
    result = judge(diff, findings=findings)
    waived = tuple(f"waived at {finding.waiver}: {finding.message}" for finding in result.waived)
    if result.verdict in {"pass", "advisory"}:
        word = f"passes, none of {len(diff.rows)} rows regressed" if diff.rows else "not judged, no gold on test"
        return Judged("", word, refused=False, lines=waived)
    refused = result.verdict == "fail" or strict
    return Judged("", "cannot be compared", refused, (*_shown(result.standing), *waived))


def _shown(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    lines = [finding.message for finding in findings]
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return (*lines[:MOST_LINES], *more)


def _report(git: Git, source: TreeSource, runs: Mapping[str, str]) -> dict[str, Any] | None:
    """The report of a tree's inputs: its own if the lock vouches for it, else that of their run."""
    lock, content = source.read(LOCK_FILE), source.read(REPORT)
    if content is not None and _vouched(lock, content) and lock_matches(source, lock):
        return _parsed(content)
    key = key_of(source)
    found = git.read(f"{runs.get(key) or RUNS + key}:{REPORT}") if key else None
    return _parsed(found) if found is not None else None


def _vouched(lock: bytes | None, content: bytes) -> bool:
    """Whether the lock names exactly this report."""
    try:
        outs = [out for stage in parse_lock((lock or b"").decode()).values() for out in stage.get("outs", [])]
        return any(out["path"] == REPORT and out["md5"] == md5_of(content) for out in outs)
    except (ProjectError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return False


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ProjectError(f"`{REPORT}` is not valid JSON", why=str(error), fix="make it again: ovt run") from None
    if not isinstance(value, dict) or value.get("format") != "ovt.quality/1":
        raise ProjectError(f"`{REPORT}` is no report of ovt's", fix="make it again: ovt run")
    return value


def _settings(source: TreeSource) -> Settings:
    content = source.read(SETTINGS_FILE) or b""
    return parse_settings(parse_document(content.decode(errors="replace"), SETTINGS_FILE))


def _waivers(source: TreeSource) -> list[Waiver]:
    """The waivers of the branch as it was."""
    from ovt.quality.policy.waivers import parse_waivers

    paths = sorted(path for path in source.blobs("waivers") if path.endswith((".yaml", ".yml")))
    texts = ((path, (source.read(path) or b"").decode(errors="replace")) for path in paths)
    return [waiver for path, text in texts for waiver in parse_waivers(parse_document(text, path))]


def _policy_notes(old: TreeSource | None, new: TreeSource) -> tuple[str, ...]:
    """A push that changes its judge is told that it counts from the next one on."""
    if old is None:
        return ()
    told = []
    try:
        if _settings(old).check != _settings(new).check:
            told.append("the policy (check: in ovt.yaml) changes with this push, and counts from the next one on")
    except ProjectError:
        pass  # told by the verdict
    if old.blobs("waivers") != new.blobs("waivers"):
        told.append("waivers/ changes with this push, and counts from the next one on")
    return tuple(told)
