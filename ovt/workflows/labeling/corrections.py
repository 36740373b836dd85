"""Corrections: a person's word on one label, which outvotes every source on train and is gold on dev and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest
from ovt.project import CORRECTIONS
from ovt.workflows.labeling.supervise import append_rows, git_user

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.functions.answers import Form
    from ovt.project import Project


@dataclass(frozen=True)
class Correction:
    """What was written down."""

    id: str
    task: str
    label: Any
    """As the row has it; None: an earlier correction was taken back."""
    position: int | None
    source: str
    """Who corrected."""
    split: str
    """On train it replaces the target, on dev and test the gold."""
    file: str


def record_correction(  # noqa: PLR0913 - the words of the command line
    project: Project, task: str, id: str, label: Any, position: int | None = None, user: str | None = None,  # noqa: A002
    *, track: bool = True,
) -> Correction:
    """Write a correction into `supervision/corrections.jsonl`.

    Args:
        project: compiled.
        task: whose label is wrong.
        id: of the record.
        label: what is right, in the form that records have, or as text: `height`, `food; people`, `1`. None takes an
            earlier correction back.
        position: the token or member that it is about; None: the record.
        user: who says so; None: Git's user.
        track: put the file under version control, as `ovt add` does (about a second); `ovt commit` does it otherwise.

    Raises:
        UsageError: no such task, record or position, or the label is none of the task.
        MissingError: nothing was compiled yet, or `supervision/` must be pulled first.
    """
    from ovt.data.store import Store
    from ovt.functions.answers import Form
    from ovt.schema.spec import SPLITS
    from ovt.supervision.reporting.opinions import row_of

    store = Store.open(project.build / "store")
    if task not in store.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, store.schema.tasks), command="ovt task list")
    row = row_of(store, id)
    form = Form.of(store.schema, task)
    position = None if form.granularity == "record" or form.type == "select" else position
    said = _label(store, task, row, form, label, position)
    written: dict[str, Any] = {"id": id, "task": task, "source": user or git_user(project), "label": said,
                               "correction": True}
    if said is None:
        written["retracted"] = True
    if position is not None:
        written["position"] = position
    _refuse_wrong(project, store, written)
    append_rows(project, CORRECTIONS, [written], track=track)
    return Correction(id, task, said, position, written["source"], SPLITS[store.splits[row]], CORRECTIONS)


def _label(store: Store, task: str, row: int, form: Form, label: Any, position: int | None) -> Any:
    from ovt.functions.answers import AnswerError
    from ovt.supervision.annotation.labeltext import parse, said_about_all

    offsets = store.item_offsets(task)
    length = 1 if offsets is None else int(offsets[row + 1] - offsets[row])
    try:
        if isinstance(label, str):
            label = parse(form, label, length, one_item=position is not None)
        return label if position is not None else said_about_all(form, label, length)
    except AnswerError as error:
        raise _no_label(task, error, str(store.ids[row].as_py())) from None


def _refuse_wrong(project: Project, store: Store, written: dict[str, Any]) -> None:
    from ovt.functions.answers import AnswerError
    from ovt.supervision.collection.checking import problems

    problem = problems(project, store, [written])[0]
    if problem is not None:
        raise _no_label(written["task"], AnswerError(problem), written["id"])


def _no_label(task: str, error: Exception, record: str) -> UsageError:
    return UsageError(f"that is no label of `{task}`", at=record, why=str(error),
                      fix="see what others say about the record",
                      command=f"ovt explain --record {record} --task {task}")
