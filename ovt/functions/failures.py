"""Records that a function failed on: counted, and told as one error per function when all were tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import ProjectError
from ovt.functions.answers import AnswerError
from ovt.functions.discover import Function, undeclared
from ovt.functions.loading import place_of, told

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ovt.progress import Progress


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


def failure_of(function: Function, record: str, error: BaseException) -> Failure:
    """What went wrong on one record."""
    if isinstance(error, AnswerError):
        return Failure(function, 1, record, f"its answer is no label of `{function.task}`: {error}", function.at,
                       "return a label as the task needs it, or ABSTAIN")
    place = place_of(error, function.environment.boundary) or function.at
    null = "NoneType" in str(error)
    fix = "return ABSTAIN where a payload is null" if null else "mend the function, or return ABSTAIN for such records"
    return Failure(function, 1, record, told(error), place, fix)


def add_failure(failures: dict[str, Failure], failure: Failure) -> None:
    """Count a failure; the first of each function is the one that is told."""
    known = failures.setdefault(failure.function.name, failure)
    if known is not failure:
        known.count += failure.count


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
    for error in errors[1:]:
        progress.note(f"error: {error}")
    if errors:
        raise errors[0]


def _problem(failure: Failure, n: int) -> ProjectError:
    function = failure.function
    command = f"ovt label --source {function.name} --record {failure.first}"
    return ProjectError(
        f"{function.kind} function `{function.name}` failed on {failure.count:,} of {n:,} records", at=failure.at,
        why=f"{failure.why} (first: {failure.first})", fix=failure.fix,
        command=command if function.kind == "labeling" else f"ovt slice show {function.slice}",
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
