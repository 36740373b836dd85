"""Records that a function failed on: counted, and told as one error per function when all were tried."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import ProjectError
from ovt.functions.answers import AnswerError
from ovt.functions.discover import Function, undeclared
from ovt.functions.loading import place_of, told

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ovt.functions.processes.isolation import Boundary
    from ovt.functions.processes.workers import Death
    from ovt.progress import Progress


_LONGEST = 12
"""Lines of a traceback that are kept: endless recursion has a thousand."""


@dataclass
class Failure:
    """Records that a function failed on."""

    function: Function
    count: int
    first: str
    """Id of the first record."""
    why: str
    at: str
    """The user's line that raised, or where the function is."""
    fix: str
    traceback: str = ""
    """The user's lines of it, outermost first; empty where the answer, not the code, is wrong."""
    stopped: bool = False
    """Whether the other records were not tried any more."""


@dataclass
class Told:
    """A failure without its function: what a worker sends."""

    record: str
    why: str
    at: str
    fix: str
    traceback: str = ""
    stopped: bool = False
    count: int = 1

    def of(self, function: Function) -> Failure:
        """The failure of that function."""
        return Failure(function, self.count, self.record, self.why, self.at, self.fix, self.traceback, self.stopped)


def failure_of(function: Function, record: str, error: BaseException) -> Failure:
    """What went wrong on one record."""
    return told_of(function, record, error).of(function)


def told_of(function: Function, record: str, error: BaseException) -> Told:
    """What went wrong on one record, as plain values."""
    if isinstance(error, AnswerError):
        what = f"of `{function.task}`" if function.task else "for a slice"
        return Told(record, f"its answer is no label {what}: {error}", function.at,
                    "return a label as the task needs it, or ABSTAIN")
    boundary = function.environment.boundary
    place = place_of(error, boundary) or function.at
    if isinstance(error, MemoryError):
        return Told(record, "it took more memory than it may", place, "take less, or raise `errors.memory` in ovt.yaml",
                    traceback_of(error, boundary), stopped=True)
    null = "NoneType" in str(error)
    fix = "return ABSTAIN where a payload is null" if null else "mend the function, or return ABSTAIN for such records"
    return Told(record, told(error), place, fix, traceback_of(error, boundary))


def death_of(function: Function, record: str, death: Death) -> Failure:
    """A worker's end in the middle of a record."""
    boundary = function.environment.boundary
    own = [frame for frame in death.frames if boundary.owns(frame.file)]
    place = f"{boundary.shown(own[0].file)}:{own[0].line}" if own else function.at
    lines = [f"{boundary.shown(frame.file)}:{frame.line} in {frame.name}" for frame in reversed(own)]
    fix = ("make it faster there, or raise `errors.seconds` in ovt.yaml" if death.seconds is not None
           else "mend the function: it must not end the process that it runs in")
    return Failure(function, 1, record, death.why, place, fix, "\n".join(lines), stopped=True)


def traceback_of(error: BaseException, boundary: Boundary) -> str:
    """The lines of a traceback from the user's first one on, one per frame, outermost first."""
    frames = list(traceback.extract_tb(error.__traceback__))
    first = next((at for at, frame in enumerate(frames) if boundary.owns(frame.filename)), len(frames))
    own = frames[first:]
    lines = [f"{boundary.shown(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}" for frame in own]
    return "\n".join([*lines[-_LONGEST:], told(error)] if lines else [])


def add_failure(failures: dict[str, Failure], failure: Failure) -> None:
    """Count a failure; the first of each function is the one that is told."""
    known = failures.setdefault(failure.function.name, failure)
    if known is not failure:
        known.count += failure.count
        known.stopped = known.stopped or failure.stopped


def raise_failures(failures: Sequence[Failure], n: int, progress: Progress) -> None:
    """Tell every failure: the first is raised, the others are notes.

    Args:
        failures: one per function.
        n: how many records there are.
        progress: hears the notes.

    Raises:
        ProjectError: there is one.
    """
    errors = [_problem(failure, n) for failure in failures]
    for failure in failures:
        if "\n" in failure.traceback:
            indented = failure.traceback.replace("\n", "\n  ")
            progress.note(f"traceback of `{failure.function.name}` on {failure.first}:\n  {indented}")
    for error in errors[1:]:
        progress.note(f"error: {error}")
    if errors:
        raise errors[0]


def _problem(failure: Failure, n: int) -> ProjectError:
    function = failure.function
    if function.kind == "generator":  # it has no record to be tried on
        return ProjectError(f"generator `{function.name}` failed", at=failure.at,
                            why=f"{failure.why} ({failure.first})", fix=failure.fix,
                            command=f"ovt label --source {function.name} --sample 5")
    command = f"ovt label --source {function.name} --record {failure.first}"
    much = f"was stopped at record {failure.first}" if failure.stopped and failure.count == 1 else (
        f"failed on {failure.count:,} of {n:,} records{' and was stopped' if failure.stopped else ''}")
    return ProjectError(
        f"{function.kind} function `{function.name}` {much}", at=failure.at,
        why=f"{failure.why} (first: {failure.first})", fix=failure.fix,
        command=command if function.kind != "slicing" else f"ovt slice show {function.slice}",
    )


def hidden_input(function: Function, files: Collection[str]) -> ProjectError:
    """The error for files of the repository that a function read while it ran and its key does not cover."""
    boundary = function.environment.boundary
    outside = [path for path in files if not boundary.declares(path)]
    if outside:
        return undeclared(boundary, outside, f"function `{function.name}` reads", function.at)
    names = ", ".join(f'"{boundary.shown(path)}"' for path in sorted(files))
    return ProjectError(
        f"{function.kind} function `{function.name}` reads {names} while it runs", at=function.at,
        why="its cached answers would not notice a change of that file",
        fix=f"name it in the decorator, `resources=[{names}]`, or read it when the module is imported",
    )
