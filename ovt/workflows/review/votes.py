"""What each source said about one item, in any version whose files are on this machine."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.project import Project
    from ovt.quality.slicediff import SourceVote
    from ovt.supervision.reporting.weighing import Weighed
    from ovt.versions.history import Version

STORE = "build/store"


@dataclass(frozen=True)
class ItemVotes:
    """What was said about one item in one version."""

    votes: tuple[SourceVote, ...]
    """Every source of the task, sorted by name."""
    posterior: tuple[tuple[str, float], ...] = ()
    """What the label model makes of them: labels with their probabilities, the most probable first (of a bitvector its
    single names, each by itself); empty where nobody votes or the version has no file of its label model."""


def votes_on(project: Project, spec: str, task: str, record_id: str, position: int = 0) -> list[SourceVote]:
    """Every source of a task, sorted by name, with what it said about an item; see `item_votes`."""
    return list(item_votes(project, spec, task, record_id, position).votes)


def item_votes(project: Project, spec: str, task: str, record_id: str, position: int = 0) -> ItemVotes:
    """Every source of a task with what it said about an item (None where it abstained), and what that comes to.

    Args:
        project: the project.
        spec: the version.
        task: the task.
        record_id: the record.
        position: token or member of the record; 0 where the task labels records.

    Raises:
        UsageError: no such revision, task, record or position in that version.
        MissingError: its files are not on this machine.
    """
    from ovt.data.votes import Votes
    from ovt.quality.slicediff import SourceVote
    from ovt.storage.files import safe_name
    from ovt.versions.artifacts import output_path, read_report
    from ovt.versions.history import resolve

    version = resolve(project, spec)
    with opened_store(project, version) as store:
        if task not in store.schema.tasks:
            raise UsageError(f"no task `{task}` in `{spec}`", why=nearest(task, store.schema.tasks))
        item = _item(store, version, task, record_id, position)
        votes = Votes.load(output_path(project, version, f"build/labels/{safe_name(task)}.votes.arrow"),
                           store.n_items(task))
        classes = store.classes.get(task)
        bitvector = store.schema.tasks[task].type == "bitvector"
        weights = _weights(project, version, store, task, votes, (item, position))
    said = _labels(votes, item, classes, bitvector=bitvector)
    accuracy = weights.accuracies | _accuracies(read_report(project, version, "sources.json"), task)
    found = [
        SourceVote(name, said.get(name), accuracy.get(name), *weights.of(name)) for name in votes.names
        # Of a crowd only who spoke: the others are thousands.
        if name in said or "/" not in name
    ]
    found += _corrections(project, record_id, task, position) if version.report == "workspace" else []
    return ItemVotes(tuple(found), weights.weighed.probabilities if weights.weighed is not None else ())


@dataclass(frozen=True)
class _Weights:
    """What the label model of a version makes of the votes on one item."""

    weighed: Weighed | None
    """None: the version has no file of its label model."""
    accuracies: dict[str, float | None]

    def of(self, source: str) -> tuple[float | None, float | None, bool]:
        """Log-odds, probability of the answer without the source, whether it decides."""
        found = {weight.source: weight for weight in self.weighed.weights} if self.weighed is not None else {}
        if self.weighed is None or source not in found:
            return None, None, False
        weight = found[source]
        top = self.weighed.probabilities[0][0]
        return weight.log_odds, dict(weight.without).get(top), weight.decisive


def _weights(
    project: Project, version: Version, store: Store, task: str, votes: Votes, place: tuple[int, int],
) -> _Weights:
    from ovt.errors import MissingError
    from ovt.storage.files import safe_name
    from ovt.supervision.posterior import load
    from ovt.supervision.reporting.weighing import RecordVotes, accuracies, weigh
    from ovt.versions.artifacts import output_path

    item, position = place
    try:
        learned = load(output_path(project, version, f"build/labels/{safe_name(task)}.model.safetensors"))
    except MissingError:  # trained before label models were kept, or there was nothing to learn
        return _Weights(None, {})
    offsets = store.item_offsets(task)
    row = item if offsets is None else item - position
    if offsets is not None:
        row = int(offsets.searchsorted(row, side="right")) - 1
    record = RecordVotes.of(store, task, row, votes)
    known: dict[str, float | None] = {name: round(value, 6) for name, value in accuracies(learned).items()}
    return _Weights(weigh(learned, record, position, store.classes.get(task)), known)


def _corrections(project: Project, record: str, task: str, position: int) -> list[SourceVote]:
    """What people corrected on the item: the one that counts."""
    from ovt.quality.slicediff import SourceVote
    from ovt.supervision.reporting.explain import corrections_on

    return [
        SourceVote(one.source, str(one.label), None, correction=True)
        for one in corrections_on(project, record, task) if one.counts and one.position in {None, position}
    ]


@contextmanager
def opened_store(project: Project, version: Version) -> Iterator[Store]:
    """The version's row store: the workspace's own, or its files in DVC's cache under their names."""
    from ovt.data.store import Store
    from ovt.storage.files import scratch_folder
    from ovt.versions.artifacts import output_files

    if version.report == "workspace":
        yield Store.open(project.build / "store")
        return
    with scratch_folder(project.private / "scratch", "store") as folder:
        for name, path in output_files(project, version, STORE).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(path)
        yield Store.open(folder)


def _item(store: Store, version: Version, task: str, record_id: str, position: int) -> int:
    row = store.row_of(record_id)
    if row is None:
        raise UsageError(f"no record `{record_id}` in `{version.spec}`", at=version.spec,
                         why="its data does not have it, or the record is in quarantine")
    offsets = store.item_offsets(task)
    first, last = (row, row + 1) if offsets is None else (int(offsets[row]), int(offsets[row + 1]))
    if not 0 <= position < last - first:
        raise UsageError(f"record `{record_id}` has no item {position} for `{task}`", at=version.spec,
                         why=f"it has {last - first}, counted from 0")
    return first + position


def _labels(votes: Votes, item: int, classes: list[str] | None, *, bitvector: bool) -> dict[str, str]:
    """By source, its label on the item in the words of predictions.parquet."""
    import numpy as np

    start, stop = np.searchsorted(votes.items, [item, item + 1]).tolist()
    by_source: dict[str, list[int]] = {}
    for source, label in zip(votes.sources[start:stop].tolist(), votes.labels[start:stop].tolist(), strict=True):
        by_source.setdefault(votes.names[source], []).append(label)
    if bitvector:
        assert classes is not None
        return {
            name: json.dumps(sorted(classes[label] for label in labels if label >= 0), ensure_ascii=False,
                             separators=(",", ":"))
            for name, labels in by_source.items()
        }
    return {name: classes[labels[0]] if classes else str(labels[0]) for name, labels in by_source.items()}


def _accuracies(report: dict[str, Any] | None, task: str) -> dict[str, float | None]:
    rows = ((report or {}).get("tasks", {}).get(task) or {}).get("sources", [])
    return {row["source"]: row["accuracy"] for row in rows}
