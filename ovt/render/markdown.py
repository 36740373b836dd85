"""A comparison, and a check's verdict, for a pull request: the summary first, what changed, the rest folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.policy.demands import flips_command
from ovt.quality.policy.findings import place_of
from ovt.render.checks.parts import blame_part, budgets_part, examples_part, flips_part, sources_part, waivers_part
from ovt.render.diff import diff_table, slice_name, tally
from ovt.render.markdown_text import code, folded, listed, plain, table
from ovt.render.table import number, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import Side, SliceDiff, SliceRow, Verdict

CHANGED: tuple[Verdict, ...] = ("regressed", "not_comparable", "improved")
REST: tuple[Verdict, ...] = ("unclear", "thin")
HEADLINES = {
    "pass": "▲ pass: no slice regressed",
    "fail": "▼ fail: quality regressed",
    "cannot compare": "≠ cannot compare: no verdict",
    "advisory": "· advisory: there is no gold to judge by",
}
POLICY_FAILED = "▼ fail: the policy is not met"
PARTS = (blame_part, sources_part, flips_part, examples_part, budgets_part, waivers_part)


def headline(result: CheckResult) -> str:
    """The verdict in a few words, with its sign."""
    if result.verdict == "fail" and not any(finding.rule == "regression" for finding in result.standing):
        return POLICY_FAILED
    if result.verdict == "pass" and result.waived:
        return "▲ pass: what is wrong is waived"
    return HEADLINES[result.verdict]


def check_markdown(result: CheckResult) -> str:
    """The verdict, its reasons, the comparison, what surrounds it, and what to do."""
    parts = [f"## ovt check: {headline(result)}"]
    if result.reasons:
        parts.append(listed(plain(reason) for reason in result.reasons))
    parts.append(_body(result.diff, result.context.notes))
    parts.extend(part for make in PARTS if (part := make(result)))
    todo = what_to_do(result)
    if todo:
        parts.append("### What to do\n\n" + listed(todo))
    return "\n\n".join(parts) + "\n"


def diff_markdown(diff: SliceDiff) -> str:
    """The comparison alone."""
    return f"## ovt diff {code(diff.a.name)} → {code(diff.b.name)}\n\n{_body(diff)}\n"


def what_to_do(result: CheckResult) -> list[str]:
    """One line for each thing that stops a merge, with the command that helps."""
    return [*_accused(result), *_by_row(result), *_others(result)]


def _accused(result: CheckResult) -> Iterator[str]:
    for blame in result.blame.confirmed if result.blame else ():
        where = f" at {code(blame.at)}" if blame.at else ""
        yield f"mend or take back {code(blame.source)}{where}"


def _by_row(result: CheckResult) -> Iterator[str]:
    wrong = {(finding.task, finding.slice) for finding in result.standing if finding.rule in {"regression", "minimum"}}
    for row in result.diff.regressed():
        if (row.task, row.slice) in wrong:
            yield (f"{_where(row)}: {row.metric} {number(row.old)} → {number(row.new)} ({signed(row.delta)}). "
                   f"See its flips: {code(flips_command(result.diff, row))}")
    if any(finding.rule == "not-comparable" for finding in result.standing):
        yield ("what cannot be compared was measured on another test set or slice: merge or rebase onto the base "
               "first, or measure the base again on the new one")
    if result.diff.regressed() and result.blame is None:
        yield f"find out which source did it: {code('ovt check --blame')}"
    if result.may_be_luck:
        yield f"see whether it is more than the luck of one training: {code('ovt check --confirm')}"


def _others(result: CheckResult) -> Iterator[str]:
    """What the policy asks beside "nothing regressed"; a row that regressed has its line already."""
    told = {(row.task, row.slice) for row in result.diff.regressed()}
    for finding in result.standing:
        on_row = finding.rule in {"regression", "minimum"} and (finding.task, finding.slice) in told
        if finding.fix and finding.rule != "not-comparable" and not on_row:
            where = code(finding.at) if finding.at else plain(place_of(finding.task, finding.slice))
            yield f"{where}: {plain(finding.fix)}"


def _body(diff: SliceDiff, notes: tuple[str, ...] = ()) -> str:
    parts = [f"{_side(diff.a)} → {_side(diff.b)}", f"**{tally(diff)}**"]
    changed = diff_table(diff, CHANGED)
    if changed.rows:
        parts.append(table(changed))
    rest = diff_table(diff, REST)
    if rest.rows:
        parts.append(folded(f"{len(rest.rows)} rows without a clear change", table(rest)))
    if diff.notes or notes:
        parts.append("\n".join(f"> {plain(note)}" for note in (*notes, *diff.notes)))
    return "\n\n".join(parts)


def _side(side: Side) -> str:
    commit = f" ({side.commit[:10]})" if side.commit and not side.commit.startswith(side.name) else ""
    return f"{code(side.name)}{commit} {plain(side.subject)}".rstrip()


def _where(row: SliceRow) -> str:
    return f"{plain(row.task)} · {plain(slice_name(row))}"
