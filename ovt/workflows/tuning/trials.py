"""What a search tried, and why it chose what it chose: read from the journal, nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, ProjectError
from ovt.training.tuning.lock import read_lock
from ovt.training.tuning.spec import SPEC_FILE, Spec, load_spec

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.training.tuning.trial import Result


@dataclass(frozen=True)
class Trial:
    """One trial."""

    values: dict[str, Any]
    """What it tried, by path: `training.batch`."""
    result: Result
    chosen: bool


@dataclass(frozen=True)
class Trials:
    """The trials of one search."""

    trials: tuple[Trial, ...]
    reason: str
    """Why the chosen one was, or why none is."""
    current: bool
    """Whether they answer tuning.yaml, schema and data as they are now; if not, they are the latest there are."""


def read_trials(project: Project) -> Trials:
    """The trials for the present question; of the latest one where there are none yet.

    Raises:
        MissingError: nothing was searched on this machine.
    """
    from ovt.training.tuning.choice import choose
    from ovt.training.tuning.study import studies_of

    spec = load_spec(project.root, project.schema)
    studies = studies_of(project.private)
    if not studies:
        raise MissingError("no trial was run on this machine", at=str(project.private / "tune"), fix="search here",
                           why="trials stay where they were run; what they chose is in tuning.lock.yaml"
                           if (project.root / SPEC_FILE).is_file() else "there is no tuning.yaml",
                           command="ovt tune")
    asked = _question(project, spec)
    name, rows = next((found for found in studies if found[0] == asked), studies[-1])
    results = {number: result for number, _, result in rows}
    try:
        choice = choose(results, spec.search.prefer if spec else "quality")
        chosen, reason = choice.trial, choice.reason
    except ProjectError as error:
        chosen, reason = -1, f"{error.what}: {error.why}"
    trials = tuple(Trial(values, result, number == chosen) for number, values, result in rows)
    return Trials(trials, reason, current=name == asked)


def _question(project: Project, spec: Spec | None) -> str | None:
    from ovt.training.tuning.search import question

    if spec is None or not (project.build / "store").is_dir():
        return None
    lock = read_lock(project.root)
    return question(project, spec, lock.parent if lock else None)
