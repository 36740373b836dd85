"""How numbers, verdicts and rows are written: on the screen, and as the Markdown that is copied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ovt.quality.slicediff import SIGNS
from ovt.render.diff import WORDS, sign
from ovt.render.table import number, signed
from ovt_tui.state import counts, slice_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ovt.errors import OvtError
    from ovt.quality.slicediff import Side, SliceRow, Verdict
    from ovt_tui.columns import Tone
    from ovt_tui.state import State

OWN_P = re.compile(r"\bp [<\d]")
TONES: dict[Verdict, Tone] = {
    "regressed": "bad", "improved": "good", "unclear": "", "thin": "muted", "not_comparable": "muted",
}
MEANING: dict[Verdict, str] = {
    "regressed": "worse beyond chance and beyond the slice's floor",
    "improved": "better, by the same test",
    "unclear": "no difference that this test set can tell",
    "thin": "too few test records to say anything",
    "not_comparable": "not examined on the same records",
}


def verdict(row: SliceRow, width: int = 16) -> str:
    """Sign and word; the longest word gives way in a narrow column."""
    text = sign(row.verdict)
    return text.replace("not comparable", "no compare") if len(text) > width else text


def share(value: float | None) -> str:
    """A proportion as a percentage."""
    return "–" if value is None else f"{100 * value:.1f}"


def flips(row: SliceRow) -> str:
    """How many records broke and how many were fixed."""
    return f"-{row.broken} +{row.fixed}"


def name(row: SliceRow) -> str:
    """The slice, with a sign if the policy calls it critical."""
    return f"{slice_name(row)} !" if row.critical else slice_name(row)


def tally(rows: Sequence[SliceRow]) -> str:
    """How many rows have which verdict, with signs and words: the legend of the table at the same time."""
    found = counts(rows)
    return "  ".join(f"{mark} {found[kind]} {WORDS[kind]}" for kind, mark in SIGNS.items() if found[kind])


def side(version: Side, *, long: bool = False) -> str:
    """A version's name, its commit, and what it was about if there is room."""
    parts = [version.name]
    if version.commit and not version.commit.startswith(version.name):
        parts.append(version.commit[:7])
    if long and version.subject:
        parts.append(f"“{version.subject}”")
    return " ".join(parts)


def choices(state: State, shown: int, total: int) -> str:
    """Which rows are shown, in what order, and what hides the others."""
    parts = [f"task {state.task or 'all'}", f"metric {state.metric or 'all'}", f"{shown} of {total} rows"]
    parts.append(f"sort {state.sort}{' reversed' if state.reverse else ''}")
    if state.filter.strip():
        parts.append(f"filter “{state.filter.strip()}”")
    if state.only_regressions:
        parts.append("only regressions")
    if state.hide_unclear:
        parts.append("unclear hidden")
    if state.min_support:
        parts.append(f"n ≥ {state.min_support}")
    return " · ".join(parts)


def detail(row: SliceRow) -> str:
    """The highlighted row in two lines: the numbers in full, then what made the verdict."""
    scope = f"{row.task} · {slice_name(row)} · {row.metric}"
    numbers = f"{number(row.old)} → {number(row.new)}, {signed(row.delta)}"
    numbers += f" [{signed(row.low)}, {signed(row.high)}]" if row.low is not None else ""
    evidence = [f"{row.broken} broken, {row.fixed} fixed"]
    if row.p is not None and not OWN_P.search(row.why):  # a verdict often says its p itself
        evidence.append(f"p {row.p:.2g}")
    evidence += _noise(row)
    if row.critical:
        evidence.append("! critical slice")
    if row.why:
        evidence.append(row.why)
    return f"{scope} {numbers}\n{verdict(row)} · {' · '.join(evidence)}"


def _noise(row: SliceRow) -> list[str]:
    """What is known about chance: negative flips, seeds, the smallest drop that would have been seen."""
    found = []
    if row.negative_flip_rate is not None:
        alone = f" (noise alone {share(row.noise_flip_rate)} %)" if row.noise_flip_rate is not None else ""
        found.append(f"negative flips {share(row.negative_flip_rate)} %{alone}")
    if max(row.seeds) > 1:
        spread = f", spread {number(row.old_spread)} → {number(row.new_spread)}"
        found.append(f"{row.seeds[0]} → {row.seeds[1]} seeds{spread}, the served one {number(row.shipped)}")
    if row.detectable is not None:
        found.append(f"a drop of {number(abs(row.detectable))} would be seen")
    if row.remeasured:
        found.append("old version measured again on the new records")
    return found


def trouble(error: OvtError, hint: str = "") -> str:
    """An error with what, where, why, the fix and what to type."""
    lines = [f"{error.what}", *(f"  {label:<4} {text}" for label, text in error.lines())]
    return "\n".join([*lines, "", hint] if hint else lines)


# ---------------------------------------------------------------- Markdown


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; `|` in a cell is escaped."""
    lines = [list(headings), ["---"] * len(headings), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
