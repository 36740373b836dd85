"""The text of a function in two versions as lines, each with a sign: what came, what went, what stayed."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovt.workflows.committing.definitions import Definition

Sign = Literal["+", "-", " ", "@"]
WORDS = {
    "new": "+ new in this comparison", "gone": "- gone", "edited": "~ edited", "same": "  the same in both versions",
    "nowhere": "  in no file of either version",
}


@dataclass(frozen=True)
class Line:
    """One line of code."""

    sign: Sign
    text: str


def code_lines(found: Definition) -> list[Line]:
    """The function whole, with what changed in it; if only what it uses of its file changed, the file's changes."""
    old = found.old.lines if found.old else ()
    new = found.new.lines if found.new else ()
    lines = list(_whole(old, new))
    if found.change == "edited" and old == new and found.old and found.new:
        lines += [Line("@", "what it uses of its file changed:"), *_changes(found.old.whole, found.new.whole)]
    return lines


def headline(found: Definition) -> str:
    """What it is, where, and what happened to it."""
    what = "source" if found.kind == "labeling" else "slice"
    where = found.new or found.old
    places = [f"{where.path}:{where.line}"] if where else []
    if found.old and found.new and found.old.path != found.new.path:
        places = [f"{found.old.path} → {places[0]}"]
    return " · ".join([f"{what} {found.name}", *places, WORDS[found.change].strip()])


def _whole(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for what, first, last, start, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield from (Line(" ", text.expandtabs(4)) for text in new[start:stop])
            continue
        yield from (Line("-", text.expandtabs(4)) for text in old[first:last])
        yield from (Line("+", text.expandtabs(4)) for text in new[start:stop])


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    signs: dict[str, Sign] = {"+": "+", "-": "-", "@": "@"}
    for line in list(unified_diff(old, new, lineterm="", n=2))[2:]:
        sign = signs.get(line[:1], " ")
        yield Line(sign, (line if sign == "@" else line[1:]).expandtabs(4))
