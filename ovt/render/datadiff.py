"""A comparison of two versions' data: tables for a terminal, plain values for JSON, a section for a pull request."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ovt.quality.inputs.datadiff import SEVERITIES, SIGNS
from ovt.render.table import Table, number, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.quality.inputs.datadiff import DataDiff, DistributionRow, NameRow, SourceRow
    from ovt.quality.inputs.distances import Distance

DIGITS = 6
HEADERS = ("what", "where", "old", "new", "change", "distance", "p", "detail")
PLAIN = str.maketrans({
    **{char: f"&#{ord(char)};" for char in "&<>@#|"}, **{char: f"\\{char}" for char in "\\*_[]~"},
})
"""Text that stays text in Markdown; backticks stay too: findings put them around names."""
SHOWN = 5
"""Findings in a pull request; the rest is counted."""


def findings_table(diff: DataDiff) -> Table:
    """What validation found, problems first."""
    rows = tuple((f"{SIGNS[found.severity]} {found.severity}", found.kind, found.what, found.fix)
                 for found in diff.findings)
    return Table(("finding", "kind", "what", "fix"), rows, drop=(1, 3))


def data_table(diff: DataDiff, *, everything: bool = False) -> Table:
    """One table of all that changed.

    Args:
        diff: the comparison.
        everything: also what is the same on both sides.
    """
    rows = list(_records(diff))
    rows += [("schema", line.partition(" ")[0], "–", "–", "–", "–", "–", line) for line in diff.schema]
    rows += [_source(row) for row in diff.sources if everything or _source_changed(row)]
    rows += [_name(row) for row in diff.names]
    rows += [_distribution(row) for row in diff.distributions if everything or _moved(row)]
    return Table(HEADERS, tuple(rows), frozenset({4, 5, 6}), drop=(6, 5))


def headline(diff: DataDiff) -> str:
    """The comparison in one line."""
    counts = {level: sum(found.severity == level for found in diff.findings) for level in SEVERITIES}
    told = [f"{SIGNS[level]} {_many(counts[level], level)}" for level in SEVERITIES[:2] if counts[level]]
    if not told:
        told.append("the data is the same" if diff.empty else "nothing to worry about")
    if counts["note"]:
        told.append(_many(counts["note"], "note"))
    return f"{diff.a.records:,} → {diff.b.records:,} records · {', '.join(told)}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"


def summary(diff: DataDiff) -> str:
    """A short Markdown section for a pull request; empty where the data is the same and nothing was found.

    Names of sources and slices come from people, so they stand as code, where nothing in them is a table or a mention.
    """
    grave = [found for found in diff.findings if found.severity != "note"]
    if diff.empty and not grave:
        return ""
    lines = [f"### Data: {headline(diff)}", ""]
    changed = [f"{row.split} +{row.added:,} −{row.removed:,} ~{row.changed:,}" for row in diff.records
               if row.added or row.removed or row.changed]
    if changed:
        lines += [f"Records added, removed, changed: {' · '.join(changed)}", ""]
    lines += [f"- {SIGNS[found.severity]} **{found.severity}** {_escaped(found.what)}. {_escaped(found.fix)}"
              for found in grave[:SHOWN]]
    if len(grave) > SHOWN:
        lines.append(f"- and {len(grave) - SHOWN} more: `ovt diff --data`")
    return "\n".join(lines).rstrip() + "\n"


def datadiff_json(diff: DataDiff) -> dict[str, Any]:
    """``ovt.datadiff/1``."""
    plain: dict[str, Any] = _rounded(asdict(diff))
    return {"format": "ovt.datadiff/1", **plain}


def _records(diff: DataDiff) -> Iterator[tuple[str, ...]]:
    for row in diff.records:
        told = [f"+{row.added:,} −{row.removed:,} ~{row.changed:,}"]
        if row.moved:
            told.append(f"{row.moved:,} moved here")
        if row.copies or row.near_copies:
            told.append(f"in train too: {row.copies:,} exactly, {row.near_copies:,} in words")
        yield ("records", row.split, f"{row.old:,}", f"{row.new:,}", _change(row.old, row.new), "–", "–",
               "; ".join(told))


def _source(row: SourceRow) -> tuple[str, ...]:
    old, new = ("–" if count is None else f"{count:,}" for count in (row.old, row.new))
    return (f"labels of {row.source}", row.task, old, new, _change(row.old, row.new), *_distance(row.distance),
            f"coverage {100 * row.old_coverage:.1f} → {100 * row.new_coverage:.1f} %")


def _name(row: NameRow) -> tuple[str, ...]:
    old, new = (None if counts is None else sum(counts) for counts in (row.old, row.new))
    shown = ["–" if counts is None else "/".join(f"{count:,}" for count in counts) for counts in (row.old, row.new)]
    return (f"{row.kind} {row.name}", "records", *("–" if one is None else f"{one:,}" for one in (old, new)),
            _change(old, new), "–", "–", f"train/dev/test {shown[0]} → {shown[1]}")


def _distribution(row: DistributionRow) -> tuple[str, ...]:
    return (row.what, row.split, row.old, row.new, "–", *_distance(row.distance),
            f"total variation {row.distance.total_variation:.3f}")


def _distance(distance: Distance | None) -> tuple[str, str]:
    if distance is None:
        return "–", "–"
    return number(distance.psi), "<0.001" if distance.p < 0.001 else number(distance.p)


def _change(old: int | None, new: int | None) -> str:
    if old is None:
        return "new"
    if new is None:
        return "gone"
    return f"{signed(100 * (new - old) / old, 1)} %" if old and new != old else "0" if new == old else f"+{new:,}"


def _source_changed(row: SourceRow) -> bool:
    return row.old != row.new or (row.distance is not None and row.distance.total_variation > 0)


def _moved(row: DistributionRow) -> bool:
    """A change is shown early; a skew within the newer version, which may be old news, where it is one to look at."""
    return row.distance.psi >= (0.1 if "→" in row.split else 0.01)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def _escaped(text: str) -> str:
    """Names stay code, everything else is plain text; a backtick in a name would end it, so an odd one is dropped."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        return "".join(parts).translate(PLAIN)
    return "`".join(part if index % 2 else part.translate(PLAIN) for index, part in enumerate(parts))
