"""A sequence with what gold and both versions say of each token, one under the other.

    tokens  how tall is the ⟦president⟧ of france
    gold                    title          country
    old                     ✓              ✓
    new                     -title         ✓

Spans are drawn over the tokens that they cover, in brackets. `✓` is as gold, `✗` another label than gold, `+` a name or
span too many, `-` one that is missing: colour only repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from ovt_tui.bits import against, names
from ovt_tui.columns import Cell
from ovt_tui.widgets.table import clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.answers import Answer
    from ovt.schema.spec import Task
    from ovt_tui.columns import Tone

SIDES = ("gold", "old", "new")
MARGIN = 7
"""Cells of the names at the left."""


@dataclass(frozen=True)
class Piece:
    """Something written under the tokens `start` to `stop`."""

    start: int
    stop: int
    text: str
    tone: Tone = ""


def token_grid(
    tokens: Sequence[str], answers: Sequence[Answer], task: Task, position: int, width: int,
) -> list[list[Cell]]:
    """Four lines of at most `width` cells around a position; what does not fit is told by `…`."""
    marked = [f"⟦{token}⟧" if at == position else token for at, token in enumerate(tokens)]
    rows = {"tokens": [Piece(at, at + 1, token, "strong" if at == position else "")
                       for at, token in enumerate(marked)]}
    rows |= {side: _pieces(side, answers, task) for side in SIDES}
    widths = _widths(rows, len(marked))
    first, last = _window(widths, position, width - MARGIN - 4)
    return [_line(name, pieces, widths, first, last) for name, pieces in rows.items()]


def _pieces(side: str, answers: Sequence[Answer], task: Task) -> list[Piece]:
    labels = [str(getattr(answer, side)) for answer in answers]
    gold = [answer.gold for answer in answers]
    if task.spans:
        return _span_pieces(side, spans(labels), spans(gold))
    of_one = _bit_piece if task.type == "bitvector" else _class_piece
    found = [of_one(side, at, label, right) for at, (label, right) in enumerate(zip(labels, gold, strict=True))]
    return [piece for piece in found if piece.text]


def _class_piece(side: str, at: int, label: str, gold: str) -> Piece:
    if side == "gold":
        return Piece(at, at + 1, label)
    return Piece(at, at + 1, "✓", "good") if label == gold else Piece(at, at + 1, f"✗{label}", "bad")


def _bit_piece(side: str, at: int, label: str, gold: str) -> Piece:
    if side == "gold":
        return Piece(at, at + 1, ",".join(names(label)))
    if label == gold:
        return Piece(at, at + 1, "✓" if names(gold) else "", "good")
    return Piece(at, at + 1, against(label, gold), "bad")


def _span_pieces(side: str, found: list[tuple[int, int, str]], gold: list[tuple[int, int, str]]) -> list[Piece]:
    if side == "gold":
        return [Piece(start, stop, f"[{name}]") for start, stop, name in found]
    pieces = [Piece(start, stop, f"[✓{name}]", "good") if (start, stop, name) in gold
              else Piece(start, stop, f"[+{name}]", "bad") for start, stop, name in found]
    covered = {at for start, stop, _ in found for at in range(start, stop)}
    pieces += [Piece(start, stop, f"-{name}", "bad") for start, stop, name in gold
               if not covered & set(range(start, stop))]
    return sorted(pieces, key=lambda piece: piece.start)


def spans(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """First token, the token after the last, and name of each span that BIO labels spell; a stray I- begins one."""
    found: list[tuple[int, int, str]] = []
    for at, label in enumerate(labels):
        mark, _, name = label.partition("-")
        if mark == "I" and found and found[-1][1:] == (at, name):
            found[-1] = (found[-1][0], at + 1, name)
        elif mark in {"B", "I"} and name:
            found.append((at, at + 1, name))
    return found


def _widths(rows: dict[str, list[Piece]], count: int) -> list[int]:
    """Cells of each token's column: as wide as what stands in it."""
    widths = [1] * count
    for piece in (piece for pieces in rows.values() for piece in pieces if piece.start < count):
        stop = min(piece.stop, count)
        lacking = cell_len(piece.text) - sum(widths[piece.start:stop]) - (stop - piece.start - 1)
        widths[stop - 1] += max(lacking, 0)
    return widths


def _window(widths: Sequence[int], position: int, room: int) -> tuple[int, int]:
    """The columns around a position that fit."""
    at = max(0, min(position, len(widths) - 1))
    first, last, used = at, at + 1, widths[at] if widths else 0
    while True:
        left = first > 0 and used + widths[first - 1] + 1 <= room
        if left:
            first -= 1
            used += widths[first] + 1
        right = last < len(widths) and used + widths[last] + 1 <= room
        if right:
            used += widths[last] + 1
            last += 1
        if not (left or right):
            return first, last


def _line(name: str, pieces: Sequence[Piece], widths: Sequence[int], first: int, last: int) -> list[Cell]:
    inside = [piece for piece in pieces if piece.start < last and piece.stop > first]
    cells = [Cell(clip(name, MARGIN), "muted"), Cell("… " if name == "tokens" and first else "  ")]
    at = first
    for piece in inside:
        start, stop = max(piece.start, first), min(piece.stop, last)
        if start < at:  # overlaps the piece before it
            continue
        cells.append(Cell(" " * sum(widths[column] + 1 for column in range(at, start))))
        room = sum(widths[start:stop]) + stop - start - 1
        cells += [Cell(clip(piece.text, room), piece.tone), Cell(" ")]
        at = stop
    if name == "tokens" and last < len(widths):
        cells.append(Cell("…"))
    return cells
