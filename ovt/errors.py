"""Every error that a user can meet, with what, where, why, the fix and a command to try.

The tree of exceptions (the number is the exit code of the command line):

    OvtError
    ├── UsageError        2  the command was typed wrongly
    ├── ProjectError      3  schema, data, settings or a labeling function is wrong
    ├── MissingError      4  something is not here (pull first) or cannot be compared
    └── InternalError     5  a bug in ovt
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_OK = 0
EXIT_FINDING = 1
EXIT_USAGE = 2
EXIT_PROJECT = 3
EXIT_MISSING = 4
EXIT_INTERNAL = 5
EXIT_INTERRUPTED = 130


class OvtError(Exception):
    """An error that is told to the user in full sentences; it never needs a traceback.

    Args:
        what: what went wrong, one line, lower case, no full stop.
        at: where: ``FILE:LINE``, a path inside a document, a revision.
        why: the cause, with the value found and the first record it was found in.
        fix: what to change.
        command: a command that helps, ready to paste.
    """

    exit_code: ClassVar[int] = EXIT_INTERNAL

    def __init__(
        self,
        what: str,
        *,
        at: str | None = None,
        why: str | None = None,
        fix: str | None = None,
        command: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.why = why
        self.fix = fix
        self.command = command

    def lines(self) -> list[tuple[str, str]]:
        """The labelled lines below the headline, those that are known."""
        pairs = (("at", self.at), ("why", self.why), ("fix", self.fix), ("try", self.command))
        return [(label, text) for label, text in pairs if text]

    def __str__(self) -> str:
        body = "".join(f"\n  {label:<4} {text}" for label, text in self.lines())
        return f"{self.what}{body}"


class UsageError(OvtError):
    """The command line cannot be understood (exit 2)."""

    exit_code = EXIT_USAGE


class ProjectError(OvtError):
    """The user's project is wrong: schema, data, settings, a function (exit 3)."""

    exit_code = EXIT_PROJECT


class MissingError(OvtError):
    """Something is not on this machine, or two things cannot be compared (exit 4)."""

    exit_code = EXIT_MISSING


class InternalError(OvtError):
    """A promise that ovt makes to itself was broken: a bug (exit 5)."""

    exit_code = EXIT_INTERNAL


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``did you mean `dev`?``, or the known words if none is near."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(words)}" if words else ""
