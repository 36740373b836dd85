r"""Labeling and slicing functions written in YAML, no code needed: what they find, a tag, an earlier model's word.

    - {name: height_words, task: Intent, keyword: [tall, height], label: height}
    - {name: titles, task: EntityType, dictionary: labelers/titles.tsv}
    - {name: salad, slice: nutrition, regex: "\\b(salad|calories)\\b", field: query}
    - {name: how_tall, task: Intent, tokens: [{lower: how}, {in: [tall, high]}, {op: "*"}], label: height}
    - {name: last_spring, task: Intent, predictions: v1.2, minimum: 0.9}

A file may also be a mapping from names to such entries (`nutrition: {tag: nutrition}`). What an entry means depends on
the task: on a record it votes on the record, on tokens it marks the tokens it finds, on members of a set the members
whose words it finds; `select` picks the member it finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.functions.answers import Form
from ovt.functions.augmentation.augmenting_files import FOLDER as LABELERS
from ovt.functions.augmentation.augmenting_files import is_template
from ovt.functions.earlier import Pinned, Predictions, sure
from ovt.functions.entries import MATCHERS, Entry, matcher_of
from ovt.functions.marking import answer, candidate, finder
from ovt.functions.processes.handed import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ovt.functions.answers import Label
    from ovt.project import Project
    from ovt.schema.spec import Payload, Schema

TAG = "tag"
"""The setting of a slice that is a tag."""
MODEL = "predictions"
"""The setting of a labeling function that is an earlier version's model."""
LABELING_KEYS = frozenset({"name", "task", "label", "field", MODEL, "minimum", *MATCHERS})
SLICING_KEYS = frozenset({"name", "slice", "field", TAG, *MATCHERS})


@dataclass(frozen=True)
class Declared:
    """A function that a YAML entry declares."""

    name: str
    task: str | None
    """None: it defines a slice."""
    slice: str | None
    at: str
    """FILE:LINE."""
    settings: dict[str, Any]
    """All that the answers depend on, as plain values."""
    call: Callable[..., Any]
    reads_tags: bool = False
    files: tuple[Path, ...] = ()
    predictions: dict[str, Pinned] = field(default_factory=dict)
    """Predictions that it is handed, by the name of the argument."""
    says: tuple[Label, ...] = ()
    """The labels that it may give."""


def read_declared(path: Path, project: Project) -> list[Declared]:
    """The functions of one YAML file.

    Raises:
        ProjectError: unknown key, no such task or payload, a regex that does not compile, with file and line.
    """
    document = read_document(path, project.shown(path))
    return [_declare(entry) for entry in _entries(document, path, project)]


def declare(value: dict[str, Any], project: Project, *, shown: str) -> Declared:
    """One function from an entry that stands in no file yet.

    Args:
        value: the entry, with its name.
        project: whose schema it is for.
        shown: what errors call the place of the entry.

    Raises:
        ProjectError: as for `read_declared`.
    """
    document = Document(shown, [value], {(): 1})
    return _declare(_entry(document, (0,), value.get("name"), value, project, project.folder(LABELERS)))


def may_define_slices(path: Path) -> bool:
    """Whether some entry of a file has a `slice`; a file that cannot be parsed may."""
    try:
        value = read_document(path).value
    except ProjectError:
        return True
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(entry, dict) and "slice" in entry for entry in entries)


def _entries(document: Document, path: Path, project: Project) -> list[Entry]:
    value = document.value
    if value is None:
        return []
    if isinstance(value, dict):
        listed: list[tuple[str | int, Any, Any]] = [(key, key, inner) for key, inner in value.items()]
    elif isinstance(value, list):
        listed = [(i, inner.get("name", inner.get("slice")) if isinstance(inner, dict) else None, inner)
                  for i, inner in enumerate(value)]
    else:
        raise ProjectError(f"`{document.name}` is no list of functions", at=document.at(), why=f"found {value!r}",
                           fix="- {name: …, task: …, keyword: […], label: …}")
    templates = path.parent == project.folder(LABELERS)  # generators live there
    return [_entry(document, (key,), name, inner, project, path.parent) for key, name, inner in listed
            if not (templates and is_template(inner))]


