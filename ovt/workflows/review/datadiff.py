"""What changed in the data of two versions: from what their compile and label stages made, or compiled on the spot.

A version with results is read where they lie (workspace or DVC's cache). The
workspace's data, edited and not yet run, is compiled into a scratch folder:
then labels are those that records bring along, on both sides, since labeling
functions have not been run on the new data.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.project import Project
    from ovt.quality.inputs.datadiff import DataDiff
    from ovt.quality.inputs.snapshot import Snapshot
    from ovt.quality.membership import RowsByName
    from ovt.versions.history import Version

WORKSPACE = "workspace"
INLINE = ("labeling functions were not run on the edited data yet: the labels compared are those that the records "
          "bring (`ovt run` for all)")


@dataclass(frozen=True)
class Outputs:
    """Where the results of one version lie."""

    project: Project
    version: Version
    folder: Path | None
    """Compiled on the spot into this folder; None: recorded results."""

    def path(self, output: str) -> Path | None:
        """A file of the version; None where it has none.

        Raises:
            MissingError: it has one, which is not on this machine.
        """
        from ovt.versions.artifacts import output_hashes, output_path

        if self.folder is not None:
            path = self.folder / output
            return path if path.is_file() else None
        top = "/".join(output.split("/")[:-1])
        if self.version.report != "workspace" and not {top, output} & set(output_hashes(self.project, self.version)):
            return None
        try:
            return output_path(self.project, self.version, output)
        except MissingError as error:
            if error.command and error.command.startswith("ovt pull"):
                raise
            return None


def data_diff(project: Project, a: str, b: str) -> DataDiff:
    """Compare the data of version B with that of version A.

    Raises:
        UsageError: an unknown revision.
        MissingError: a version was never compiled, or its results are not on this machine.
        ProjectError: the workspace's data cannot be compiled.
    """
    from ovt.versions.history import resolve

    before, after = resolve(project, a), resolve(project, b)
    with _opened(project, before) as (old, old_store), _opened(project, after) as (new, new_store):
        inline = old.folder is not None or new.folder is not None
        first, second = (_snapshot(outputs, store, inline=inline)
                         for outputs, store in ((old, old_store), (new, new_store)))
        return _compared((before, first), (after, second), (INLINE,) if inline else ())


def default_data_sides(project: Project, a: str | None, b: str | None) -> tuple[str, str]:
    """The versions that `ovt diff --data [A [B]]` means: the workspace against HEAD where its inputs differ.

    Raises:
        UsageError: there is nothing before the first commit.
    """
    from ovt.versions.history import resolve
    from ovt.workflows.review.compare import default_sides

    if b is None and (a is None or ".." not in a) and (
        resolve(project, WORKSPACE).key != resolve(project, "HEAD").key
    ):
        return a or "HEAD", WORKSPACE
    return default_sides(project, a, b)


def _compared(old: tuple[Version, Snapshot], new: tuple[Version, Snapshot], notes: tuple[str, ...]) -> DataDiff:
    from ovt.quality.inputs import comparison as compare
    from ovt.quality.inputs.datadiff import DataDiff, DataSide
    from ovt.quality.inputs.findings import findings

    a, b = old[1], new[1]
    sides = [DataSide(version.spec, version.commit, version.subject, len(one.splits)) for version, one in (old, new)]
    records, sources = compare.records_rows(a, b), compare.source_rows(a, b)
    names, distributions = compare.name_rows(a, b), compare.distribution_rows(a, b)
    return DataDiff(
        sides[0], sides[1], records, compare.schema_lines(a.schema, b.schema), sources, names, distributions,
        findings(a, b, records=records, sources=sources, names=names, distributions=distributions), notes)


@contextmanager
def _opened(project: Project, version: Version) -> Iterator[tuple[Outputs, Store]]:
    from ovt.data.store import Store
    from ovt.storage.files import scratch_folder
    from ovt.workflows.review.votes import opened_store

    if version.spec == WORKSPACE and version.report is None:
        with scratch_folder(project.private / "scratch", "data") as folder:
            _compile(project, folder)
            yield Outputs(project, version, folder), Store.open(folder / "build/store")
        return
    with opened_store(project, version) as store:
        yield Outputs(project, version, None), store


def _compile(project: Project, folder: Path) -> None:
    from ovt.progress import Silent
    from ovt.stages import compile as stage

    stage.run(project, folder, Silent())


def _snapshot(outputs: Outputs, store: Store, *, inline: bool) -> Snapshot:
    from ovt.quality.inputs.snapshot import Material, snapshot
    from ovt.schema.spec import SPLITS
    from ovt.storage.files import safe_name

    votes: dict[str, Votes] = {}
    gold: dict[tuple[str, str], Votes] = {}
    targets = {}
    for task in store.schema.tasks:
        name = safe_name(task)
        kept = f"build/votes/{name}.arrow" if inline else f"build/labels/{name}.votes.arrow"
        said = _votes(outputs, kept, store, task)
        votes |= {} if said is None else {task: said}
        for split in SPLITS[1:]:
            found = _votes(outputs, f"build/gold/{split}/{name}.arrow", store, task)
            gold |= {} if found is None else {(task, split): found}
        aimed = None if inline else outputs.path(f"build/labels/{name}.arrow")
        if aimed is not None:
            targets[task] = _targets(aimed, bitvector=store.schema.tasks[task].type == "bitvector")
    return snapshot(Material(store, votes, gold, targets, _tags(outputs, store), _slices(outputs, store)))


def _votes(outputs: Outputs, path: str, store: Store, task: str) -> Votes | None:
    from ovt.data.votes import Votes

    found = outputs.path(path)
    return None if found is None else Votes.load(found, store.n_items(task))


def _targets(path: Path, *, bitvector: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items with their most probable label, those of weight 0 left out; of a bitvector every name that is likely."""
    import numpy as np
    import pyarrow as pa

    from ovt.data.columns import view

    with pa.memory_map(str(path)) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
    items, weights, column = view(batch.column(0)), view(batch.column(1)), batch.column(2)
    values = view(column.flatten())
    n = len(items)
    if pa.types.is_fixed_size_list(column.type):
        table = values.reshape(n, column.type.list_size)
        rows, labels = np.nonzero(table >= 0.5) if bitvector else (np.arange(n), table.argmax(axis=1))
    else:
        rows, labels = np.arange(n), _ragged_argmax(values, view(column.offsets).astype(np.int64))
    kept = weights[rows] > 0
    return items[rows][kept].astype(np.int64), labels[kept].astype(np.int64)


