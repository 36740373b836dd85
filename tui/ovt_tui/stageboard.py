"""How far a run is, a line for each stage: pure functions on frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ovt.project import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovt_tui.messages import Told

StageState = Literal["waiting", "running", "ran", "restored", "unchanged", "stopped"]

SIGNS: dict[StageState, str] = {
    "waiting": "○", "running": "▸", "ran": "✓", "restored": "↺", "unchanged": "=", "stopped": "■",
}
"""Always shown with the word."""
BAR = 10
"""Cells of a bar."""


@dataclass(frozen=True)
class StageLine:
    """One stage."""

    name: str
    state: StageState = "waiting"
    text: str = ""
    done: float | None = None
    total: float | None = None


Board = tuple[StageLine, ...]


def fresh() -> Board:
    """The four stages before they start."""
    return tuple(StageLine(name) for name in STAGES)


def told(board: Board, message: Told) -> Board:
    """The board after a stage has said something; one that nobody knows (tuning, the commit) gets a line."""
    if message.stage not in {line.name for line in board}:
        return (*_before(board, len(board)), StageLine(message.stage, "running", message.text))
    at = next(index for index, line in enumerate(board) if line.name == message.stage)
    now = StageLine(message.stage, "running", message.text, message.done, message.total)
    return (*_before(board, at), now, *board[at + 1:])


def _before(board: Board, at: int) -> Iterable[StageLine]:
    """Lines above one that runs: what ran is done; what never said a word was up to date or in the run-cache."""
    after: dict[StageState, StageState] = {"running": "ran", "waiting": "unchanged"}
    return (replace(line, state=after.get(line.state, line.state), done=None) for line in board[:at])


def ended(board: Board, actions: Mapping[str, str]) -> Board:
    """The board once all is done: what happened to each stage, by its name."""
    known: dict[str, StageState] = {"ran": "ran", "restored": "restored", "unchanged": "unchanged"}
    return tuple(
        replace(line, state=known.get(actions.get(line.name, "ran"), "ran"), done=None, text="") for line in board
    )


def stopped(board: Board) -> Board:
    """The board of a run that was stopped, or failed."""
    return tuple(replace(line, state="stopped", done=None) if line.state == "running" else line for line in board)


def bar(share: float, width: int = BAR) -> str:
    """A bar, and the number it stands for."""
    share = min(max(share, 0.0), 1.0)
    full = int(share * width)
    return "▰" * full + "▱" * (width - full) + f" {100 * share:.0f} %"


def line_text(line: StageLine) -> str:
    """Sign, name, word, how far it is, what it does."""
    drawn = bar(line.done / line.total) + "  " if line.done is not None and line.total else ""
    return f"{SIGNS[line.state]} {line.name:<9} {line.state:<10} {drawn}{line.text}".rstrip()
