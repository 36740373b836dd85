"""A correction before it is written: which labels stand where, as one frozen value, and the rows it becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.workflows.review.question import Label, Question

TAKEN = "jkgGhlHLvxuqyYcn"
"""Letters that mean something else on that screen."""
LETTERS = "".join(letter for letter in "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  if letter not in TAKEN)
Said = tuple[Any, int | None]
"""A label in the form of a row of `supervision/`, and the item that it is about; None: the record."""


@dataclass(frozen=True)
class Draft:
    """What was chosen so far."""

    question: Question
    labels: tuple[Label | None, ...]
    cursor: int = 0
    """The item that a choice is about."""
    anchor: int | None = None
    """Where a selection began; None: the item alone."""

    @property
    def selected(self) -> range:
        """The items that a choice is about."""
        start = self.cursor if self.anchor is None else self.anchor
        return range(min(start, self.cursor), max(start, self.cursor) + 1)

    @property
    def at_once(self) -> bool:
        """Whether one choice says all: it is written as soon as it is made."""
        return not self.question.items and self.question.kind != "bitvector"

    @property
    def changed(self) -> bool:
        """Whether it says something else than what is said now."""
        return self.labels != self.question.labels


def draft_of(question: Question, position: int = 0) -> Draft:
    """What is said now, the cursor on an item."""
    return Draft(question, question.labels, max(0, min(position, len(question.labels) - 1)))


def key_of(question: Question, choice: int) -> str:
    """The key of a choice; a candidate's is its number. Empty where there is none left."""
    if question.kind == "select":
        return str(choice) if choice < 10 else ""
    return LETTERS[choice] if choice < len(LETTERS) else ""


def choose(draft: Draft, choice: int) -> Draft:
    """Say a choice of all selected items; of a bitvector take it back where all of them have it."""
    question = draft.question
    if question.kind == "select":
        return replace(draft, labels=(choice,))
    name = question.choices[choice]
    if question.kind == "bitvector":
        return _toggled(draft, name)
    if question.spans:
        return _with_span(draft, name)
    return _labelled(draft, dict.fromkeys(draft.selected, name))


def clear(draft: Draft) -> Draft:
    """Say of the selected items that they are nothing: outside of any span, none of the classes."""
    if draft.question.kind == "bitvector":
        return _labelled(draft, dict.fromkeys(draft.selected, ()))
    if draft.question.spans:
        return _whole_spans(_labelled(draft, dict.fromkeys(draft.selected, "O")))
    return _labelled(draft, {at: draft.question.labels[at] for at in draft.selected})


def move(draft: Draft, step: int, *, extend: bool = False) -> Draft:
    """The next item in a direction; with `extend` it joins the selection."""
    at = max(0, min(draft.cursor + step, len(draft.labels) - 1))
    if extend and draft.anchor is None:
        return replace(draft, cursor=at, anchor=draft.cursor)
    return replace(draft, cursor=at)


def mark(draft: Draft) -> Draft:
    """Begin a selection here, or end it."""
    return replace(draft, anchor=draft.cursor if draft.anchor is None else None)


def rows(draft: Draft) -> list[Said]:
    """What is to be written: all of the record at once where it can be said at once, else the items that changed."""
    question = draft.question
    if question.spans:
        return [([label or "O" for label in draft.labels], None)] if draft.changed else []
    if question.items:
        pairs = zip(draft.labels, question.labels, strict=True)
        return [(_plain(new), at) for at, (new, old) in enumerate(pairs) if new != old and new is not None]
    said = draft.labels[0]
    return [] if said is None else [(_plain(said), None)]


def has(draft: Draft, choice: int) -> bool:
    """Whether the item under the cursor has a choice."""
    label, name = draft.labels[draft.cursor], draft.question.choices[choice]
    if draft.question.kind == "select":
        return label == choice
    if isinstance(label, tuple):
        return name in label
    return label == name or (draft.question.spans and str(label)[2:] == name)


def shown(label: Label | None) -> str:
    """A label of one item in few letters."""
    if label is None:
        return "?"
    if isinstance(label, tuple):
        return ",".join(label) or "–"
    return "–" if label == "O" else str(label)


def line(draft: Draft) -> str:
    """The items in order: `⟦ ⟧` around what is selected, `/label` behind what has one; a span's tokens stand in ( )."""
    if draft.question.spans:
        return " ".join(_span_words(draft))
    words = [f"{word}/{shown(label)}" if label not in {None, ()} else word
             for word, label in zip(draft.question.items, draft.labels, strict=True)]
    return " ".join(_selected(words, draft))


def _span_words(draft: Draft) -> list[str]:
    words = _selected(list(draft.question.items), draft)
    ends = [*draft.labels[1:], None]
    for at, (label, after) in enumerate(zip(draft.labels, ends, strict=True)):
        if str(label)[:2] == "B-":
            words[at] = f"({words[at]}"
        if str(label)[:2] in {"B-", "I-"} and str(after)[:2] != "I-":
            words[at] = f"{words[at]})/{str(label)[2:]}"
    return words


def _selected(words: list[str], draft: Draft) -> list[str]:
    chosen = draft.selected
    if words:
        words[chosen[0]] = f"⟦{words[chosen[0]]}"
        words[chosen[-1]] = f"{words[chosen[-1]]}⟧"
    return words


def _labelled(draft: Draft, said: dict[int, Any]) -> Draft:
    return replace(draft, labels=tuple(said.get(at, label) for at, label in enumerate(draft.labels)), anchor=None)


def _toggled(draft: Draft, name: str) -> Draft:
    now = {at: _as_tuple(draft.labels[at]) for at in draft.selected}
    everywhere = all(name in names for names in now.values())
    return _labelled(draft, {
        at: tuple(one for one in names if one != name) if everywhere else tuple(sorted({*names, name}))
        for at, names in now.items()
    })


def _with_span(draft: Draft, name: str) -> Draft:
    first = draft.selected[0]
    return _whole_spans(_labelled(draft, {at: f"{'B' if at == first else 'I'}-{name}" for at in draft.selected}))


def _whole_spans(draft: Draft) -> Draft:
    """A span whose beginning was taken begins with what is left of it."""
    labels: list[Any] = list(draft.labels)
    for at, label in enumerate(labels):
        before = str(labels[at - 1]) if at else "O"
        if str(label)[:2] == "I-" and before[2:] != str(label)[2:]:
            labels[at] = f"B-{str(label)[2:]}"
    return replace(draft, labels=tuple(labels))


def _as_tuple(label: Any) -> tuple[str, ...]:
    return label if isinstance(label, tuple) else ()


def _plain(label: Any) -> Any:
    return list(label) if isinstance(label, tuple) else label
