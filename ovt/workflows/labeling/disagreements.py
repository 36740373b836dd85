"""Confident errors and disagreements of a version on one slice: where the next labeling function is to be found.

On dev and test the model is laid beside gold and beside what the label model
makes of the sources' votes. On train there are no predictions, so there it is
the training targets that are looked at: which of them the sources leave open,
and which records no source says anything about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.project import Project
    from ovt.quality.disagreements import Answers, Disagreement
    from ovt.quality.metrics import Form
    from ovt.versions.history import Version
    from ovt.workflows.review.opened import Opened


@dataclass(frozen=True)
class Disagreements:
    """What was found in one slice of one version."""

    spec: str
    rows: tuple[Disagreement, ...]
    dev: tuple[int, int]
    """Items that the model has wrong, items with gold."""
    test: tuple[int, int]
    """The same on test, which is counted whether or not its records are shown."""
    shows_test: bool
    silent: int
    """Train records of the slice on which no source votes."""
    notes: tuple[str, ...] = ()


def disagreements(
    project: Project, spec: str, task: str, slice_: str | None, *, show_test: bool = False,
) -> Disagreements:
    """Find them.

    Args:
        project: the project.
        spec: the version.
        task: the task.
        slice_: only its members; None: all records.
        show_test: list errors on test too, with their text. Who looks at them spoils the test set.

    Raises:
        UsageError: no such revision or task.
        MissingError: the version has no model yet, or its files are not on this machine.
    """
    from ovt.workflows.review.votes import opened_store

    opened, changed = _opened(project, spec)
    with opened_store(project, opened.version) as store:
        finder = _Finder(project, opened, store, task, slice_)
        rows, dev, test = finder.by_the_model(show_test=show_test)
        of_train, silent, notes = finder.on_train()
        return Disagreements(spec, tuple(_with_texts(store, task, [*rows, *of_train])), dev, test, show_test, silent,
                             (*changed, *notes))


def _opened(project: Project, spec: str) -> tuple[Opened, list[str]]:
    """The version; of a workspace that was changed since its last run what that run left, and a note.

    A correction and a rule written here change the workspace, and the list they were found in must not go away.
    """
    from ovt.errors import MissingError
    from ovt.quality.slicediff import Side
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve
    from ovt.workflows.review.opened import PREDICTIONS, WORKSPACE, Opened, open_version

    try:
        return open_version(project, spec), []
    except MissingError:
        if spec != WORKSPACE or not (project.root / PREDICTIONS).is_file():
            raise
        version = replace(resolve(project, spec), report="workspace")
        report = read_report(project, version, "quality.json")
        if report is None:
            raise
    side = Side(spec, None, "", report["model"], report["eval_set"])
    note = "the workspace was changed since its last run, which this shows"
    return Opened(version, side, report, project.root / PREDICTIONS, {}), [note]


@dataclass(frozen=True)
class _Finder:
    project: Project
    opened: Opened
    store: Store
    task: str
    slice_: str | None

    def by_the_model(self, *, show_test: bool) -> tuple[list[Disagreement], tuple[int, int], tuple[int, int]]:
        """Rows of dev (and test), and how many errors each has."""
        from ovt.quality.disagreements import disagreeing, errors_in
        from ovt.quality.predictions import read_predictions

        said, rows = self._label_model(), []
        counted = {"dev": (0, 0), "test": (0, 0)}
        for split in counted:
            part = read_predictions(self.opened.path, self._form(), split).get(self.task)
            if part is None:
                continue
            counted[split] = errors_in(part, self.slice_)
            if split == "dev" or show_test:
                rows += disagreeing(part, self.store, said, self.slice_, with_sources=split == "dev")
        rows.sort(key=lambda row: row.kind != "gold")  # stable: each kind keeps its order
        return rows, counted["dev"], counted["test"]

    def on_train(self) -> tuple[list[Disagreement], int, list[str]]:
        """Rows of train, how many records are silent, and what could not be looked at."""
        from ovt.errors import MissingError
        from ovt.quality.disagreements import open_items, silent_records

        try:
            wanted = self._members_of_train()
            targets, voted = self._targets(), self._votes().items
        except MissingError as error:
            return [], 0, [f"nothing of train is shown: {error.what}"]
        silent, count = silent_records(self.store, self.task, voted, wanted)
        return [*open_items(self.store, self.task, targets, wanted), *silent], count, []

    def _form(self) -> dict[str, Form]:
        from ovt.errors import UsageError, nearest

        forms = self.opened.forms
        if self.task not in forms:
            raise UsageError(f"no task `{self.task}` with gold", why=nearest(self.task, forms), command="ovt task list")
        return {self.task: forms[self.task]}

    def _votes(self) -> Votes:
        from ovt.data.votes import Votes

        votes = Votes.load(self._output("votes.arrow"), self.store.n_items(self.task))
        return votes.without(self.project.settings.gold.source)

    def _label_model(self) -> Answers:
        """What the label model makes of the votes on every item; nothing where it is not here."""
        import numpy as np

        from ovt.errors import MissingError
        from ovt.quality.disagreements import Answers, answers
        from ovt.supervision.posterior import load, posterior

        try:
            learned, votes = load(self._output("model.safetensors")), self._votes()
        except MissingError:
            return Answers(np.empty(0, np.int64), np.empty(0, object), np.empty(0))
        select = learned.kind == "select"
        spans = self.store.schema.tasks[self.task].spans is not None
        found = posterior(learned, votes.on_items(self._not_train()),
                          candidates=self.store.candidates(self.task) if select else None,
                          sequences=self.store.item_offsets(self.task) if spans else None)
        return answers(found.items, found.probabilities, found.offsets, learned.kind,
                       self.store.classes.get(self.task))

    def _targets(self) -> Answers:
        from ovt.quality.disagreements import answers
        from ovt.supervision.annotation.targetfile import TargetFile

        found = TargetFile.open(self._output("arrow"))
        kind = self.store.schema.tasks[self.task].type
        values = found.values if kind == "select" else found.values.reshape(len(found.items), -1)
        return answers(found.items, values, found.offsets, kind, self.store.classes.get(self.task))

    def _not_train(self) -> NDArray[np.bool_]:
        """(items,) of dev and test."""
        import numpy as np

        other = ~self._split("train")
        offsets = self.store.item_offsets(self.task)
        return other if offsets is None else np.repeat(other, np.diff(offsets))

    def _split(self, name: str) -> NDArray[np.bool_]:
        import numpy as np

        from ovt.schema.spec import SPLITS

        found: NDArray[np.bool_] = np.asarray(self.store.splits) == SPLITS.index(name)
        return found

    def _members_of_train(self) -> NDArray[np.bool_]:
        train = self._split("train")
        return train if self.slice_ is None else train & _members(self.project, self.opened.version, self.store.n,
                                                                  self.slice_)

    def _output(self, ending: str) -> Path:
        from ovt.storage.files import safe_name
        from ovt.versions.artifacts import output_path

        return output_path(self.project, self.opened.version, f"build/labels/{safe_name(self.task)}.{ending}")


def _members(project: Project, version: Version, n: int, slice_: str) -> NDArray[np.bool_]:
    """(n,) who is in the slice; nobody if the version has no such slice."""
    import numpy as np

    from ovt.slicing.membership import Membership
    from ovt.storage.files import scratch_folder
    from ovt.versions.artifacts import output_files

    with scratch_folder(project.private / "scratch", "slices") as folder:
        here = project.build / "slices"
        if version.report != "workspace":
            here = folder
            for name, path in output_files(project, version, "build/slices").items():
                (folder / name).symlink_to(path)
        membership = Membership.load(here, n)
    return membership.column(slice_) if slice_ in membership.names else np.zeros(n, bool)


def _with_texts(store: Store, task: str, rows: Sequence[Disagreement]) -> list[Disagreement]:
    from ovt.supervision.recordtext import texts_of

    where = store.rows_of([row.id for row in rows]).tolist() if rows else []
    texts = texts_of(store, task, where, [-1 if row.kind == "silent" else row.position for row in rows])
    return [replace(row, text=text) for row, text in zip(rows, texts, strict=True)]
