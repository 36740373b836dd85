"""Two versions compared by their reports alone, where nobody has the predictions: a server that is pushed to.

Without the records there are no pairs, so the test is the one for two
independent samples: the difference over the root of both squared standard
errors, told from the intervals of the reports. Versions that answer most
records alike vary less together than that, so it errs to one side: what it
calls regressed, the paired test of `ovt check` would have called so too, and
it is blind to much that the paired test sees.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from ovt.quality.compare import corrected, judge_row, rank
from ovt.quality.intervals import z_of
from ovt.quality.slicediff import Side, SliceDiff, SliceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.quality.policy.thresholds import Policy

Report = dict[str, Any]
FROM_REPORTS = "judged from the reports alone, unpaired: only a large drop shows; `ovt check` sees more"
INTERVALS = 0.95
"""Confidence of the intervals in a report."""


def compare_reports(old: Report, new: Report, a: str, b: str, policy: Policy) -> SliceDiff:
    """Compare version B with its base A, from `reports/quality.json` of each.

    Args:
        old: the base's report.
        new: the newer one's.
        a: what the base is called.
        b: what the newer version is called.
        policy: what is asked of the rows.
    """
    sides = [Side(name, None, "", str(report.get("model")), str(report.get("eval_set")))
             for name, report in ((a, old), (b, new))]
    same_exam = old.get("eval_set") == new.get("eval_set")
    found = corrected([row for task in sorted({*_tasks(old), *_tasks(new)})
                       for row in _task_rows(task, _tasks(old), _tasks(new), policy, same_exam=same_exam)])
    rows = [judge_row(row, policy) for row in found]
    return SliceDiff(sides[0], sides[1], tuple(sorted(rows, key=rank)), (FROM_REPORTS,))


def _tasks(report: Report) -> dict[str, Any]:
    """The tasks that the report has measured on test."""
    return {name: entry for name, entry in report.get("tasks", {}).items() if "test" in entry.get("splits", {})}


def _task_rows(
    task: str, old: dict[str, Any], new: dict[str, Any], policy: Policy, *, same_exam: bool,
) -> Iterator[SliceRow]:
    if task not in old or task not in new or old[task]["primary"] != new[task]["primary"]:
        primary = (new.get(task) or old[task])["primary"]
        yield replace(_empty(task, None, primary), verdict="not_comparable", why=_lone(task, old, new))
        return
    before, after = old[task]["splits"]["test"], new[task]["splits"]["test"]
    names = sorted({*before["slices"], *after["slices"]})
    pairs = [(None, before["overall"], after["overall"]),
             *((name, before["slices"].get(name), after["slices"].get(name)) for name in names)]
    for name, was, now in pairs:
        row = replace(_empty(task, name, new[task]["primary"]), critical=policy.thresholds(name, task).critical)
        yield _row(row, was, now, policy) if same_exam else _elsewhere(row, was, now)


def _empty(task: str, slice_: str | None, metric: str) -> SliceRow:
    return SliceRow(task, slice_, metric, 0, None, None, None, None, None, None, "unclear", 0, 0)


def _lone(task: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    if task in old and task in new:
        return f"the type of `{task}` changed"
    return f"{'the base' if task not in old else 'the new version'} has no gold for `{task}` on test"


def _elsewhere(row: SliceRow, was: Report | None, now: Report | None) -> SliceRow:
    """A row of two different test sets: its values are shown, and nothing is said."""
    old, new = ((entry or {}).get(row.metric, {}).get("value") for entry in (was, now))
    return replace(row, n=(now or {}).get("n", 0), old=old, new=new, verdict="not_comparable",
                   why="the test set changed between the versions")


def _row(row: SliceRow, was: Report | None, now: Report | None, policy: Policy) -> SliceRow:
    if was is None or now is None:
        side = "the base" if was is None else "the new version"
        return replace(row, verdict="not_comparable", why=f"{side} has no slice `{row.slice}`")
    old, new = was.get(row.metric), now.get(row.metric)
    if was["n"] != now["n"]:
        return replace(_elsewhere(row, was, now), why="the slice has other test records than before")
    if old is None or new is None:
        return replace(row, n=now["n"], verdict="thin", why="no test record with gold")
    delta, error = new["value"] - old["value"], math.hypot(_error(old), _error(new))
    reach = z_of(policy.confidence) * error
    enough = now["n"] >= policy.thresholds(row.slice, row.task).min_support
    return replace(row, n=now["n"], old=old["value"], new=new["value"], delta=delta, low=delta - reach,
                   high=delta + reach, p=_p(delta, error) if enough else None)


def _error(estimate: dict[str, float]) -> float:
    """The standard error that an interval stands for."""
    return (estimate["high"] - estimate["low"]) / (2 * z_of(INTERVALS))


def _p(delta: float, error: float) -> float:
    """Two-sided p of a difference with this standard error."""
    if delta == 0:
        return 1.0
    return 2 * (1 - NormalDist().cdf(abs(delta) / error)) if error > 0 else 0.0
