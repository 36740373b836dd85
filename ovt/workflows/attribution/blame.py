"""`ovt check --blame`: which changed source made the slices worse, found by taking its change back and training again.

Suspects are tried in the order of what their change does to the training
targets of the regressed slices. A suspect is confirmed only if the head without
its change has recovered with two seeds; what the budget does not allow to
retrain stays a suspicion and is called so. Nothing in the user's working tree is
touched.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.workflows.attribution.inquiry import OTHER_SEED, Budget, Case, Inquiry, Proof, Suspect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.attribution.blame import BlameReport, Place
    from ovt.quality.attribution.recovery import Recovery
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import SliceDiff, SliceRow
    from ovt.workflows.attribution.trials import Laboratory


@dataclass
class Hearing:
    """What the trials of one inquiry came to."""

    proofs: dict[str, dict[Place, Proof]] = field(default_factory=dict)
    """By suspect, the cases that it was confirmed for."""
    first: dict[str, dict[Place, Recovery]] = field(default_factory=dict)
    """By suspect that was tried, the cases with the first seed."""
    not_again: dict[str, set[Place]] = field(default_factory=dict)
    """Cases that recovered with the first seed and not with the second."""
    untried: list[Suspect] = field(default_factory=list)
    """The budget did not allow it."""
    together: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    """Cases that end only when the changes of several suspects are taken back, with two seeds."""
    noise: set[Place] = field(default_factory=set)
    """Cases that are not there with another seed."""
    without_sources: dict[Place, Recovery] = field(default_factory=dict)
    """With the changes of all sources taken back."""

    def explained(self) -> set[Place]:
        """Cases whose whole drop has a confirmed cause."""
        from ovt.quality.attribution.recovery import ENOUGH

        return {place for proofs in self.proofs.values() for place, proof in proofs.items() if proof.share >= ENOUGH}


def blame(
    project: Project, diff_or_result: SliceDiff | CheckResult, *, minutes: float, progress: Progress,
) -> BlameReport:
    """Find out which changes made the regressed rows of a comparison.

    Args:
        project: the project.
        diff_or_result: the comparison of base and head, or the check that holds it.
        minutes: how long it may take; what does not fit is told as a suspicion.
        progress: hears what is tried.

    Raises:
        MissingError: votes, labels or records of a side are not on this machine.
    """
    from ovt.quality.attribution.blame import BlameReport
    from ovt.quality.policy.thresholds import Policy
    from ovt.quality.policy.verdict import CheckResult
    from ovt.workflows.attribution.accusation import report_of
    from ovt.workflows.attribution.changes import what_changed
    from ovt.workflows.attribution.sides import opened_sides
    from ovt.workflows.attribution.trials import laboratory
    from ovt.workflows.background.estimate import remembered

    diff = diff_or_result.diff if isinstance(diff_or_result, CheckResult) else diff_or_result
    policy = Policy.of(project.settings.check)
    rows = [row for row in diff.regressed() if _has_dropped(row, policy)]
    if not rows:
        return BlameReport()
    begun = time.monotonic()
    budget = Budget(60 * minutes, remembered(project, "train", "evaluate"))
    with opened_sides(project, diff.a.name, diff.b.name) as (base, head), laboratory(base, head, progress) as lab:
        progress.update("blame", "comparing votes")
        changes = what_changed(base, head, progress)
        inquiry = Inquiry(lab, changes, _cases(rows, lab), policy)
        inquiry.find_suspects()
        hearing = hear(inquiry, budget)
        return report_of(inquiry, hearing, minutes, time.monotonic() - begun)


def hear(inquiry: Inquiry, budget: Budget) -> Hearing:
    """Try the suspects one by one, then what is left of them together."""
    hearing = Hearing()
    for suspect in inquiry.suspects:
        if _open_cases(inquiry, hearing):
            _try_alone(inquiry, hearing, suspect, budget)
    _parts(inquiry, hearing, budget)
    _together(inquiry, hearing, budget)
    return hearing


def _try_alone(inquiry: Inquiry, hearing: Hearing, suspect: Suspect, budget: Budget) -> None:
    if not _affordable(inquiry, suspect, budget):
        hearing.untried.append(suspect)
        return
    name, tried = suspect.change.name, len(inquiry.suspects)
    inquiry.lab.progress.update("blame", f"training without the change of {name}")
    hearing.first[name] = inquiry.try_without(suspect.targets)
    ended = [case for case in _open_cases(inquiry, hearing)
             if inquiry.explains(case, hearing.first[name].get(case.place), tried * suspect.doubt(case.place))]
    _second_opinion(inquiry, hearing, suspect, ended)


def _parts(inquiry: Inquiry, hearing: Hearing, budget: Budget) -> None:
    """Suspects that explain a part of what no single one explains."""
    tried = len(inquiry.suspects)
    for suspect in inquiry.suspects:
        name = suspect.change.name
        parts = [
            case for case in _open_cases(inquiry, hearing)
            if inquiry.contributes(case, hearing.first.get(name, {}).get(case.place), tried * suspect.doubt(case.place))
            and case.place not in hearing.not_again.get(name, ())
        ]
        if parts and _affordable(inquiry, suspect, budget):
            _second_opinion(inquiry, hearing, suspect, parts)


def _second_opinion(inquiry: Inquiry, hearing: Hearing, suspect: Suspect, cases: Sequence[Case]) -> None:
    """Train head and head without the change with another seed; keep the cases that are better again."""
    if not cases:
        return
    name = suspect.change.name
    inquiry.lab.progress.update("blame", f"the same with another seed: {name}")
    again = inquiry.try_without(suspect.targets, OTHER_SEED)
    for case in cases:
        second = again.get(case.place)
        if second is not None and inquiry.contributes(case, second, suspect.doubt(case.place)):
            hearing.proofs.setdefault(name, {})[case.place] = Proof(hearing.first[name][case.place], second)
        else:
            hearing.not_again.setdefault(name, set()).add(case.place)


def _together(inquiry: Inquiry, hearing: Hearing, budget: Budget) -> None:
    """Take back all suspects at once, with two seeds; where that ends a case, find the first few that end it too."""
    many = len(inquiry.suspects)
    open_ = _unnamed_cases(inquiry, hearing)
    if many < 2 or not open_:
        return
    held, hearing.without_sources = _try_first(inquiry, many, open_, budget)
    ended = [case for case in open_ if inquiry.explains(case, hearing.without_sources.get(case.place), many)]
    hearing.noise.update(case.place for case in ended if case not in held)
    hearing.together.update({case.place: _names(inquiry, many) for case in held})
    for count in range(2, many):
        if held:
            fewer, _ = _try_first(inquiry, count, held, budget)
            hearing.together.update({case.place: _names(inquiry, count) for case in fewer})
            held = [case for case in held if case not in fewer]


def _try_first(
    inquiry: Inquiry, count: int, cases: Sequence[Case], budget: Budget,
) -> tuple[list[Case], dict[Place, Recovery]]:
    """Take back the first suspects: the cases that end with two seeds, and all of them with the first."""
    chosen = inquiry.suspects[:count]
    targets = inquiry.without([suspect.change for suspect in chosen])
    if not budget.allows(inquiry.cost(targets, both_seeds=True), inquiry.lab.spent.each(budget.guess)):
        return [], {}
    inquiry.lab.progress.update("blame", f"training without the changes of {', '.join(_names(inquiry, count))}")
    found = inquiry.try_without(targets)
    ended = [case for case in cases if inquiry.explains(case, found.get(case.place), len(inquiry.suspects))]
    again = inquiry.try_without(targets, OTHER_SEED) if ended else {}
    return [case for case in ended if inquiry.contributes(case, again.get(case.place), 1)], found


def _names(inquiry: Inquiry, count: int) -> tuple[str, ...]:
    return tuple(suspect.change.name for suspect in inquiry.suspects[:count])


def _unnamed_cases(inquiry: Inquiry, hearing: Hearing) -> list[Case]:
    """Cases that nothing has been found about yet, not even a part of the cause."""
    named = {place for proofs in hearing.proofs.values() for place in proofs}
    done = named | set(hearing.together) | hearing.noise
    return [case for case in inquiry.cases if case.place not in done]


def _open_cases(inquiry: Inquiry, hearing: Hearing) -> list[Case]:
    explained = hearing.explained()
    return [case for case in inquiry.cases if case.place not in explained]


def _affordable(inquiry: Inquiry, suspect: Suspect, budget: Budget) -> bool:
    cost = inquiry.cost(suspect.targets, both_seeds=True)
    return budget.allows(cost, inquiry.lab.spent.each(budget.guess))


def _cases(rows: Sequence[SliceRow], lab: Laboratory) -> list[Case]:
    """The rows whose task both versions answer, with their mistakes and their train items."""
    from ovt.quality.attribution.influence import train_items, wrong_classes

    members, store = lab.membership(), lab.head.store
    old, new = lab.base.predictions, lab.head.predictions
    cases = []
    for row in rows:
        if row.task in old and row.task in new:
            wrong = wrong_classes(old[row.task], new[row.task], row.slice, store.classes.get(row.task))
            column = members.column(row.slice) if row.slice in members.names else None
            cases.append(Case(row, wrong, train_items(store, row.task, column)))
    return cases


def _has_dropped(row: SliceRow, policy: Policy) -> bool:
    """Whether there is a drop to explain: a row may also be called regressed for being below its minimum as before."""
    floor = policy.thresholds(row.slice).floor
    return row.delta is not None and row.delta < -floor and row.p is not None and row.p <= policy.alpha
