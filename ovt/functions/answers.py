"""What a label may look like for each kind of task, read into (position, label) pairs.

Functions return these values and `supervision/*.jsonl` holds them:

    item of the task   multiclass                  bitvector                     select
    record             class                       list of classes               position or id of a candidate
    token, member      list of class or None,      list of list or None,         –
                       {position: class},          {position: list},
                       spans (start, end, type)    spans (start, end, class)

A class is its name or its index. None (and `ABSTAIN`) abstains: on a record as
the whole value, on an item in its place. The position of a record is 0. An
answer without any label, such as an empty list of spans, is kept as SPOKEN: the
source has seen the record, which matters where its silence is a vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

from ovt.functions.decorators import ABSTAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.schema.spec import Granularity, Schema, TaskType

Label = str | int
"""A class by name, or an int: a class by index, a candidate's position, or OPINION."""
Answer = list[tuple[int, Label]]
OPINION = -1
"""Beside the classes of a bitvector: this source has an opinion on the item (see `ovt.data.votes.VOTED`)."""


SPOKEN = -3
"""At position 0 of a record with items: an answer that labels none of them."""


class AnswerError(ValueError):
    """A value is no label of the task; the message says why, without the record."""


@dataclass(frozen=True)
class Form:
    """What the labels of a task look like."""

    type: TaskType
    granularity: Granularity
    spans: bool = False
    """Labels spell entity spans, as BIO."""

    @classmethod
    def of(cls, schema: Schema, task: str) -> Form:
        """The form of a task's labels."""
        found = schema.tasks[task]
        return cls(found.type, schema.granularity(task), found.spans is not None)


def read_answer(form: Form, value: object, length: int, ids: Callable[[], Sequence[str | None]]) -> Answer:
    """Read one record's label.

    Args:
        form: what labels of the task look like.
        value: what was returned or written.
        length: how many items (for `select`: candidates) the record has.
        ids: gives the candidates' ids; called only where one is named.

    Raises:
        AnswerError: the value is no label of this task.
    """
    if value is None or value is ABSTAIN:
        return []
    if form.type == "select":
        return [(0, _candidate(value, length, ids))]
    if form.granularity == "record":
        return _item(form, 0, value)
    return _items(form, value, length) or ([(0, SPOKEN)] if length else [])


def _item(form: Form, position: int, value: object) -> Answer:
    if value is None or value is ABSTAIN:
        return []
    if form.type == "multiclass":
        return [(position, _class(value))]
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise AnswerError(f"{shown(value)} is no list of classes")
    found = [(position, _class(member)) for member in value]
    return [(position, OPINION), *dict.fromkeys(found)]


def _items(form: Form, value: object, length: int) -> Answer:
    if isinstance(value, Mapping):
        pairs = [(_position(key, length), inner) for key, inner in value.items()]
        if len({position for position, _ in pairs}) < len(pairs):
            raise AnswerError(f"{shown(value)} has a position twice")
    elif isinstance(value, str) or (not isinstance(value, Sequence) and not hasattr(value, "tolist")):
        raise AnswerError(f"{shown(value)} is no list, one label per {form.granularity}")
    else:
        listed = list(value) if isinstance(value, Sequence) else value.tolist()
        if not listed:
            return []
        if all(_is_span(member) for member in listed):
            return _spans(form, listed, length)
        if len(listed) != length:
            raise AnswerError(f"a list of {len(listed)} for {length} {form.granularity}s")
        pairs = list(enumerate(listed))
    return [pair for position, inner in pairs for pair in _item(form, position, inner)]


def _spans(form: Form, spans: Sequence[Any], length: int) -> Answer:
    found: dict[int, Answer] = {}
    for start, end, label in spans:
        low, high = index(start), index(end)
        if not 0 <= low < high <= length:
            raise AnswerError(f"span ({low}, {high}) is outside of the {length} {form.granularity}s")
        if form.spans and (not isinstance(label, str) or label[:2] in {"B-", "I-"}):
            raise AnswerError(f"{shown(label)} is no type of a span: give it without `B-` or `I-`")
        for position in range(low, high):
            if position in found:
                raise AnswerError(f"two spans cover {form.granularity} {position}")
            found[position] = _span_item(form, position, label, inside=position > low)
    return [pair for position in sorted(found) for pair in found[position]]


def _span_item(form: Form, position: int, label: object, *, inside: bool) -> Answer:
    if form.spans:
        return [(position, str(label) if label == "O" else f"{'I' if inside else 'B'}-{label}")]
    if form.type == "bitvector" and isinstance(label, str | int):
        return _item(form, position, [label])
    return _item(form, position, label)


def _candidate(value: object, length: int, ids: Callable[[], Sequence[str | None]]) -> int:
    if isinstance(value, str):
        found_at = [position for position, known in enumerate(ids()) if known == value]
        if len(found_at) != 1:
            raise AnswerError(f"{len(found_at) or 'no'} members have the id {shown(value)}")
        return found_at[0]
    found = _integer(value)
    if found is None:
        raise AnswerError(f"{shown(value)} is no position and no id of a candidate")
    if not 0 <= found < length:
        raise AnswerError(f"position {found} is outside of the set of {length}")
    return found


def _class(value: object) -> Label:
    if isinstance(value, str):
        return str(value)
    found = _integer(value)
    if found == -1:
        raise AnswerError("-1 is no class; None abstains")
    if found is None or found < 0:
        raise AnswerError(f"{shown(value)} is no class")
    return found


def _position(value: object, length: int) -> int:
    found = int(value) if isinstance(value, str) and value.isdecimal() else _integer(value)
    if found is None or not 0 <= found < length:
        raise AnswerError(f"position {shown(value)} is outside of the {length} items")
    return found


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _is_span(value: object) -> bool:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
        return False
    return _integer(value[0]) is not None and _integer(value[1]) is not None and isinstance(value[2], str | int)


def shown(value: object) -> str:
    """A value that is no label, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
