"""Generators written in YAML: patterns with slots that are filled from lists or dictionaries.

    - name: height_questions
      template: ["how {tall} is the {thing}", "what is the height of the {thing}"]
      slots: {tall: [tall, high], thing: labelers/things.txt}
      labels: {Intent: height, Slots: {thing: building}}

Every way of filling is a record; where that is more than `max_records` (1,000
if not given), as many different ones are drawn. On tokens a label is given per
slot; for BIO tasks everything between the slots is `O`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal

from ovt.data import tokenizer
from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.functions.augmentation.augment_options import read_options
from ovt.functions.augmentation.augmenting_files import TEMPLATE, augmenting_documents, is_template
from ovt.functions.closure import digest_of
from ovt.functions.dictionary import read_dictionary
from ovt.functions.discover import Function

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ovt.functions.processes.isolation import Environment
    from ovt.project import Project
    from ovt.schema.spec import Payload, Schema

Spelling = Literal["BIO", "multiclass", "bitvector", "select"]
KEYS = frozenset({"name", TEMPLATE, "slots", "labels", "field", "tags", "max_records"})
MOST = 1000
"""Records that a template makes where its entry does not say."""


@dataclass(frozen=True)
class Pattern:
    """One pattern, taken apart."""

    parts: tuple[tuple[str, str | None], ...]
    """Text, and the slot that follows it."""
    slots: tuple[str, ...]
    """The different slots, in order."""

    def fill(self, values: Mapping[str, str]) -> tuple[str, list[tuple[str, int, int]]]:
        """The text, and where each slot ended up: name, start, end."""
        text, found = "", []
        for literal, slot in self.parts:
            text += literal
            if slot is not None:
                found.append((slot, len(text), len(text) + len(values[slot])))
                text += values[slot]
        return text, found


@dataclass(frozen=True)
class Template:
    """All that an entry says."""

    patterns: tuple[Pattern, ...]
    slots: dict[str, list[str]]
    field: Payload
    labels: dict[str, Any]
    """By task; per slot for tasks on tokens."""
    on_tokens: dict[str, Spelling]
    """Tasks on tokens among them, and how their labels are spelled."""
    tags: tuple[str, ...]
    most: int

    def records(self, dice: random.Random) -> Iterator[dict[str, Any]]:
        """The records, in the order of the patterns and of the slots' values."""
        sizes = [self._ways(pattern) for pattern in self.patterns]
        total = sum(sizes)
        chosen = range(total) if total <= self.most else sorted(dice.sample(range(total), self.most))
        for number in chosen:
            rest, place = number, 0
            while rest >= sizes[place]:
                rest -= sizes[place]
                place += 1
            yield self._record(self.patterns[place], rest)

    def _ways(self, pattern: Pattern) -> int:
        ways = 1
        for slot in pattern.slots:
            ways *= len(self.slots[slot])
        return ways

    def _record(self, pattern: Pattern, number: int) -> dict[str, Any]:
        values = {}
        for slot in reversed(pattern.slots):
            number, at = divmod(number, len(self.slots[slot]))
            values[slot] = self.slots[slot][at]
        text, places = pattern.fill(values)
        labels = {task: label for task, label in self.labels.items() if task not in self.on_tokens}
        words: list[str] = tokenizer.tokens(text)
        if self.on_tokens:
            bounds = tokenizer.spans([text], [words]).tolist()
            labels |= {task: _on_tokens(bounds, places, self.labels[task], spelling)
                       for task, spelling in self.on_tokens.items()}
        value = words if self.field.type == "sequence" else text
        return {"payloads": {self.field.name: value}, "labels": labels, "tags": list(self.tags)}


def _on_tokens(
    bounds: list[list[int]], places: list[tuple[str, int, int]], types: Mapping[str, Any], spelling: Spelling,
) -> Any:
    labels: dict[int, Any] = {}
    for slot, start, end in places:
        inside = [position for position, (low, high) in enumerate(bounds) if low < end and start < high]
        for position in inside if slot in types else ():
            label = types[slot]
            if spelling == "BIO":
                label = f"{'B' if position == inside[0] else 'I'}-{label}"
            elif spelling == "bitvector" and not isinstance(label, list):
                label = [label]
            labels.setdefault(position, label)
    return [labels.get(position, "O") for position in range(len(bounds))] if spelling == "BIO" else labels


