"""A subset of records asked for in words: `nutrition & date:2019-09`, `(long | rare) & !towers`.

A name is a slice, or else a tag; `slice:NAME` and `tag:NAME` say which where
both have it. `&`, `|`, `!` and brackets as everywhere: `!` binds closest, then
`&`, then `|`. A name with blanks or signs in it stands in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from numpy.typing import NDArray

    from ovt.quality.membership import RowsByName

TOKEN = re.compile(r"""\s*(?:(?P<sign>[&|!()])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<name>[^\s&|!()"']+))""")
EXAMPLE = "write it like `nutrition & (date:2019-09 | !long)`; a name with blanks stands in quotes"


@dataclass(frozen=True)
class Name:
    """The records of one slice or tag."""

    text: str


@dataclass(frozen=True)
class Not:
    """The records that are not in it."""

    of: Node


@dataclass(frozen=True)
class Both:
    """Records in all (`&`) or in at least one (`|`) of several."""

    sign: str
    parts: tuple[Node, ...]


Node = Name | Not | Both


def parse(text: str) -> Node:
    """Read an expression.

    Raises:
        UsageError: it is none; the message shows where.
    """
    return _Parser(text).whole()


def names_in(node: Node) -> Iterator[str]:
    """The names that an expression mentions."""
    if isinstance(node, Name):
        yield node.text
    else:
        for inner in (node.of,) if isinstance(node, Not) else node.parts:
            yield from names_in(inner)


def mask(node: Node, slices: RowsByName, tags: RowsByName, known: Collection[str] = ()) -> NDArray[np.bool_]:
    """(n,) which records are meant.

    Args:
        node: what `parse` gave.
        slices: slices of the records.
        tags: tags of the records.
        known: names that exist although no record carries them.

    Raises:
        UsageError: a name is neither a slice nor a tag.
    """
    if isinstance(node, Name):
        return _members(node.text, slices, tags, known)
    if isinstance(node, Not):
        return ~mask(node.of, slices, tags, known)
    found = [mask(part, slices, tags, known) for part in node.parts]
    inside: NDArray[np.bool_] = (np.logical_and if node.sign == "&" else np.logical_or).reduce(found)
    return inside


def _members(text: str, slices: RowsByName, tags: RowsByName, known: Collection[str]) -> NDArray[np.bool_]:
    kind, _, name = text.partition(":")
    places = {"slice": (slices,), "tag": (tags,)}
    if kind in places and name in places[kind][0].rows:
        return places[kind][0].mask(name)
    for place in (slices, tags):
        if text in place.rows:
            return place.mask(text)
    if text in known:
        return np.zeros(slices.n, bool)
    everything = {*slices.rows, *tags.rows, *known}
    raise UsageError(f"no slice and no tag `{text}`", why=nearest(text, everything) or "there are none at all",
                     fix=EXAMPLE, command="ovt slice list")


class _Parser:
    """By recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.tokens: list[tuple[str, str, int]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            found = TOKEN.match(text, position)
            if found is None:
                raise self.wrong(position, "a quote is not closed")
            kind = found.lastgroup or ""
            self.tokens.append(("sign" if kind == "sign" else "name", found[kind], found.start(kind)))
            position = found.end()

    def whole(self) -> Node:
        """The expression, with nothing left over."""
        node = self.either()
        if self.place < len(self.tokens):
            _, text, position = self.tokens[self.place]
            raise self.wrong(position, f"`{text}` is not expected here; `&` or `|` stands between two names")
        return node

    def either(self) -> Node:
        """Parts of `|`."""
        return self.several("|", self.every)

    def every(self) -> Node:
        """Parts of `&`."""
        return self.several("&", self.one)

    def several(self, sign: str, part: Callable[[], Node]) -> Node:
        """One part, or several with a sign between them."""
        parts = [part()]
        while self.peek() == ("sign", sign):
            self.place += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Both(sign, tuple(parts))

    def one(self) -> Node:
        """A name, a negation, or something in brackets."""
        kind, text = self.peek()
        position = self.tokens[self.place][2] if self.place < len(self.tokens) else len(self.text)
        self.place += 1
        if kind == "name":
            return Name(text)
        if text == "!":
            return Not(self.one())
        if text == "(":
            inner = self.either()
            if self.peek() != ("sign", ")"):
                raise self.wrong(position, "this bracket is not closed")
            self.place += 1
            return inner
        raise self.wrong(position, "a slice or a tag is expected here")

    def peek(self) -> tuple[str, str]:
        """The next token; two empty texts at the end."""
        return self.tokens[self.place][:2] if self.place < len(self.tokens) else ("", "")

    def wrong(self, position: int, why: str) -> UsageError:
        """An error that points at a place in the text."""
        return UsageError(f"`{self.text}` cannot be understood", at=f"character {position + 1}", why=why, fix=EXAMPLE)
