"""What each source said about one item, in any version whose files are on this machine."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.project import Project
    from ovt.quality.slicediff import SourceVote
    from ovt.versions.history import Version

STORE = "build/store"


def votes_on(project: Project, spec: str, task: str, record_id: str, position: int = 0) -> list[SourceVote]:
    """Every source of a task, sorted by name, with what it said about an item; None where it abstained.

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
    with _store_of(project, version) as store:
        if task not in store.schema.tasks:
            raise UsageError(f"no task `{task}` in `{spec}`", why=nearest(task, store.schema.tasks))
        item = _item(store, version, task, record_id, position)
        votes = Votes.load(output_path(project, version, f"build/labels/{safe_name(task)}.votes.arrow"),
                           store.n_items(task))
        classes = store.classes.get(task)
        bitvector = store.schema.tasks[task].type == "bitvector"
    said = _labels(votes, item, classes, bitvector=bitvector)
    accuracy = _accuracies(read_report(project, version, "sources.json"), task)
    return [SourceVote(name, said.get(name), accuracy.get(name)) for name in votes.names]


@contextmanager
def _store_of(project: Project, version: Version) -> Iterator[Store]:
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
