"""Flips by cause: for each test item that flipped, the source whose vote or weight stands behind it.

Read from what both versions keep (votes, targets, predictions of each seed);
nothing is trained and no user code runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.project import Project
    from ovt.quality.attribution.causes import Evidence, FlipCause, FlipGroup, Taught
    from ovt.quality.attribution.vote_changes import VoteChanges
    from ovt.quality.slicediff import Flip
    from ovt.slicing.membership import Membership
    from ovt.workflows.attribution.sides import Side

    Shift = Callable[[str | None], NDArray[np.float64] | None]


@dataclass(frozen=True)
class FlipCauses:
    """The flips of one task, each with its cause."""

    task: str
    slice: str | None
    flips: tuple[Flip, ...]
    """Broken ones first, the most confident mistakes on top."""
    causes: tuple[FlipCause, ...]
    """In the order of `flips`."""
    groups: tuple[FlipGroup, ...]
    seeds: int
    """Of the version that has fewer; training noise is told from three on."""
    changed: int = 0
    """Sources of the task whose votes changed at all."""


def causes(project: Project, a: str, b: str, task: str, slice_: str | None = None) -> FlipCauses:
    """Why the test items of a task and slice (None: all) flipped between two versions.

    Raises:
        UsageError: neither version has the task, or there is no such revision.
        MissingError: a side has no model yet, or its votes are not on this machine.
    """
    from ovt.quality.attribution.causes import causes_of, grouped, held_over_seeds
    from ovt.quality.attribution.flip_votes import lay_flips
    from ovt.workflows.attribution.changes import kind_of
    from ovt.workflows.attribution.sides import opened_sides
    from ovt.workflows.review.compare import flips as flips_of

    flips = flips_of(project, a, b, task, slice_)
    with opened_sides(project, a, b) as (base, head):
        seeds = min((side.predictions[task].seeds for side in (base, head) if task in side.predictions), default=1)
        if not flips:
            return FlipCauses(task, slice_, (), (), (), seeds)
        evidence, changes = _evidence(base, head, task)
        flipped = lay_flips(flips, _items(head, task, flips), head.store.classes.get(task), head.forms[task])
        held = held_over_seeds(flips, base.predictions[task], head.predictions[task])
        found = causes_of(flips, flipped, evidence, held)
    before, after = {task: evidence.before.votes}, {task: evidence.after.votes}
    kinds = {name: kind_of((name,), before, after) for name in changes.by_source()}
    return FlipCauses(task, slice_, tuple(flips), tuple(found), tuple(grouped(flips, found, kinds)), seeds, len(kinds))


def all_causes(project: Project, a: str, b: str, task: str | None, slice_: str | None) -> list[FlipCauses]:
    """`causes` of one task, or of every task that both versions answer, where anything flipped.

    Raises:
        UsageError: no such task, slice or revision.
        MissingError: as for `causes`.
    """
    from ovt.workflows.review.compare import compare

    rows = compare(project, a, b).only(task, slice_).rows
    tasks = sorted({row.task for row in rows if row.slice == slice_ and row.broken + row.fixed})
    return [causes(project, a, b, name, slice_) for name in tasks]


def _evidence(base: Side, head: Side, task: str) -> tuple[Evidence, VoteChanges]:
    from ovt.quality.attribution.causes import Evidence
    from ovt.quality.attribution.flip_votes import Trusted
    from ovt.quality.attribution.vote_changes import same_items, vote_changes
    from ovt.slicing.membership import Membership

    before, after = _votes(base, head, task)
    changes = vote_changes(before, after)
    with head.linked("build/slices") as folder:
        members = Membership.load(folder, head.store.n)
    lessons = _lessons(head, task, members, changes)
    comparable = task in base.store.schema.tasks and same_items(task, base.store, head.store)
    shift = _shift(base, head, task, members) if comparable else lambda _: None
    evidence = Evidence(
        Trusted(before, _accuracies(base, task)), Trusted(after, _accuracies(head, task)), lessons, shift)
    return evidence, changes


def _votes(base: Side, head: Side, task: str) -> tuple[Votes, Votes]:
    """Both versions' votes, without gold, on the head's items; on items that the base lacks nothing changed."""
    from ovt.data.votes import Votes
    from ovt.quality.attribution.vote_changes import carry, same_items

    after = head.votes(task).without(head.project.settings.gold.source)
    if task not in base.store.schema.tasks:
        return Votes.empty(after.n_items), after
    own = base.votes(task).without(base.project.settings.gold.source)
    if same_items(task, base.store, head.store):
        return own, after
    carried = carry(own, task, base.store, head.store)
    return Votes.concat([carried.votes, after.on_items(~carried.shared)], after.n_items), after


def _lessons(head: Side, task: str, members: Membership, changes: VoteChanges) -> dict[str | None, Taught]:
    """What changed votes teach, by slice."""
    from ovt.quality.attribution.causes import taught
    from ovt.quality.attribution.influence import train_items

    k = len(head.store.classes.get(task, ())) or 1 + int(changes.labels.max(initial=0))
    found: dict[str | None, Taught] = {None: taught(changes, train_items(head.store, task, None), k)}
    for name in members.names:
        found[name] = taught(changes, train_items(head.store, task, members.column(name)), k)
    return found


def _shift(base: Side, head: Side, task: str, members: Membership) -> Shift:
    """How the training targets of a slice moved, read when it is first asked for."""
    from ovt.quality.attribution.influence import mass, train_items
    from ovt.training.optimisation.targets import read_targets

    targets = []
    for side in (base, head):
        with side.linked("build/labels") as folder:
            targets.append(read_targets(folder, head.store, task))
    k = len(head.store.classes.get(task, ())) or 64

    @cache
    def moved(name: str | None) -> NDArray[np.float64] | None:
        mask = train_items(head.store, task, None if name is None else members.column(name))
        difference: NDArray[np.float64] = mass(targets[1], mask, k) - mass(targets[0], mask, k)
        return difference

    return moved


def _items(head: Side, task: str, flips: Sequence[Flip]) -> NDArray[np.int64]:
    """(m,) the item of each flip in the head's store."""
    import numpy as np

    rows = head.store.rows_of([flip.id for flip in flips])
    offsets = head.store.item_offsets(task)
    if offsets is None:
        return rows
    found: NDArray[np.int64] = np.where(rows < 0, -1, offsets[rows] + np.asarray([flip.position for flip in flips]))
    return found


def _accuracies(side: Side, task: str) -> dict[str, float]:
    """By source, as the label model estimates them."""
    from ovt.versions.artifacts import read_report

    report = read_report(side.project, side.version, "sources.json") or {}
    rows = report.get("tasks", {}).get(task, {}).get("sources", [])
    return {row["source"]: float(row["accuracy"]) for row in rows if row["accuracy"] is not None}