def template_functions(project: Project, environment: Environment) -> list[Function]:
    """The generators that YAML files of `labelers/` declare.

    Raises:
        ProjectError: an entry is wrong, with file and line.
    """
    found = []
    for path in augmenting_documents(project):
        document = read_document(path, project.shown(path))
        value = document.value
        listed = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in listed:
            if is_template(entry):
                name = entry.get("name", key if isinstance(key, str) else None)
                found.append(_Entry(document, key, entry, name, project, path).function(environment))
    return found


@dataclass(frozen=True)
class _Entry:
    """One entry as it stands in the file."""

    document: Document
    key: str | int
    value: dict[str, Any]
    name: Any
    project: Project
    path: Path

    def error(self, key: str, what: str, why: str, fix: str) -> ProjectError:
        return ProjectError(what, at=self.document.at(self.key, key), why=why, fix=fix)

    def function(self, environment: Environment) -> Function:
        """The generator."""
        if not isinstance(self.name, str) or not self.name:
            raise self.error("name", "a generator has no name", f"found {self.name!r}", "add `name:`")
        for key in self.value:
            if key not in KEYS:
                raise self.error(str(key), f"unknown key `{key}` in generator `{self.name}`",
                                 "a template has no such key", nearest(str(key), KEYS))
        files: set[Path] = set()
        template = self._template(files)
        for path in files:
            if not environment.boundary.declares(str(path)):
                raise self.error("slots", f"`{self.name}` reads `{self.project.shown(path)}`",
                                 "it is outside labelers/ and slices/", "move it there, or list it under `code:`")
        settings = {"template": [pattern.parts for pattern in template.patterns], "slots": template.slots,
                    "field": template.field.name, "labels": template.labels, "tags": list(template.tags),
                    "max_records": template.most}
        body = digest_of([TEMPLATE, json.dumps(settings, sort_keys=True, ensure_ascii=False)])
        file, _, line = self.document.at(self.key).rpartition(":")
        return Function(
            self.name, "generator", None, None, file, int(line), {"labels": "relabel", "max_records": template.most},
            body, digest_of(["generator", self.name, body]), None, template.records, environment,
            files=frozenset(os.path.realpath(path) for path in files),
        )

    def _template(self, files: set[Path]) -> Template:
        try:
            options = read_options(labels="relabel", max_records=self.value.get("max_records", MOST))
        except TypeError as error:
            raise self.error("max_records", f"`max_records` of `{self.name}` is wrong", str(error),
                             "e.g. 200") from None
        slots = self._slots(files)
        patterns = self._patterns(slots)
        field = self._field()
        labels, on_tokens = self._labels(field, slots)
        tags = self.value.get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise self.error("tags", f"`tags` of `{self.name}` is no list of names", f"found {tags!r}", "[drill]")
        return Template(patterns, slots, field, labels, on_tokens, tuple(tags), options.max_records or MOST)

    def _slots(self, files: set[Path]) -> dict[str, list[str]]:
        given = self.value.get("slots", {})
        if not isinstance(given, dict):
            raise self.error("slots", f"`slots` of `{self.name}` is no mapping", f"found {given!r}",
                             "{thing: [tower, bridge]}")
        return {str(slot): self._values(str(slot), value, files) for slot, value in given.items()}

    def _values(self, slot: str, value: Any, files: set[Path]) -> list[str]:
        if isinstance(value, str):
            places = (self.path.parent / value, self.project.root / value)
            file = next((path for path in places if path.is_file()), None)
            if file is None:
                raise self.error("slots", f"the dictionary of slot `{slot}` of `{self.name}` is missing",
                                 f"no file `{value}`", "a path from the project or from the YAML file; or a list")
            files.add(file)
            value = read_dictionary(file, self.project.shown(file))
        listed = [str(one) for one in value] if isinstance(value, list | dict) else []
        if not listed or not all(one.strip() for one in listed):
            raise self.error("slots", f"slot `{slot}` of `{self.name}` has no values", f"found {value!r}",
                             "a list of texts, or a dictionary file")
        return list(dict.fromkeys(listed))

    def _patterns(self, slots: Mapping[str, list[str]]) -> tuple[Pattern, ...]:
        given = self.value[TEMPLATE]
        listed = [given] if isinstance(given, str) else given
        if not isinstance(listed, list) or not listed or not all(isinstance(text, str) and text for text in listed):
            raise self.error(TEMPLATE, f"`template` of `{self.name}` is no text", f"found {given!r}",
                             '["how {tall} is the {thing}"]')
        patterns = tuple(self._pattern(text, slots) for text in listed)
        unused = set(slots) - {slot for pattern in patterns for slot in pattern.slots}
        if unused:
            raise self.error("slots", f"slot `{min(unused)}` of `{self.name}` stands in no pattern",
                             "nothing would be filled with it", f"write {{{min(unused)}}} in a pattern, or drop it")
        return patterns

    def _pattern(self, text: str, slots: Mapping[str, list[str]]) -> Pattern:
        try:
            parts = tuple((literal, slot) for literal, slot, _, _ in Formatter().parse(text))
        except ValueError as error:
            raise self.error(TEMPLATE, f"a pattern of `{self.name}` cannot be read", f"{error}: {text!r}",
                             "write {{ and }} for the signs themselves") from None
        for _, slot in parts:
            if slot is not None and slot not in slots:
                raise self.error(TEMPLATE, f"a pattern of `{self.name}` has an unknown slot", f"{{{slot}}} in {text!r}",
                                 nearest(slot, slots) or "add it to `slots:`")
        return Pattern(parts, tuple(dict.fromkeys(slot for _, slot in parts if slot is not None)))

    def _field(self) -> Payload:
        schema = self.project.schema
        fits = [found for found in schema.payloads.values() if found.type == "singleton" and found.dtype == "text"]
        fits += [found for found in schema.payloads.values() if found.type == "sequence"]
        name = self.value.get("field", fits[0].name if fits else None)
        found = next((payload for payload in fits if payload.name == name), None)
        if found is None:
            raise self.error("field", f"`{self.name}` cannot write the payload {name!r}",
                             "a template makes a text or a sequence", nearest(str(name), [one.name for one in fits]))
        return found

    def _labels(self, field: Payload, slots: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Spelling]]:
        schema, given = self.project.schema, self.value.get("labels", {})
        if not isinstance(given, dict):
            raise self.error("labels", f"`labels` of `{self.name}` is no mapping", f"found {given!r}",
                             "{TASK: CLASS}; without it, only labeling functions speak of the records")
        on_tokens: dict[str, Spelling] = {}
        for task, label in given.items():
            if task not in schema.tasks:
                raise self.error("labels", f"`labels` of `{self.name}` names an unknown task", f"found {task!r}",
                                 nearest(str(task), schema.tasks))
            if schema.payloads[schema.tasks[task].payload].type == "set":
                raise self.error("labels", f"`{self.name}` cannot label `{task}`", "a template makes no set",
                                 "write a generator in Python")
            if schema.granularity(task) == "token":
                self._check_slots(task, label, slots)
                self._check_tokens(schema, task, field)
                on_tokens[task] = "BIO" if schema.tasks[task].spans else schema.tasks[task].type
        return dict(given), on_tokens

    def _check_slots(self, task: str, label: Any, slots: Mapping[str, Any]) -> None:
        if not isinstance(label, dict):
            raise self.error("labels", f"`{task}` labels tokens", f"found {label!r}", f"{task}: {{SLOT: CLASS}}")
        for slot in label:
            if slot not in slots:
                raise self.error("labels", f"`labels` of `{self.name}` names an unknown slot", f"found {slot!r}",
                                 nearest(str(slot), slots))

    def _check_tokens(self, schema: Schema, task: str, field: Payload) -> None:
        sequence = schema.tasks[task].payload
        if sequence != field.name and schema.text_source(sequence) != field.name:
            raise self.error("labels", f"`{self.name}` cannot label `{task}`",
                             f"its tokens are those of `{sequence}`, which is not made from `{field.name}`",
                             f"field: {schema.text_source(sequence) or sequence}")
