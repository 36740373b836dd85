r"""Labeling and slicing functions written in YAML: keyword, regex, dictionary, tag; no code needed.

    - {name: height_words, task: Intent, keyword: [tall, height], label: height}
    - {name: titles, task: EntityType, dictionary: labelers/titles.tsv}
    - {name: salad, slice: nutrition, regex: "\\b(salad|calories)\\b", field: query}

A file may also be a mapping from names to such entries (`nutrition: {tag: nutrition}`). What an entry means depends on
the task: on a record it votes on the record, on tokens it marks the tokens it finds, on members of a set the members
whose words it finds; `select` picks the member it finds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.functions.answers import Form
from ovt.functions.dictionary import read_dictionary
from ovt.functions.marking import answer, candidate, finder
from ovt.functions.matching import Matcher, PatternMatcher, PhraseMatcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.project import Project
    from ovt.schema.spec import Payload, Schema

TAG = "tag"
"""The setting of a slice that is a tag."""
MATCHERS = ("keyword", "regex", "dictionary")
LABELING_KEYS = frozenset({"name", "task", "label", "field", *MATCHERS})
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
    call: Callable[[Any], Any]
    reads_tags: bool = False
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """One entry as it stands in the file."""

    document: Document
    path: tuple[str | int, ...]
    value: dict[str, Any]
    name: str
    project: Project
    folder: Path
    files: list[Path] = field(default_factory=list)

    def error(self, key: str, what: str, why: str, fix: str) -> ProjectError:
        return ProjectError(what, at=self.document.at(*self.path, key), why=why, fix=fix)


def read_declared(path: Path, project: Project) -> list[Declared]:
    """The functions of one YAML file.

    Raises:
        ProjectError: unknown key, no such task or payload, a regex that does not compile, with file and line.
    """
    document = read_document(path, project.shown(path))
    return [_declare(entry) for entry in _entries(document, path, project)]


def may_define_slices(path: Path) -> bool:
    """Whether some entry of a file has a `slice`; a file that cannot be parsed may."""
    try:
        value = read_document(path).value
    except ProjectError:
        return True
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(entry, dict) and "slice" in entry for entry in entries)


def _entries(document: Document, path: Path, project: Project) -> list[_Entry]:
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
    return [_entry(document, (key,), name, inner, project, path.parent) for key, name, inner in listed]


def _entry(
    document: Document, where: tuple[str | int, ...], name: object, value: object, project: Project, folder: Path,
) -> _Entry:
    if not isinstance(value, dict):
        raise ProjectError("a function is no mapping", at=document.at(*where), why=f"found {value!r}",
                           fix="{name: …, task: …, keyword: […], label: …}")
    if not isinstance(name, str) or not name:
        raise ProjectError("a function has no name", at=document.at(*where), why=f"found {name!r}", fix="add `name:`")
    entry = _Entry(document, where, value, name, project, folder)
    known = LABELING_KEYS if _labels(entry) else SLICING_KEYS
    for key in value:
        if key not in known:
            raise entry.error(str(key), f"unknown key `{key}` in function `{name}`",
                              f"a {'labeling' if _labels(entry) else 'slicing'} function has no such key",
                              nearest(str(key), known))
    return entry


def _labels(entry: _Entry) -> bool:
    in_slices = entry.document.name.split("/")[0] == "slices"
    return "slice" not in entry.value and ("task" in entry.value or not in_slices)


def _declare(entry: _Entry) -> Declared:
    task = _task(entry) if _labels(entry) else None
    kind = [key for key in (*MATCHERS, TAG) if key in entry.value]
    if len(kind) != 1:
        raise entry.error("name", f"function `{entry.name}` needs one of {', '.join(MATCHERS)}"
                          f"{'' if task else ' or tag'}", f"found {' and '.join(kind) or 'none'}", "give exactly one")
    at = entry.document.at(*entry.path)
    if kind == [TAG]:
        tag = entry.value[TAG]
        if not isinstance(tag, str):
            raise entry.error(TAG, f"`tag` of `{entry.name}` is no word", f"found {tag!r}", "quote it")
        return Declared(entry.name, None, str(entry.value.get("slice", entry.name)), at, {TAG: tag},
                        lambda record: tag in record.tags, reads_tags=True)
    if task is None:
        return _slicing(entry, at)
    return _labeling(entry, task, at)


def _task(entry: _Entry) -> str:
    task, tasks = entry.value.get("task"), entry.project.schema.tasks
    if task is None:
        raise entry.error("name", f"function `{entry.name}` names no task", "neither `task` nor `slice`", "add `task:`")
    if task not in tasks:
        raise entry.error("task", f"function `{entry.name}` labels an unknown task", f"found {task!r}",
                          nearest(str(task), tasks))
    return str(task)


def _slicing(entry: _Entry, at: str) -> Declared:
    payload = _field(entry, _first_text(entry.project.schema))
    matcher, settings = _matcher(entry, True)
    find = finder(payload, matcher)
    name = str(entry.value.get("slice", entry.name))
    return Declared(entry.name, None, name, at, settings | {"field": payload.name},
                    lambda record: any(find(record)), files=tuple(entry.files))


def _labeling(entry: _Entry, task: str, at: str) -> Declared:
    schema, form = entry.project.schema, Form.of(entry.project.schema, task)
    own = schema.payloads[schema.tasks[task].payload]
    payload = _field(entry, _default_field(entry, schema, form, own))
    if form.granularity != "record" and payload.name != own.name:
        raise entry.error("field", f"`field` of `{entry.name}` cannot be `{payload.name}`",
                          f"it marks {form.granularity}s of `{own.name}`", f"drop `field`, or `field: {own.name}`")
    picks = form.type == "select" and payload.name == own.name
    matcher, settings = _matcher(entry, _label(entry, form, optional=picks or "dictionary" in entry.value))
    call = answer(form, finder(payload, matcher), picks=picks)
    if form.type == "select" and not picks:
        call = candidate(call, own.name)
    return Declared(entry.name, task, None, at, settings | {"field": payload.name}, call, files=tuple(entry.files))


def _default_field(entry: _Entry, schema: Schema, form: Form, own: Payload) -> Payload | None:
    if form.granularity != "record" or (form.type == "select" and "label" not in entry.value):
        return own
    return own if own.type == "singleton" and own.dtype == "text" else _first_text(schema)


def _first_text(schema: Schema) -> Payload | None:
    texts = [found for found in schema.payloads.values() if found.type == "singleton" and found.dtype == "text"]
    return next(iter([*texts, *(found for found in schema.payloads.values() if found.type == "sequence")]), None)


def _field(entry: _Entry, default: Payload | None) -> Payload:
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


def _label(entry: _Entry, form: Form, *, optional: bool) -> Any:
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


def _matcher(entry: _Entry, label: Any) -> tuple[Matcher, dict[str, Any]]:
    if "regex" in entry.value:
        text = entry.value["regex"]
        try:
            pattern = re.compile(text)
        except (re.error, TypeError) as error:
            raise entry.error("regex", f"`regex` of `{entry.name}` does not compile", f"{error}: {text!r}",
                              "mend the pattern") from None
        return PatternMatcher(pattern, label), {"regex": text, "label": label}
    if "keyword" in entry.value:
        words = entry.value["keyword"]
        listed = [words] if isinstance(words, str) else words
        if not isinstance(listed, list) or not listed or not all(_is_word(word) for word in listed):
            raise entry.error("keyword", f"`keyword` of `{entry.name}` is no list of words", f"found {words!r}",
                              "e.g. [tall, height]")
        phrases = {str(word): label for word in listed}
    else:
        phrases = _phrases(entry, label)
    return PhraseMatcher(phrases), {"phrases": phrases}


def _phrases(entry: _Entry, label: Any) -> dict[str, Any]:
    value = entry.value["dictionary"]
    if isinstance(value, str):
        file = next((path for path in (entry.folder / value, entry.project.root / value) if path.is_file()), None)
        if file is None:
            raise entry.error("dictionary", f"the dictionary of `{entry.name}` is missing", f"no file `{value}`",
                              "a path from the project or from the YAML file")
        entry.files.append(file)
        value = read_dictionary(file, entry.project.shown(file))
    if isinstance(value, list):
        value = dict.fromkeys(value)
    if not isinstance(value, dict) or not value or not all(_is_word(word) for word in value):
        raise entry.error("dictionary", f"the dictionary of `{entry.name}` is no mapping", "it maps phrases to labels",
                          "e.g. {tall: height, old: age}")
    phrases = {str(phrase): label if found is None else found for phrase, found in value.items()}
    bare = next((phrase for phrase, found in phrases.items() if found is None), None)
    if bare is not None:
        raise entry.error("dictionary", f"the dictionary of `{entry.name}` has no label for `{bare}`",
                          "neither the dictionary nor `label` gives one", "add `label:`")
    return phrases


def _is_word(value: object) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (isinstance(value, int) and not isinstance(value, bool))