def _ragged_argmax(values: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The position of the largest value of each list; -1 of an empty one."""
    import numpy as np

    offsets = offsets - offsets[0]
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((np.arange(len(values)), -values, owners))
    found = np.full(len(offsets) - 1, -1, np.int64)
    filled = np.diff(offsets) > 0
    found[filled] = order[offsets[:-1][filled]] - offsets[:-1][filled]
    return found


def _tags(outputs: Outputs, store: Store) -> RowsByName:
    from ovt.quality.membership import RowsByName
    from ovt.stages.evaluate import read_tags

    path = outputs.path("build/tags.parquet")
    return RowsByName(store.n, {}) if path is None else read_tags(path)


def _slices(outputs: Outputs, store: Store) -> RowsByName:
    from ovt.quality.membership import RowsByName
    from ovt.slicing.membership import MEMBERSHIP_FILE, SLICES_FILE, Membership
    from ovt.storage.files import scratch_folder

    paths = {name: outputs.path(f"build/slices/{name}") for name in (MEMBERSHIP_FILE, SLICES_FILE)}
    if any(path is None for path in paths.values()):
        return RowsByName(store.n, {})
    with scratch_folder(outputs.project.private / "scratch", "slices") as folder:
        for name, path in paths.items():
            assert path is not None
            (folder / name).symlink_to(path)
        found = Membership.load(folder, store.n)
    return RowsByName.from_columns(found.names, found.matrix)
