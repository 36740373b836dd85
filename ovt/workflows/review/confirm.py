"""`--confirm`: both versions trained with two more seeds, so that training noise is known before a verdict counts.

Seeds are trained in turn, one of the older version, one of the newer, so that
a budget that ends early leaves both with as many as possible; every finished
one is kept (`ovt.workflows.review.extra_seeds`), and the next call goes on from there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.slicediff import SliceDiff
    from ovt.versions.history import Version

MORE = 2
"""Seeds of each version besides its own."""


@dataclass(frozen=True)
class Wanted:
    """A training that is still to be done."""

    version: Version
    seed: int


def confirm(
    project: Project, a: str, b: str, minutes: float | None = None, progress: Progress | None = None,
) -> SliceDiff:
    """Compare version B with version A after training both with more seeds.

    Args:
        project: the project; neither its working tree nor its results are touched.
        a: the older version.
        b: the newer one.
        minutes: no training is begun that is not expected to end in time; None: as long as it takes.
        progress: hears how far it is.

    Raises:
        UsageError: an unknown revision.
        MissingError: a side has no model yet, or what training reads is not on this machine and cannot be fetched.
    """
    from ovt.progress import Part, Silent
    from ovt.workflows.background.estimate import remembered
    from ovt.workflows.review.compare import compare
    from ovt.workflows.review.extra_seeds import INPUTS, train_seed
    from ovt.workflows.review.stand_in import bring_outputs

    listener = progress or Silent()
    wanted = _wanted(project, a, b)
    budget = _Budget(None if minutes is None else 60 * minutes, _guess(remembered(project, "train", "evaluate"), wanted,
                                                                       project))
    done = 0
    for number, one in enumerate(wanted):
        if not budget.allows():
            break
        bring_outputs(project, one.version, INPUTS, listener)
        train_seed(project, one.version, one.seed,
                   Part(listener, f"{one.version.spec}, seed {one.seed}", number, len(wanted)))
        budget.count()
        done += 1
    diff = compare(project, a, b, progress=listener)
    return diff if done == len(wanted) else replace(diff, notes=(*diff.notes, _short(a, b, done, len(wanted), minutes)))


def _wanted(project: Project, a: str, b: str) -> list[Wanted]:
    """The seeds that neither version has yet, in turn; versions of the same inputs share them."""
    from ovt.workflows.review.extra_seeds import kept_seeds, own_seeds
    from ovt.workflows.review.opened import open_version

    sides = []
    versions = {opened.version.key: opened.version for opened in (open_version(project, a), open_version(project, b))}
    for version in versions.values():
        have, after = kept_seeds(project, version), own_seeds(project, version).stop
        sides.append([Wanted(version, seed) for seed in range(after, after + MORE) if seed not in have])
    return [side[place] for place in range(MORE) for side in sides if place < len(side)]


def _guess(seconds: float | None, wanted: list[Wanted], project: Project) -> float | None:
    """What one training is expected to take: the last one here, by the networks that it trained."""
    from ovt.workflows.review.extra_seeds import own_seeds

    if seconds is None or not wanted:
        return None
    return seconds / len(own_seeds(project, wanted[-1].version))


def _short(a: str, b: str, done: int, wanted: int, minutes: float | None) -> str:
    more = f"ovt diff {a} {b} --confirm --minutes {2 * (minutes or 1):g}"
    return f"{done} of {wanted} more trainings fitted into {minutes or 0:g} minutes; `{more}` goes on"


class _Budget:
    """How long may be trained, and whether one more training fits."""

    def __init__(self, seconds: float | None, guess: float | None) -> None:
        self._seconds, self._guess = seconds, guess
        self._begun, self._done = time.monotonic(), 0

    def allows(self) -> bool:
        """Whether another training is expected to end in time; one of unknown length is begun while there is any."""
        if self._seconds is None:
            return True
        spent = time.monotonic() - self._begun
        each = spent / self._done if self._done else self._guess or 0.0
        return spent < self._seconds and spent + each <= self._seconds

    def count(self) -> None:
        """One is done."""
        self._done += 1