def _entry(
    document: Document, where: tuple[str | int, ...], name: object, value: object, project: Project, folder: Path,
) -> Entry:
    if not isinstance(value, dict):
        raise ProjectError("a function is no mapping", at=document.at(*where), why=f"found {value!r}",
                           fix="{name: …, task: …, keyword: […], label: …}")
    if not isinstance(name, str) or not name:
        raise ProjectError("a function has no name", at=document.at(*where), why=f"found {name!r}", fix="add `name:`")
    entry = Entry(document, where, value, name, project, folder)
    known = LABELING_KEYS if _labels(entry) else SLICING_KEYS
    for key in value:
        if key not in known:
            raise entry.error(str(key), f"unknown key `{key}` in function `{name}`",
                              f"a {'labeling' if _labels(entry) else 'slicing'} function has no such key",
                              nearest(str(key), known))
    return entry


def _labels(entry: Entry) -> bool:
    in_slices = entry.document.name.split("/")[0] == "slices"
    return "slice" not in entry.value and ("task" in entry.value or not in_slices)


def _declare(entry: Entry) -> Declared:
    task = _task(entry) if _labels(entry) else None
    special = MODEL if task else TAG
    kind = [key for key in (*MATCHERS, special) if key in entry.value]
    if len(kind) != 1:
        raise entry.error("name", f"function `{entry.name}` needs one of {', '.join(MATCHERS)} or {special}",
                          f"found {' and '.join(kind) or 'none'}", "give exactly one")
    at = entry.document.at(*entry.path)
    if kind == [TAG]:
        tag = entry.value[TAG]
        if not isinstance(tag, str):
            raise entry.error(TAG, f"`tag` of `{entry.name}` is no word", f"found {tag!r}", "quote it")
        return Declared(entry.name, None, str(entry.value.get("slice", entry.name)), at, {TAG: tag},
                        lambda record: tag in record.tags, reads_tags=True)
    if task is None:
        return _slicing(entry, at)
    if kind == [MODEL]:
        return _predicting(entry, task, at)
    return _labeling(entry, task, at)


def _task(entry: Entry) -> str:
    task, tasks = entry.value.get("task"), entry.project.schema.tasks
    if task is None:
        raise entry.error("name", f"function `{entry.name}` names no task", "neither `task` nor `slice`", "add `task:`")
    if task not in tasks:
        raise entry.error("task", f"function `{entry.name}` labels an unknown task", f"found {task!r}",
                          nearest(str(task), tasks))
    return str(task)


def _slicing(entry: Entry, at: str) -> Declared:
    payload = _field(entry, _first(entry))
    matcher, settings = matcher_of(entry, True)
    find = finder(payload, matcher)
    name = str(entry.value.get("slice", entry.name))
    return Declared(entry.name, None, name, at, settings | {"field": payload.name},
                    lambda record: any(find(record)), files=tuple(entry.files))


def _labeling(entry: Entry, task: str, at: str) -> Declared:
    schema, form = entry.project.schema, Form.of(entry.project.schema, task)
    own = schema.payloads[schema.tasks[task].payload]
    payload = _field(entry, _default_field(entry, form, own))
    if form.granularity != "record" and payload.name != own.name:
        raise entry.error("field", f"`field` of `{entry.name}` cannot be `{payload.name}`",
                          f"it marks {form.granularity}s of `{own.name}`", f"drop `field`, or `field: {own.name}`")
    picks = form.type == "select" and payload.name == own.name
    matcher, settings = matcher_of(entry, _label(entry, form, optional=picks or "dictionary" in entry.value))
    call = answer(form, finder(payload, matcher), picks=picks)
    if form.type == "select" and not picks:
        call = candidate(call, own.name)
    says = tuple(_labels_of(form, settings))
    _refuse_unknown(entry, says)
    return Declared(entry.name, task, None, at, settings | {"field": payload.name}, call, files=tuple(entry.files),
                    says=says)


def _labels_of(form: Form, settings: dict[str, Any]) -> Iterator[Label]:
    """The labels that an entry may give, as votes name them; a `select` task has no classes."""
    given = settings["phrases"].values() if "phrases" in settings else [settings["label"]]
    for found in given if form.type != "select" else ():
        for label in found if isinstance(found, list) else [found]:
            yield f"B-{label}" if form.spans and label != "O" else label


