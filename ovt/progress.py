"""How long work tells what it is doing without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listener of a running stage; the command line draws it, tests collect it."""

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Replace the stage's line: what it does now, and how far it is (same unit for done and total)."""

    def note(self, text: str) -> None:
        """Say something that stays on the screen: a count, a warning, a decision."""


class Part:
    """One of several equal parts of a piece of work: its share of the whole progress, its name before each line."""

    def __init__(self, whole: Progress, name: str, number: int, parts: int) -> None:
        """Take part `number` (from 0) of so many."""
        self._whole, self._name, self._number, self._parts = whole, name, number, parts

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on with what the parts before have done."""
        if done is not None and total:
            done, total = self._number * total + done, self._parts * total
        self._whole.update(stage, f"{self._name} · {message}", done, total)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._whole.note(text)


class Silent:
    """Hears everything, says nothing; keeps the notes for whoever asks later."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Keep the text."""
        self.notes.append(text)
