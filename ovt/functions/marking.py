"""What a match means: the answer that a YAML function gives for each kind of task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ovt.functions.matching import Match, Matcher, best

if TYPE_CHECKING:
    from ovt.data.view import RecordView
    from ovt.functions.answers import Form
    from ovt.schema.spec import Payload

Found = list[list[Match]]
"""Matches in one payload of one record: one list, or one per member of a set."""
Finder = Callable[[Any], Found]


def finder(payload: Payload, matcher: Matcher) -> Finder:
    """Look for matches in a payload; a null payload has none."""
    if payload.type == "set":
        return lambda record: _in_members(record, payload, matcher)
    if payload.type == "sequence":
        return lambda record: [matcher.in_words(record[payload.name] or ())]
    base = payload.base[0] if len(payload.base) == 1 else None

    def in_text(record: Any) -> Found:
        text = record[payload.name]
        if text is None and base is not None and isinstance(record[base], list | tuple):
            return [matcher.in_words(record[base])]
        return [matcher.in_text(text) if text is not None else []]

    return in_text


def answer(form: Form, find: Finder, *, picks: bool = False) -> Callable[[Any], Any]:
    """The function that answers for a task.

    Args:
        form: what labels of the task look like.
        find: where it looks.
        picks: of a `select` task: the member that is found is the answer, not the match's label.
    """
    if picks:
        return lambda record: _picked(find(record))
    if form.type == "select":
        return lambda record: best(_flat(find(record)))
    if form.granularity == "record":
        return _on_record(form, find)
    if form.granularity == "member":
        return lambda record: {
            position: _labels(form, found) for position, found in enumerate(find(record)) if found
        }
    if form.type == "bitvector":
        return lambda record: _bits(find(record)[0])
    return lambda record: [(match.start, match.end, match.label) for match in find(record)[0]]


def candidate(call: Callable[[Any], Any], payload: str) -> Callable[[Any], Any]:
    """Turn the label of the best match into a candidate of the record; one that the record lacks abstains."""

    def vote(record: Any) -> Any:
        match = call(record)
        members = record[payload] or ()
        if match is None:
            return None
        if isinstance(match.label, int):
            return match.label if match.label < len(members) else None
        return match.label if any(member.id == match.label for member in members) else None

    return vote


def _on_record(form: Form, find: Finder) -> Callable[[Any], Any]:
    def vote(record: Any) -> Any:
        matches = _flat(find(record))
        return _labels(form, matches) if matches else None

    return vote


def _labels(form: Form, matches: list[Match]) -> Any:
    if form.type == "bitvector":
        return list(dict.fromkeys(label for match in matches for label in _as_list(match.label)))
    found = best(matches)
    return found.label if found else None


def _bits(matches: list[Match]) -> dict[int, list[Any]]:
    return {
        position: _as_list(match.label) for match in matches for position in range(match.start, match.end)
    }


def _picked(found: Found) -> int | None:
    scored = [(best(matches), position) for position, matches in enumerate(found)]
    lengths = [(match.start - match.end, position) for match, position in scored if match is not None]
    return min(lengths)[1] if lengths else None


def _in_members(record: RecordView, payload: Payload, matcher: Matcher) -> Found:
    """A member is found by its id (`President_(title)` reads as words), its text fields, or the tokens of its range."""
    sequence = record[payload.range] if payload.range else None
    found: Found = []
    for member in record[payload.name] or ():
        texts = [value.replace("_", " ") for value in member.fields.values() if isinstance(value, str)]
        matches = [match for text in texts for match in matcher.in_text(text)]
        if member.range is not None and sequence:
            matches += matcher.in_words(sequence[slice(*member.range)])
        found.append(matches)
    return found


def _flat(found: Found) -> list[Match]:
    return [match for matches in found for match in matches]


def _as_list(label: Any) -> list[Any]:
    return list(label) if isinstance(label, list | tuple) else [label]
