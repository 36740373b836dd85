"""Three versions of a file of JSON lines to one: by record, and for labels by record, task and source.

Both sides' new rows are kept. Where both changed the same thing differently,
that is told in the user's terms and the preferred side stands. The result is
the same whichever side is called ours, so two people who merge each other's
branches come to the same file, and the same key.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ovt.versions.merging.cells import line_of, merge_cells
from ovt.versions.merging.conflict import ABSENT, Conflict, changed_side, shown
from ovt.versions.merging.lines import HEADER, Key, Row, copy_prefix, rows_of, shared_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ovt.versions.merging.conflict import Side
    from ovt.versions.merging.lines import Content

Slot = tuple[Key, int]
"""The n-th row of a group."""
Groups = dict[Key, list[Row]]


def merge_rows(
    base: Content, ours: Content, theirs: Content, write: Callable[[bytes], object], prefer: Side | None = None,
) -> list[Conflict]:
    """Merge files of JSON lines.

    Args:
        base: the version that both sides started from; empty if the file was added by both.
        ours: the version here.
        theirs: the version that comes in.
        write: takes the merged content, piece by piece.
        prefer: whose word stands where both changed the same thing; None: ours, and it is told.

    Returns:
        What could not be decided; empty with `prefer`.
    """
    start = shared_prefix(base, ours, theirs)
    copy_prefix(ours, start, write)
    sides = [rows_of(content, start) for content in (base, ours, theirs)]
    groups = [_grouped(rows) for rows in sides]
    merged: Groups = {}
    conflicts: list[Conflict] = []
    for key in dict.fromkeys(row.key for rows in sides for row in rows):
        before, here, there = (found.get(key, []) for found in groups)
        merged[key], found = _merge_group(before, here, there, prefer)
        conflicts += found
    slots = _ordered(*(_slots(rows) for rows in sides))
    last: dict[Key, int] = {}
    for key, number in slots:
        last[key] = max(number, last.get(key, 0))
    for key, number in slots:
        lines = merged[key]
        for row in lines[number:] if last[key] == number else lines[number : number + 1]:
            write(row.line)
    return conflicts


def _grouped(rows: Iterable[Row]) -> Groups:
    found: Groups = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def _slots(rows: Iterable[Row]) -> list[Slot]:
    seen: Counter[Key] = Counter()
    found = []
    for row in rows:
        found.append((row.key, seen[row.key]))
        seen[row.key] += 1
    return found


def _merge_group(
    base: list[Row], ours: list[Row], theirs: list[Row], prefer: Side | None,
) -> tuple[list[Row], list[Conflict]]:
    """The rows of one group that stand."""
    side = changed_side([row.line for row in base], [row.line for row in ours], [row.line for row in theirs])
    if side is not None:
        return (ours if side == "ours" else theirs), []
    chosen = theirs if prefer == "theirs" else ours
    kind = (ours or theirs)[0].key[0]
    if kind == "label":
        return _merge_label(base, ours, theirs, chosen, prefer)
    if ours and theirs and max(len(base), len(ours), len(theirs)) == 1:
        values = [rows[0].value if rows else {} for rows in (base, ours, theirs)]
        record, conflicts = merge_cells(values[0], values[1], values[2], prefer)
        same = next((rows for rows in (ours, theirs) if rows[0].value == record), None)
        return (same or [Row(ours[0].key, line_of(record))]), conflicts
    appended = _appended(base, ours, theirs)
    if appended is not None:
        return appended, []
    what = f"record {(ours or theirs)[0].key[-1]}" if kind == "record" else "a line"
    here, there = ("changed" if rows else "removed" for rows in (ours, theirs))
    return chosen or ours or theirs, [] if prefer else [Conflict(what, here, there)]


def _merge_label(
    base: list[Row], ours: list[Row], theirs: list[Row], chosen: list[Row], prefer: Side | None,
) -> tuple[list[Row], list[Conflict]]:
    """What one source says about one task of a record: the last row stands, one with a position for its item."""
    both = _appended(base, ours, theirs)
    said = [{_position(row): _label(row) for row in rows[len(base):]} for rows in (ours, theirs)]
    if both is not None and None not in {*said[0], *said[1]}:
        clashes = [place for place in said[0] if place in said[1] and said[0][place] != said[1][place]]
        if not clashes:
            return both, []
    else:
        clashes = []
    standing = [_label(rows[-1]) if rows else ABSENT for rows in (ours, theirs)]
    if standing[0] == standing[1] and not clashes:
        return max(ours, theirs, key=lambda rows: [row.line for row in rows]), []
    if prefer:
        return chosen, []
    _, record, task, source, worker = (ours or theirs)[0].key
    who = source if worker == "null" else f"{source}/{worker}"
    what = f"record {record}, task {task}, source {who}"
    if not clashes:
        return chosen, [Conflict(what, shown(standing[0]), shown(standing[1]))]
    return chosen, [
        Conflict(f"{what}, position {place}", shown(said[0][place]), shown(said[1][place])) for place in clashes
    ]


def _appended(base: list[Row], ours: list[Row], theirs: list[Row]) -> list[Row] | None:
    """The rows of both if both only added some, sorted where they were added by both; None if a side changed others."""
    size = len(base)
    before = [row.line for row in base]
    if any([row.line for row in rows[:size]] != before for rows in (ours, theirs)):
        return None
    here, there = sorted((ours[size:], theirs[size:]), key=lambda rows: [row.line for row in rows])
    known = {row.line for row in here}
    return [*base, *here, *(row for row in there if row.line not in known)]


def _position(row: Row) -> str | None:
    value = row.value.get("position")
    return None if value is None else str(value)


def _label(row: Row) -> object:
    value = row.value
    return ABSENT if value.get("retracted") else value.get("label", ABSENT)


def _ordered(base: Sequence[Slot], ours: Sequence[Slot], theirs: Sequence[Slot]) -> list[Slot]:
    """The order of the result: the rows that were there before, and after each what the sides put there."""
    skeleton = _skeleton(base, ours, theirs)
    known = set(skeleton)
    gaps = [_gaps(side, known) for side in (ours, theirs)]
    order: list[Slot] = []
    for anchor in (None, *skeleton):
        if anchor is not None:
            order.append(anchor)
        order += _both(gaps[0].get(anchor, []), gaps[1].get(anchor, []))
    return list(dict.fromkeys(order))


def _skeleton(base: Sequence[Slot], ours: Sequence[Slot], theirs: Sequence[Slot]) -> list[Slot]:
    """The old rows, in the order of the side that moved them, if one did."""
    known = set(base)
    for side in (ours, theirs):
        kept = [slot for slot in side if slot in known]
        present = set(kept)
        if kept != [slot for slot in base if slot in present]:
            return [*kept, *(slot for slot in base if slot not in present)]
    return list(base)


def _gaps(side: Sequence[Slot], known: set[Slot]) -> Mapping[Slot | None, list[Slot]]:
    """New rows of a side, by the old row that they follow."""
    found: dict[Slot | None, list[Slot]] = {}
    anchor: Slot | None = None
    for slot in side:
        if slot in known:
            anchor = slot
        else:
            found.setdefault(anchor, []).append(slot)
    return found


def _both(ours: list[Slot], theirs: list[Slot]) -> list[Slot]:
    """New rows of both at one place: those under no header of their own first, then block by block, sorted."""
    (first, second) = sorted((_split(ours), _split(theirs)))
    return [*first[0], *second[0], *first[1], *second[1]]


def _split(block: list[Slot]) -> tuple[list[Slot], list[Slot]]:
    at = next((index for index, (key, _) in enumerate(block) if key[0] == HEADER), len(block))
    return block[:at], block[at:]
