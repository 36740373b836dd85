"""From what a function made to a whole record: payloads completed, labels carried or spelled, checked like any line.

A payload that the function left alone is the parent's. Tokens and the text they
were made from follow each other. A parent's votes are carried to a task where
the items are still the same in number, unless the function labels the task
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.data.checks import MadeTokens, RecordChecks
from ovt.data.content import ContentKey
from ovt.data.diagnosis import diagnose
from ovt.data.records import Flaw
from ovt.data.tokenizer import tokens
from ovt.errors import nearest
from ovt.functions.answers import OPINION, AnswerError, Form, read_answer

if TYPE_CHECKING:
    from ovt.data.records import Record, RecordCodec
    from ovt.functions.answers import Answer
    from ovt.functions.augmentation.augment_cache import Made
    from ovt.functions.augmentation.augmenters import Augmenter
    from ovt.schema.spec import Payload


@dataclass(frozen=True)
class Child:
    """One record that was made."""

    line: bytes
    """As it would stand in `data/`."""
    record: Record
    """The same, decoded and checked."""
    key: int
    """See `ContentKey`."""
    leak_key: int
    """The same of its texts and sequences alone."""
    carried: tuple[str, ...]
    """Tasks on which what is said about the parent holds for it too."""


class Nursery:
    """Completes what functions made, for one schema."""

    def __init__(self, codec: RecordCodec) -> None:
        self._codec = codec
        self._schema = codec.schema
        self._checks = RecordChecks(codec)
        self.key = ContentKey(codec)
        self.leak_key = ContentKey(codec, language_only=True)
        self._forms = {task: Form.of(codec.schema, task) for task in codec.schema.tasks}

    def child(self, augmenter: Augmenter, made: Made, parent: Record | None, identity: str, tags: list[str]) -> Child:
        """The whole record.

        Raises:
            Flaw: it is no record of the schema; path, cause and fix are those of a line in `data/`.
        """
        payloads = self._payloads(made, parent)
        own = {**augmenter.options.own_labels(), **made.labels}
        self._known_tasks(own)
        carried = tuple(
            task for task in self._schema.tasks
            if parent is not None and task not in own and augmenter.options.mode(task) == "carry"
            and self._aligned(task, made, payloads, parent)
        )
        labels: dict[str, dict[str, Any]] = {
            task: said for task in carried if parent is not None and (said := self._carried(task, made, parent))
        }
        raw = {"id": identity, "payloads": payloads, "tasks": labels, "tags": tags}
        line, record = self._written(raw)
        if not any(value is not None for value in msgspec.structs.astuple(record.payloads)):
            raise Flaw("payloads", "no payload has a value", "give at least one, such as "
                       f'{{"{next(iter(self._schema.payloads))}": …}}')
        if own:
            labels |= {task: {augmenter.name: self._own(task, label, record)} for task, label in own.items()}
            line, record = self._written(raw)
        return Child(line, record, self.key(record), self.leak_key(record), carried)

    def _payloads(self, made: Made, parent: Record | None) -> dict[str, Any]:
        changed = made.payloads
        if parent is None:
            return dict(changed)
        found = {}
        for payload in self._schema.payloads.values():
            if payload.name in changed:
                found[payload.name] = changed[payload.name]
            else:
                found[payload.name] = self._unchanged(payload, changed, parent)
        self._refuse_stale_ranges(made, found, parent)
        return found

    def _unchanged(self, payload: Payload, changed: dict[str, Any], parent: Record) -> Any:
        """A payload that the function did not touch: the parent's, or what follows from what it did touch."""
        value = self._value(parent, payload.name)
        if payload.type == "sequence":
            text = self._schema.text_source(payload.name)
            return None if type(value) is MadeTokens or text in changed else value
        if payload.type == "singleton" and payload.dtype == "text" and value is not None:
            spelled = [name for name in payload.base if name in changed
                       and self._schema.text_source(name) == payload.name]
            if spelled and _is_text_list(changed[spelled[0]]):
                return " ".join(changed[spelled[0]])
        return value

    def _refuse_stale_ranges(self, made: Made, payloads: dict[str, Any], parent: Record) -> None:
        for payload in self._schema.payloads.values():
            members = self._value(parent, payload.name)
            if payload.type != "set" or payload.range is None or payload.name in made.payloads or not members:
                continue
            if not any(member.get("range") for member in members):
                continue
            before, after = self._count(parent, payload.range, made), self._new_count(payloads, payload.range)
            if before != after:
                raise Flaw(f"payloads.{payload.name}", f"its ranges are those of {before} `{payload.range}`, "
                           f"the new record has {after}", f"return `{payload.name}` too, with the new ranges (or None)")
            payloads[payload.name] = _clipped(members, before)

    def _count(self, parent: Record, sequence: str, made: Made) -> int:
        """Tokens of the parent, as many as the function saw where it changed them."""
        length = len(self._value(parent, sequence) or ())
        limit = self._schema.payloads[sequence].max_length
        return min(length, limit) if limit is not None and sequence in made.payloads else length

    def _new_count(self, payloads: dict[str, Any], name: str) -> int:
        value = payloads.get(name)
        if value is None and self._schema.payloads[name].type == "sequence":
            text = self._schema.text_source(name)
            value = tokens(payloads[text]) if text and isinstance(payloads.get(text), str) else ()
        return len(value) if isinstance(value, list | tuple | dict) else 0

    def _aligned(self, task: str, made: Made, payloads: dict[str, Any], parent: Record) -> bool:
        payload = self._schema.tasks[task].payload
        if self._schema.payloads[payload].type != "singleton":
            return self._count(parent, payload, made) == self._new_count(payloads, payload)
        return payloads[payload] is not None or self._value(parent, payload) is None

    def _carried(self, task: str, made: Made, parent: Record) -> dict[str, Any]:
        said: dict[str, Any] = getattr(parent.tasks, self._codec.task_fields[task]) or {}
        if self._schema.granularity(task) == "record":
            return dict(said)
        count = self._count(parent, self._schema.tasks[task].payload, made)
        return {source: None if label is None else label[:count] for source, label in said.items()}

    def _known_tasks(self, labels: dict[str, Any]) -> None:
        for task in labels:
            if task not in self._schema.tasks:
                raise Flaw(f"labels.{task}", f"the schema has no task {task!r}", nearest(str(task), self._schema.tasks))

    def _own(self, task: str, label: Any, record: Record) -> Any:
        """A label as functions give it, spelled as a record has it."""
        form = self._forms[task]
        members = self._value(record, self._schema.tasks[task].payload)
        length = len(members or ()) if form.type == "select" or form.granularity != "record" else 1
        try:
            answer = read_answer(form, label, length, lambda: [member.get("id") for member in members or ()])
            return _spelled(form, answer, length, self._schema.tasks[task].classes)
        except AnswerError as error:
            raise Flaw(f"labels.{task}", str(error), "give a label as a labeling function of the task would") from None

    def _written(self, raw: dict[str, Any]) -> tuple[bytes, Record]:
        try:
            line = msgspec.json.encode(raw)
        except (TypeError, ValueError, OverflowError) as error:
            raise Flaw("payloads", f"it cannot be written as JSON: {error}",
                       "texts, numbers, lists and dicts") from None
        return line, self.read(line)

    def read(self, line: bytes) -> Record:
        """Decode and check a line.

        Raises:
            Flaw: it is no record of the schema.
        """
        try:
            record: Record = self._codec.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise diagnose(line, self._schema, str(error)) from None
        self._checks.check(record)
        return record

    def _value(self, record: Record, payload: str) -> Any:
        return getattr(record.payloads, self._codec.payload_fields[payload])


def _spelled(form: Form, answer: Answer, length: int, classes: tuple[str, ...] | None) -> Any:
    if form.type == "select":
        return answer[0][1] if answer else None
    items: list[Any] = [None] * length
    for position, label in answer:
        if isinstance(label, int) and label < 0:
            if label == OPINION:
                items[position] = items[position] or []
        elif form.type == "bitvector":
            items[position] = [*(items[position] or []), _class_name(label, classes)]
        else:
            items[position] = _class_name(label, classes)
    return items[0] if form.granularity == "record" else items


def _class_name(label: str | int, classes: tuple[str, ...] | None) -> str:
    if isinstance(label, str):
        return label
    if classes is None or label >= len(classes):
        raise AnswerError(f"class {label} has no name: the schema does not list `classes`, or not so many")
    return classes[label]


def _clipped(members: list[dict[str, Any]], length: int) -> list[dict[str, Any]]:
    """Members with ranges that end where their tokens were cut."""
    return [_clip(member, length) for member in members]


def _clip(member: dict[str, Any], length: int) -> dict[str, Any]:
    span = member.get("range")
    if not span or span[1] <= length:
        return member
    return {**member, "range": [span[0], length] if span[0] < length else None}


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
