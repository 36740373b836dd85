"""Trying one change after the other: which of them, taken back, ends a regression.

The order of suspects, what a trial proves and what the budget allows is
decided here; what a trial is, `trials` knows; what counts as proof,
`quality.recovery`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ovt.quality.attribution.blame import Place
    from ovt.quality.attribution.influence import Influence
    from ovt.quality.attribution.recovery import Recovery
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.slicediff import SliceRow
    from ovt.workflows.attribution.changes import Changes, SourceChange
    from ovt.workflows.attribution.trials import Laboratory

MOST = 12
"""Changes whose targets are made without them; of more, those with the most changed votes."""
OTHER_SEED = 1
"""Added to the seed for the second opinion."""
DETOUR = 20
"""By this the level of a test is divided for a task that the change does not label: layers are shared, so it can be
hurt, but what moves there is nearly always the noise of training again."""
FEW = 0.01
"""Share of a slice's train items with a changed vote under which a source acts through the weights of others."""
PART = 0.2
"""Of a drop: with less a change is not named even as a part of its cause."""


@dataclass(frozen=True, eq=False)
class Case:
    """A regressed row that wants an explanation."""

    row: SliceRow
    wrong: NDArray[np.float64]
    """(k,) the mistakes that the head makes there, by class."""
    train: NDArray[np.bool_]
    """(n_items,) train items of the slice."""

    @property
    def place(self) -> Place:
        """Task and slice."""
        return self.row.task, self.row.slice


@dataclass(frozen=True)
class Suspect:
    """A change that moves training targets, with the targets that the head would have without it."""

    change: SourceChange
    targets: Mapping[str, Path]
    influence: Mapping[Place, Influence]

    def doubt(self, place: Place) -> int:
        """How many times harder the proof must be: a task whose targets did not move is hurt only by a detour."""
        return 1 if place in self.influence else DETOUR

    @property
    def rank(self) -> float:
        """The strongest pull towards the mistakes of any case."""
        return max((found.rank for found in self.influence.values()), default=0.0)


@dataclass(frozen=True)
class Proof:
    """What became of one case without one or several changes."""

    recovery: Recovery
    again: Recovery | None = None
    """The same with another seed, where it was tried."""

    @property
    def share(self) -> float:
        """Of the drop that is gone: the mean of both trainings."""
        if self.again is None:
            return self.recovery.share
        return (self.recovery.share + self.again.share) / 2


@dataclass
class Budget:
    """Seconds that blame may take."""

    seconds: float
    guess: float | None
    """Of one training and its evaluation, from earlier runs."""
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.begun)

    def allows(self, trainings: int, each: float | None) -> bool:
        """Whether so many more trainings fit; one of unknown length does while any time is left."""
        if trainings == 0:
            return True
        return self.left() >= trainings * each if each is not None else self.left() > 0


class Inquiry:
    """All trials about one comparison."""

    def __init__(self, lab: Laboratory, changes: Changes, cases: Sequence[Case], policy: Policy) -> None:
        self.lab, self.changes, self.cases, self.policy = lab, changes, list(cases), policy
        self.suspects: list[Suspect] = []
        self.harmless: list[SourceChange] = []
        """Changes that move no training target."""
        self.skipped: list[SourceChange] = []
        """Changes that were not looked at, for their number."""

    def find_suspects(self) -> None:
        """Make the targets without each change, and rank the changes by what they do to the cases."""
        by_votes = list(self.changes.sources)
        self.skipped = by_votes[MOST:]
        for change in by_votes[:MOST]:
            self.lab.progress.update("blame", f"votes without the change of {change.name}")
            targets = self.without([change])
            if self.same_targets(targets):
                self.harmless.append(change)
            else:
                self.suspects.append(Suspect(change, targets, self._influences(targets)))
        self.suspects.sort(key=lambda suspect: (-suspect.rank, suspect.change.name))

    def without(self, changes: Iterable[SourceChange]) -> dict[str, Path]:
        """The head's targets with some changes taken back."""
        from ovt.quality.attribution.vote_changes import take_back

        names = {name for change in changes for name in change.sources}
        tasks = {task for change in changes for task in change.tasks}
        made = {
            task: self.lab.targets(task, take_back(self.changes.after[task], self.changes.before[task], names))
            for task in sorted(tasks)
        }
        return {**self.lab.head_targets, **made}

    def only_by_weights(self, suspect: Suspect, place: Place) -> bool:
        """Whether it changed next to no vote on the train records of a case, but how far other sources are trusted."""
        from ovt.quality.attribution.vote_changes import touched

        case = next(case for case in self.cases if case.place == place)
        if place[0] not in suspect.change.tasks:
            return False
        count = touched(self.changes.moved[place[0]], suspect.change.sources, case.train)
        return count < FEW * int(case.train.sum())

    def same_targets(self, targets: Mapping[str, Path]) -> bool:
        """Whether they are the head's own, byte for byte."""
        own = self.lab.head_targets
        return all(path == own.get(task) or path.read_bytes() == own[task].read_bytes()
                   for task, path in targets.items())

    def try_without(self, targets: Mapping[str, Path], seed_offset: int = 0) -> dict[Place, Recovery]:
        """Train on other targets and see how each case does; with another seed against the head of that seed."""
        from ovt.quality.attribution.recovery import recovery

        without = self.lab.predictions(targets, seed_offset)
        head = self.lab.predictions(self.lab.head_targets, seed_offset)
        base = self.lab.base.predictions
        found = {}
        for case in self.cases:
            task = case.row.task
            compared = recovery(base[task], head[task], without[task], case.row.slice)
            if compared is not None:
                found[case.place] = compared
        return found

    def cost(self, targets: Mapping[str, Path], *, both_seeds: bool) -> int:
        """Trainings that it takes to try these targets, the second opinion included if asked for."""
        runs = [(targets, 0)]
        if both_seeds:
            runs += [(self.lab.head_targets, OTHER_SEED), (targets, OTHER_SEED)]
        return sum(not self.lab.is_free(wanted, seed) for wanted, seed in runs)

    def explains(self, case: Case, found: Recovery | None, tried: int) -> bool:
        """Whether a trial ends the regression of a case, as far as one training can tell."""
        floor = self.policy.thresholds(case.row.slice).floor
        return found is not None and found.candidate(self.policy.alpha, tried, floor)

    def contributes(self, case: Case, found: Recovery | None, tried: int) -> bool:
        """Whether it makes a case better by a part that counts, and by more than the floor."""
        floor = self.policy.thresholds(case.row.slice).floor
        return (found is not None and found.share >= PART and found.without - found.head > floor
                and found.better(self.policy.alpha / max(tried, 1)))

    def _influences(self, targets: Mapping[str, Path]) -> dict[Place, Influence]:
        from ovt.quality.attribution.influence import influence

        own, found = self.lab.head_targets, {}
        for case in self.cases:
            task = case.row.task
            if targets.get(task) == own.get(task) or task not in targets:
                continue
            with_change, without = self.lab.read(own[task], task), self.lab.read(targets[task], task)
            found[case.place] = influence(with_change, without, case.train, case.wrong)
        return found
