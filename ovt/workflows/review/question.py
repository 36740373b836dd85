"""What is asked of a person who corrects a label: the record, what may be said about it, and what is said now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from ovt.data.store import Store
    from ovt.functions.answers import Form
    from ovt.project import Project
    from ovt.supervision.reporting.explain import ItemExplanation
    from ovt.supervision.reporting.weighing import Ranked

Label = str | int | tuple[str, ...]
"""A class, a candidate's position, or the classes of a bitvector."""


@dataclass(frozen=True)
class Question:
    """One task on one record of the workspace."""

    task: str
    id: str
    split: str
    kind: str
    """multiclass, bitvector or select."""
    spans: bool
    """The labels of its tokens spell entity spans, as BIO."""
    text: str
    items: tuple[str, ...]
    """Tokens or members; empty where the record itself is labelled."""
    choices: tuple[str, ...]
    """Classes (of spans their types), or the candidates."""
    labels: tuple[Label | None, ...]
    """What is said now about each item (about the record: one); None where nobody says anything."""
    said_by: str
    """Where that comes from: `correction`, `gold`, `sources`, `model`, or several of them."""
    corrected: bool
    """Somebody corrected it before."""


def question(project: Project, task: str, record: str) -> Question:
    """Ask about a record of the workspace.

    Raises:
        UsageError: no such task or record.
        MissingError: nothing was compiled yet.
    """
    from ovt.functions.answers import Form
    from ovt.supervision.recordtext import text_of
    from ovt.supervision.reporting.explain import explain
    from ovt.supervision.reporting.opinions import gold_of, items_of, opened, row_of

    store = opened(project)
    if task not in store.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, store.schema.tasks), command="ovt task list")
    row, form = row_of(store, record), Form.of(store.schema, task)
    explained = explain(project, record, task)
    gold = gold_of(project, store, task, row)
    found = [_current(form, item, gold) for item in explained.tasks[0].items]
    on_items = form.granularity != "record" and form.type != "select"
    return Question(
        task, record, explained.split, form.type, form.spans, text_of(store, row),
        tuple(item.text for item in items_of(store, task, row)) if on_items else (),
        _choices(store, task, form, row), tuple(label for label, _ in found),
        ", ".join(dict.fromkeys(by for _, by in found if by)),
        any(item.corrections for item in explained.tasks[0].items),
    )


def _choices(store: Store, task: str, form: Form, row: int) -> tuple[str, ...]:
    if form.type == "select":
        members = store.record(row)[store.schema.tasks[task].payload] or ()
        return tuple(str(member.id or json.dumps(member.fields, ensure_ascii=False)) for member in members)
    classes = store.classes[task]
    return tuple(sorted({name[2:] for name in classes if name != "O"})) if form.spans else tuple(classes)


def _current(form: Form, item: ItemExplanation, gold: dict[int, str]) -> tuple[Label | None, str]:
    """What counts for an item today, and where it comes from."""
    position = item.item.position
    for one in item.corrections:
        if one.counts:
            said = _of_correction(form, one.label, position, one.position)
            if said is not None:
                return said, "correction"
    if position in gold:
        return _read(form, gold[position]), "gold"
    if item.target:
        return _of_target(form, item.target), "sources"
    return (None, "") if item.predicted is None else (_read(form, item.predicted), "model")


def _of_target(form: Form, target: Ranked) -> Label:
    """The most probable label; of a bitvector the classes that are more probable than not."""
    if form.type == "bitvector":
        return tuple(sorted(name for name, chance in target if chance >= 0.5))
    return _read(form, target[0][0])


def _of_correction(form: Form, label: Any, position: int, about: int | None) -> Label | None:
    """The label of one item in a row of `corrections.jsonl`, which may be about the whole record."""
    if about is None and form.granularity != "record" and form.type != "select":
        if not isinstance(label, list) or position >= len(label):
            return None
        label = label[position]
    if isinstance(label, list):
        return tuple(str(name) for name in label)
    return label if isinstance(label, str | int) else None


def _read(form: Form, label: str) -> Label:
    """A label spelled as in predictions.parquet."""
    if form.type == "select":
        return int(label)
    return tuple(json.loads(label)) if form.type == "bitvector" else label
