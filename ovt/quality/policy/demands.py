"""What the policy asks beyond "nothing regressed", held against a comparison row by row.

A row's verdict is about change; what is asked here is about values that must
hold whatever the base had, about proof that nothing much was lost
(non-inferiority, as in ICH E9: the lower end of the interval of the difference
lies above minus the margin), and about what single users notice: records that
were right and are wrong now (negative flips, Yan et al. 2021).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ovt.errors import nearest
from ovt.quality.policy.findings import Finding, Rule, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ovt.quality.policy.thresholds import Policy, Thresholds
    from ovt.quality.slicediff import SliceDiff, SliceRow

Report = dict[str, Any]
"""`reports/quality.json` of the newer version."""


def row_findings(diff: SliceDiff, policy: Policy, report: Report | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with the rows of a comparison, in the order of its rows; required slices last."""
    found: list[Finding] = []
    for row in diff.rows:
        asked = policy.thresholds(row.slice, row.task, row.metric)
        found.extend(_verdict(diff, row, asked))
        for demand in (_values, _margin, _flips):
            found.extend(demand(diff, row, asked, report or {}))
    return (*found, *_required(diff, policy))


def negative_flips(row: SliceRow) -> float | None:
    """Records right before and wrong now, as a share of those compared."""
    if row.negative_flip_rate is not None:
        return row.negative_flip_rate
    return row.broken / row.n if row.n and row.delta is not None else None


def flips_command(diff: SliceDiff, row: SliceRow) -> str:
    """The command that shows which records of a row flipped, ready for a shell."""
    words = ["ovt", "diff", diff.a.name, diff.b.name, "--task", row.task]
    return shell_line(words if row.slice is None else [*words, "--slice", row.slice])


def shell_line(words: Iterable[str]) -> str:
    """Words for a shell, quoted only where they must be: `HEAD~1` need not."""
    import re
    import shlex

    plain = re.compile(r"[\w./:@-][\w./:@~^-]*")
    return " ".join(word if plain.fullmatch(word) else shlex.quote(word) for word in words)


def _verdict(diff: SliceDiff, row: SliceRow, asked: Thresholds) -> Iterator[Finding]:
    where = place_of(row.task, row.slice)
    if row.verdict == "not_comparable":
        yield _on(row, "not-comparable", f"{where}: {row.why}",
                  "merge or rebase onto the base first, or measure the base again on the new one")
    elif row.verdict == "regressed":
        below = asked.minimum is not None and row.new is not None and row.new < asked.minimum
        change = f"{row.old:.3f} → {row.new:.3f}" if row.old is not None and row.new is not None else f"{row.new}"
        yield _on(row, "minimum" if below else "regression", f"{where}: {row.metric} {change}, {row.why}",
                  f"look at its flips: {flips_command(diff, row)}")


def _values(diff: SliceDiff, row: SliceRow, asked: Thresholds, report: Mapping[str, Any]) -> Iterator[Finding]:
    """Minima and maxima of metrics by name, held against the newer version's report."""
    if not asked.minima and not asked.maxima:
        return
    entry = _entry(report, row)
    if entry is None or entry.get("n", 0) < asked.min_support:
        return
    where = place_of(row.task, row.slice)
    bounds: tuple[tuple[Rule, tuple[tuple[str, float], ...], Callable[[float, float], bool]], ...] = (
        ("minimum", asked.minima, lambda value, bound: value < bound),
        ("maximum", asked.maxima, lambda value, bound: value > bound),
    )
    for rule, wanted, broken in bounds:
        for metric, bound in wanted:
            value = (entry.get(metric) or {}).get("value")
            if value is None:
                yield _on(row, rule, f"{where}: {metric} is not measured, the policy asks for {bound:g}",
                          "name a metric that `ovt show` lists for this task")
            elif broken(value, bound):
                side = "below the minimum" if rule == "minimum" else "above the maximum"
                yield _on(row, rule, f"{where}: {metric} {value:.3f} is {side} {bound:g} of the policy",
                          f"look at the version: ovt show {diff.b.name}")


def _entry(report: Mapping[str, Any], row: SliceRow) -> dict[str, Any] | None:
    split = report.get("tasks", {}).get(row.task, {}).get("splits", {}).get("test")
    if split is None:
        return None
    found: dict[str, Any] | None = split["overall"] if row.slice is None else split["slices"].get(row.slice)
    return found


def _margin(diff: SliceDiff, row: SliceRow, asked: Thresholds, report: Mapping[str, Any]) -> Iterator[Finding]:
    """The drop must be shown to be smaller than the margin; a row that already regressed says enough."""
    del report
    same = diff.a.model == diff.b.model and row.verdict != "not_comparable"
    if asked.margin is None or same or row.verdict in {"regressed", "not_comparable"}:
        return
    if row.low is not None and row.low > -asked.margin:
        return
    where = place_of(row.task, row.slice)
    known = "no record to tell by" if row.low is None else f"the interval begins at {row.low:+.3f}"
    said = f"{where}: not shown that {row.metric} fell by less than {asked.margin:g}, {known}"
    yield _on(row, "non-inferiority", said, _more_records(row, asked.margin))


def _more_records(row: SliceRow, margin: float) -> str:
    """How many records would show it if the difference stays what it is; the interval narrows with their root."""
    command = "label more of its test records"
    if row.low is None or row.delta is None or row.delta <= -margin:
        return command if row.low is None else "the drop itself is beyond the margin: mend it, or widen the margin"
    needed = math.ceil(row.n * ((row.delta - row.low) / (row.delta + margin)) ** 2)
    return f"{command}: about {needed:,} instead of {row.n:,} would show it"


def _flips(diff: SliceDiff, row: SliceRow, asked: Thresholds, report: Mapping[str, Any]) -> Iterator[Finding]:
    del report
    rate = negative_flips(row)
    if asked.negative_flips is None or rate is None or rate <= asked.negative_flips:
        return
    if row.n < asked.min_support:
        return
    yield _on(row, "negative-flips", f"{place_of(row.task, row.slice)}: {row.broken} of {row.n} records broke "
              f"({100 * rate:.1f} %), the budget is {100 * asked.negative_flips:g} %",
              f"look at them: {flips_command(diff, row)}")


def _required(diff: SliceDiff, policy: Policy) -> Iterator[Finding]:
    """Slices that must be there, with enough records on at least one task."""
    known = {row.slice for row in diff.rows if row.slice is not None}
    for name, asked in policy.slices:
        if not asked.required:
            continue
        rows = [row for row in diff.rows if row.slice == name]
        if not rows:
            hint = nearest(name, known)
            yield Finding("required-slice", f"slice {name} is required, and neither version has it",
                          f"define it in slices/; {hint}" if hint else "define it in slices/", slice=name)
        elif all(row.verdict == "thin" for row in rows):
            most = max(row.n for row in rows)
            yield Finding("required-slice", f"slice {name} is required, and has {most} test records with gold; "
                          f"the policy asks for {asked.min_support}",
                          f"label {asked.min_support - most} more of its test records", slice=name)


def _on(row: SliceRow, rule: Rule, message: str, fix: str) -> Finding:
    return Finding(rule, message, fix, task=row.task, slice=row.slice)