def _refuse_unknown(entry: Entry, says: tuple[Label, ...]) -> None:
    """Where the schema lists the classes, a label that is none of them is found out here, not when it first votes."""
    task = str(entry.value["task"])
    classes = entry.project.schema.tasks[task].classes or ()
    for label in says if classes else ():
        if label not in classes and not (isinstance(label, int) and 0 <= label < len(classes)):
            key = "label" if entry.value.get("label") is not None else "dictionary"
            raise entry.error(key, f"labeling function `{entry.name}` gives a label that is no class of `{task}`",
                              f"found {label!r}", nearest(str(label), classes))


def _predicting(entry: Entry, task: str, at: str) -> Declared:
    value, minimum = entry.value[MODEL], entry.value.get("minimum", 0)
    if not isinstance(value, str) or not value:
        raise entry.error(MODEL, f"`predictions` of `{entry.name}` is no revision", f"found {value!r}",
                          "a tag, branch or commit that has a model; quote a number")
    if isinstance(minimum, bool) or not isinstance(minimum, int | float) or not 0 <= minimum <= 1:
        raise entry.error("minimum", f"`minimum` of `{entry.name}` is no probability", f"found {minimum!r}", "e.g. 0.9")
    for key in ("label", "field"):
        if key in entry.value:
            raise entry.error(key, f"`{key}` of `{entry.name}` has no meaning", "a model labels by itself", "drop it")
    spans = Form.of(entry.project.schema, task).spans
    found = pinned(entry.project, Predictions(value, None), task, at)
    return Declared(entry.name, task, None, at, {"minimum": float(minimum)},
                    lambda _, model: sure(model, minimum, spans=spans), predictions={"model": found})


def _default_field(entry: Entry, form: Form, own: Payload) -> Payload | None:
    if form.granularity != "record" or (form.type == "select" and "label" not in entry.value):
        return own
    if own.type == "singleton" and own.dtype == "text" and "tokens" not in entry.value:
        return own
    return _first(entry)


def _first(entry: Entry) -> Payload | None:
    """What is read where no `field` says so: the first text; for a pattern over tokens the first sequence."""
    payloads = entry.project.schema.payloads.values()
    sequence = next((found for found in payloads if found.type == "sequence"), None)
    return sequence if sequence and "tokens" in entry.value else _first_text(entry.project.schema)


def _first_text(schema: Schema) -> Payload | None:
    texts = [found for found in schema.payloads.values() if found.type == "singleton" and found.dtype == "text"]
    return next(iter([*texts, *(found for found in schema.payloads.values() if found.type == "sequence")]), None)


def _field(entry: Entry, default: Payload | None) -> Payload:
    payloads = entry.project.schema.payloads
    name = entry.value.get("field", default.name if default else None)
    if name is None:
        raise entry.error("name", f"function `{entry.name}` has nothing to read", "no payload is text", "add `field:`")
    if name not in payloads:
        raise entry.error("field", f"function `{entry.name}` reads an unknown payload", f"found {name!r}",
                          nearest(str(name), payloads))
    if payloads[name].dtype in {"number", "vector"}:
        raise entry.error("field", f"function `{entry.name}` reads `{name}`, which is no text",
                          f"it is a {payloads[name].dtype}", "write a labeling function in Python")
    return payloads[name]


def _label(entry: Entry, form: Form, *, optional: bool) -> Any:
    label = entry.value.get("label")
    if label is None and not optional:
        raise entry.error("name", f"function `{entry.name}` has no label", "`label` is missing", "add `label:`")
    listed = label if isinstance(label, list) and form.type == "bitvector" else [label]
    for item in listed:
        if isinstance(item, bool) or not isinstance(item, str | int | None):
            raise entry.error("label", f"`label` of `{entry.name}` is no class", f"found {item!r}", "quote it")
        if form.spans and isinstance(item, str) and item[:2] in {"B-", "I-"}:
            raise entry.error("label", f"`label` of `{entry.name}` is the type of a span", f"found {item!r}",
                              f"write `label: {item[2:]}`")
    return label
