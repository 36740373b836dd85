"""Labels as a person types them into a cell or on a command line, and back.

    task                       in a cell
    multiclass on a record     height
    bitvector on a record      food; people          - for none of them
    select                     1, or the id of a candidate
    tokens or members          title: 4-5; food: 0   first and last, both included; - for nothing
    one token or member        as on a record

JSON is taken too (`["food", "people"]`, `[[4, 6, "title"]]`), in the form that
records have: there an end is not included.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ovt.functions.answers import AnswerError, Form

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "-"
"""An opinion without a label: none of the classes, no span. An empty cell is no opinion."""
CLASSES_SHOWN = 12
_SPAN = re.compile(r"(?P<label>.+?)\s*:\s*(?P<first>\d+)(?:\s*[-–]\s*(?P<last>\d+))?")
_NUMBER = re.compile(r"\d+")


def parse(form: Form, text: str, length: int, *, one_item: bool = False) -> Any:
    """The label that a text means, in the form that rows of `supervision/` have; None for an empty one.

    Args:
        form: of the task's labels.
        text: as typed.
        length: items of the record.
        one_item: the text is about one token or member, not about the record.

    Raises:
        AnswerError: it is no label of such a task.
    """
    text = text.strip()
    if not text:
        return None
    if text[0] in "[{":
        return _json(text)
    if form.type == "select":
        return int(text) if _NUMBER.fullmatch(text) else text
    if form.granularity == "record" or one_item:
        return _classes(text) if form.type == "bitvector" else text
    return _items(form, _spans(text), length)


def said_about_all(form: Form, label: Any, length: int) -> Any:
    """Spans written by a person who saw the whole sequence: what they left out is `O`, or none of the classes."""
    if not isinstance(label, list) or form.granularity == "record" or form.type == "select":
        return label
    if label and not all(isinstance(part, list) and len(part) == 3 and isinstance(part[0], int) for part in label):
        return label
    return _items(form, [(first, end, name) for first, end, name in label], length)


def hint(form: Form, classes: Sequence[str] | None, *, one_item: bool = False) -> str:
    """What may be typed, in a few words."""
    known = "" if not classes or len(classes) > CLASSES_SHOWN else " | ".join(_named(form, classes))
    if form.type == "select":
        return "number or id of a candidate"
    if form.granularity == "record" or one_item:
        many = f"any of, separated by ; (none: {NOTHING}): " if form.type == "bitvector" else "one of: "
        return (many + (known or "the classes of the task")).strip()
    return f"LABEL: FIRST-LAST; … (nothing: {NOTHING}), LABEL one of: {known or 'the classes of the task'}"


def _named(form: Form, classes: Sequence[str]) -> list[str]:
    if not form.spans:
        return list(classes)
    return sorted({name[2:] for name in classes if name != "O"})


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AnswerError(f"it begins like JSON but is none: {error}") from None


def _classes(text: str) -> list[str]:
    return [] if text == NOTHING else [name for part in text.split(";") if (name := part.strip())]


def _spans(text: str) -> list[tuple[int, int, str]]:
    """(first, end, label) with the end not included."""
    found = []
    for part in text.split(";") if text != NOTHING else ():
        if not part.strip():
            continue
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise AnswerError(f"{part.strip()!r} is no `LABEL: FIRST-LAST`, such as `title: 4-5`")
        first = int(match["first"])
        last = first if match["last"] is None else int(match["last"])
        if last < first:
            raise AnswerError(f"{part.strip()!r} ends before it begins")
        found.append((first, last + 1, match["label"]))
    return found


def _items(form: Form, spans: Sequence[tuple[int, int, Any]], length: int) -> list[Any]:
    """A label for each item; what no span covers is `O`, none of the classes, or no opinion, as the task can say it."""
    rest: Any = "O" if form.spans else [] if form.type == "bitvector" else None
    items = [rest] * length
    taken: set[int] = set()
    for first, end, label in spans:
        if not 0 <= first < end <= length:
            raise AnswerError(f"{label}: {first}-{end - 1} is outside of 0-{length - 1}")
        if form.spans and str(label)[:2] in {"B-", "I-"}:
            raise AnswerError(f"{label!r} is no type of a span: give it without `B-` or `I-`")
        for at in range(first, end):
            if at in taken and form.type != "bitvector":
                raise AnswerError(f"two labels on {form.granularity} {at}")
            taken.add(at)
            items[at] = _on_item(form, items[at], label, inside=at > first)
    return items


def _on_item(form: Form, before: Any, label: Any, *, inside: bool) -> Any:
    if form.type == "bitvector":
        names = label if isinstance(label, list) else [label]
        return [*before, *(name for name in names if name not in before)]
    if form.spans and label != "O":
        return f"{'I' if inside else 'B'}-{label}"
    return label
