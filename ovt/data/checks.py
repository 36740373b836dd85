"""What decoding cannot check: lengths that must agree, ranges, candidates, classes; and one form for one meaning.

After `RecordChecks.check` a set is a list of members, a missing sequence has
been made from its text, labels of members are lists, a selected candidate is a
position. Only the steps that a schema needs are run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ovt.data.diagnosis import kind_of
from ovt.data.records import Flaw, Record, RecordCodec
from ovt.data.tokenizer import tokens
from ovt.errors import nearest

if TYPE_CHECKING:
    from ovt.schema.spec import Payload, Task

Step = Callable[[Record], None]
Keys = dict[str, dict[str, int]]
"""Per set payload that was written as an object: its keys and the positions they became."""


class MadeTokens(list[str]):
    """Tokens that ovt made from a text, which is kept for their offsets in it."""

    __slots__ = ("text",)
    text: str


class RecordChecks:
    """The steps that one schema asks for."""

    def __init__(self, codec: RecordCodec) -> None:
        self._codec = codec
        self._keys: Keys = {}
        schema = codec.schema
        order = [schema.payloads[name] for name in schema.order()]
        self._steps: list[Step] = [step for payload in order if (step := self._payload_step(payload))]
        self._steps += [step for task in schema.tasks.values() for step in self._task_steps(task)]

    def check(self, record: Record) -> None:
        """Bring the record into its one form.

        Raises:
            Flaw: something in it contradicts the schema or itself.
        """
        if record.tasks is None:
            record.tasks = self._codec.no_tasks
        for step in self._steps:
            step(record)

    def _payload_step(self, payload: Payload) -> Step | None:
        if payload.type == "set":
            return self._set_step(payload)
        text = self._codec.schema.text_source(payload.name) if payload.type == "sequence" else None
        if text is None:
            return None
        field, text_field = self._codec.payload_fields[payload.name], self._codec.payload_fields[text]
        get, get_text = attrgetter(field), attrgetter(text_field)

        def make_tokens(record: Record) -> None:
            if get(record.payloads) is None and (found := get_text(record.payloads)) is not None:
                made = MadeTokens(tokens(found))
                made.text = found
                setattr(record.payloads, field, made)

        return make_tokens

    def _set_step(self, payload: Payload) -> Step:
        name, field, keys = payload.name, self._codec.payload_fields[payload.name], self._keys
        get = attrgetter(field)
        get_sequence = attrgetter(self._codec.payload_fields[payload.range]) if payload.range else None

        def normal_set(record: Record) -> None:
            members = get(record.payloads)
            keys.pop(name, None)
            if members is None:
                return
            if type(members) is dict:
                members, keys[name] = _in_key_order(members, f"payloads.{name}")
                setattr(record.payloads, field, members)
            length = len(get_sequence(record.payloads) or ()) if get_sequence else None
            for position, member in enumerate(members):
                _check_member(member, f"payloads.{name}[{position}]", length)

        return normal_set

    def _task_steps(self, task: Task) -> Iterable[Step]:
        codec = self._codec
        granularity = codec.schema.granularity(task.name)
        get = attrgetter(codec.task_fields[task.name])
        get_payload = attrgetter(codec.payload_fields[task.payload])
        if task.type == "select":
            yield _candidate_step(task, get, get_payload, self._keys)
        elif granularity != "record":
            yield _length_step(task, get, get_payload, self._keys)
        if task.classes is not None or task.spans:
            yield _class_step(task, granularity, get)


def _in_key_order(members: dict[str, Any], path: str) -> tuple[list[Any], dict[str, int]]:
    numbers: dict[int, str] = {}
    for key in members:
        if not (key.isascii() and key.isdigit()) or int(key) in numbers:
            raise Flaw(f"{path}.{key}", f"the key of a member is {key!r}", 'keys are "0", "1", …, or write a list')
        numbers[int(key)] = key
    ordered = [numbers[number] for number in sorted(numbers)]
    return [members[key] for key in ordered], {key: position for position, key in enumerate(ordered)}


def _check_member(member: dict[str, Any], path: str, length: int | None) -> None:
    """`length`: of the sequence that ranges lie in; None where the schema names none."""
    identity = member.get("id")
    if identity is not None and type(identity) is not str:
        raise Flaw(f"{path}.id", f"found {kind_of(identity)}, expected text", "write the id in quotes")
    if length is None:
        return
    span = member.get("range")
    if span is None:
        return
    if type(span) is not list or len(span) != 2 or type(span[0]) is not int or type(span[1]) is not int:
        raise Flaw(f"{path}.range", f"found {kind_of(span)}, expected [first token, token after the last]",
                   "e.g. [4, 5]")
    if not 0 <= span[0] < span[1] <= length:
        raise Flaw(f"{path}.range", f"[{span[0]}, {span[1]}] is no range of the {length} tokens",
                   "half-open token positions: the first token is [0, 1]")


def _length_step(task: Task, get: Any, get_payload: Any, keys: Keys) -> Step:
    name, payload = task.name, task.payload

    def same_length(record: Record) -> None:
        given = get(record.tasks)
        if not given:
            return
        length = len(get_payload(record.payloads) or ())
        for source, labels in given.items():
            if type(labels) is dict:
                given[source] = _by_position(labels, length, keys.get(payload), f"tasks.{name}.{source}")
            elif labels is not None and len(labels) != length:
                raise Flaw(f"tasks.{name}.{source}", f"{len(labels)} labels for the {length} items of `{payload}`",
                           "one label per item; null abstains")

    return same_length


def _by_position(labels: dict[str, Any], length: int, keys: dict[str, int] | None, path: str) -> list[Any]:
    ordered: list[Any] = [None] * length
    for key, label in labels.items():
        position = _position_of(key, length, keys)
        if position is None:
            raise Flaw(f"{path}.{key}", f"no member {key!r} in a set of {length}",
                       "use the keys or positions of the set")
        ordered[position] = label
    return ordered


def _position_of(key: str, length: int, keys: dict[str, int] | None) -> int | None:
    if keys is not None:
        return keys.get(key)
    return int(key) if key.isascii() and key.isdigit() and int(key) < length else None


def _candidate_step(task: Task, get: Any, get_payload: Any, keys: Keys) -> Step:
    name, payload = task.name, task.payload

    def candidate(record: Record) -> None:
        given = get(record.tasks)
        if not given:
            return
        members = get_payload(record.payloads) or ()
        known = keys.get(payload)
        for source, label in given.items():
            if label is None:
                continue
            if type(label) is str:
                given[source] = _position_of_id(label, members, f"tasks.{name}.{source}")
            elif known is not None and str(label) in known:
                given[source] = known[str(label)]
            elif known is not None or not 0 <= label < len(members):
                raise Flaw(f"tasks.{name}.{source}", f"candidate {label} of a set of {len(members)}",
                           "candidates are counted from 0; null abstains")

    return candidate


def _position_of_id(label: str, members: Iterable[dict[str, Any]], path: str) -> int:
    found = [position for position, member in enumerate(members) if member.get("id") == label]
    if len(found) == 1:
        return found[0]
    if found:
        raise Flaw(path, f"{len(found)} members have the id {label!r}", "give the position")
    raise Flaw(path, f"no member has the id {label!r}", "give a position, or the id of one of the members")


def _class_step(task: Task, granularity: str, get: Any) -> Step:
    """Declared classes are closed; the classes of an open BIO task must look like BIO."""
    known: set[str | None] = {None, *(task.classes or ())}
    names_in = _NAMES_IN[granularity != "record", task.type == "bitvector"]

    def classes(record: Record) -> None:
        given = get(record.tasks)
        if not given:
            return
        for source, label in given.items():
            if label is not None and not known.issuperset(names_in(label)):
                for name in names_in(label):
                    _accept(task, name, known, f"tasks.{task.name}.{source}")

    return classes


def _no_list(label: Any) -> Iterable[str | None]:
    return (label,)


def _as_it_is(label: Any) -> Iterable[str | None]:
    found: Iterable[str | None] = label
    return found


def _inner(label: Any) -> Iterable[str | None]:
    return chain.from_iterable(item for item in label if item)


_NAMES_IN: dict[tuple[bool, bool], Callable[[Any], Iterable[str | None]]] = {
    (False, False): _no_list, (False, True): _as_it_is, (True, False): _as_it_is, (True, True): _inner,
}
"""By (per item, bitvector): the class names in a label."""


def _accept(task: Task, name: str | None, known: set[str | None], path: str) -> None:
    if name in known:
        return
    if task.classes is not None:
        raise Flaw(path, f"unknown class {name!r}", nearest(str(name), task.classes))
    if name != "O" and (name is None or name[:2] not in {"B-", "I-"} or len(name) == 2):
        raise Flaw(path, f"{name!r} is no BIO label", "`O`, `B-type` or `I-type`")
    known.add(name)
