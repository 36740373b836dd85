"""A comparison, and a check's verdict, for a pull request: the summary first, what changed, the rest folded away."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from ovt.render.diff import diff_table, slice_name, tally
from ovt.render.table import Table, number, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.slicediff import Side, SliceDiff, SliceRow, Verdict
    from ovt.quality.verdict import CheckResult

PLAIN_WORD = re.compile(r"[\w./:@-][\w./:@~^-]*")
ESCAPES = str.maketrans({
    **{char: f"&#{ord(char)};" for char in "&<>@#|"}, **{char: f"\\{char}" for char in "\\*_`[]~"},
})
CHANGED: tuple[Verdict, ...] = ("regressed", "not_comparable", "improved")
REST: tuple[Verdict, ...] = ("unclear", "thin")
HEADLINES = {
    "pass": "▲ pass: no slice regressed",
    "fail": "▼ fail: quality regressed",
    "cannot compare": "≠ cannot compare: no verdict",
    "advisory": "· advisory: there is no gold to judge by",
}


def check_markdown(result: CheckResult) -> str:
    """The verdict, its reasons, the comparison, and what to do."""
    parts = [f"## ovt check: {HEADLINES[result.verdict]}"]
    if result.reasons:
        parts.append("\n".join(f"- {_text(reason)}" for reason in result.reasons))
    parts.append(_body(result.diff))
    todo = what_to_do(result.diff)
    if todo:
        parts.append("### What to do\n\n" + "\n".join(f"- {line}" for line in todo))
    return "\n\n".join(parts) + "\n"


def diff_markdown(diff: SliceDiff) -> str:
    """The comparison alone."""
    return f"## ovt diff {_code(diff.a.name)} → {_code(diff.b.name)}\n\n{_body(diff)}\n"


def what_to_do(diff: SliceDiff) -> list[str]:
    """Commands for the rows that stop a merge."""
    lines = [
        f"{_where(row)}: {row.metric} {number(row.old)} → {number(row.new)} ({signed(row.delta)}). See its flips: "
        + _code(_flips_command(diff, row))
        for row in diff.regressed()
    ]
    if diff.not_comparable():
        lines.append("what cannot be compared was measured on another test set or slice: merge or rebase onto the base "
                     "first, or measure the base again on the new one")
    return lines


def _body(diff: SliceDiff) -> str:
    parts = [f"{_side(diff.a)} → {_side(diff.b)}", f"**{tally(diff)}**"]
    changed = diff_table(diff, CHANGED)
    if changed.rows:
        parts.append(_table(changed))
    rest = diff_table(diff, REST)
    if rest.rows:
        shown = f"{len(rest.rows)} rows without a clear change"
        parts.append(f"<details><summary>{shown}</summary>\n\n{_table(rest)}\n\n</details>")
    if diff.notes:
        parts.append("\n".join(f"> {_text(note)}" for note in diff.notes))
    return "\n\n".join(parts)


def _side(side: Side) -> str:
    commit = f" ({side.commit[:10]})" if side.commit and not side.commit.startswith(side.name) else ""
    return f"{_code(side.name)}{commit} {_text(side.subject)}".rstrip()


def _where(row: SliceRow) -> str:
    return f"{_text(row.task)} · {_text(slice_name(row))}"


def _flips_command(diff: SliceDiff, row: SliceRow) -> str:
    words = ["ovt", "diff", diff.a.name, diff.b.name, "--task", row.task]
    return " ".join(_word(word) for word in ([*words, "--slice", row.slice] if row.slice is not None else words))


def _word(text: str) -> str:
    """A word for a shell, quoted only where it must be: `HEAD~1` need not."""
    return text if PLAIN_WORD.fullmatch(text) else shlex.quote(text)


def _table(table: Table) -> str:
    ruler = ["---:" if column in table.right else "---" for column in range(len(table.headers))]
    body = ([_text(cell) for cell in row] for row in table.rows)
    return "\n".join(_line(cells) for cells in (table.headers, ruler, *body))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """Inline code; a backtick or a line break inside would end it."""
    return f"`{' '.join(text.replace('`', '').split())}`"


def _text(text: str) -> str:
    """Text that stays text: nothing in a slice's name or a commit's subject becomes a table, a tag or a mention."""
    return " ".join(text.translate(ESCAPES).split())
