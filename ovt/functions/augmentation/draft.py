"""What transformation functions and generators are given, and what they may return.

A transformation function gets a `Draft`: a copy of the parent that it may
change in place, as in Snorkel. It returns the draft, a dict of changed
payloads, a dict `{"payloads": …, "labels": …, "tags": …}`, several of these in a
list (or it yields them), or None. All of it is read into `Product`s: plain
values that can be written as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.data.view import Member, RecordView
from ovt.errors import nearest
from ovt.functions.decorators import ABSTAIN

if TYPE_CHECKING:
    from collections.abc import Collection

WHOLE_KEYS = ("payloads", "labels", "tags")
_OWN = frozenset({"_parent", "_values", "labels", "tags"})


class ProductError(ValueError):
    """What a function returned is no record; `fix` says what it may return."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True)
class Product:
    """One new record, as a function gave it: what it changes, and what it says about it."""

    payloads: dict[str, Any]
    """Payloads that differ from the parent's; all of them where there is no parent."""
    labels: dict[str, Any] = field(default_factory=dict)
    """Per task: a vote of the function's own."""
    tags: tuple[str, ...] = ()
    """Tags beside the parent's."""


class Draft:
    """A copy of a record to be changed: ``r.query = r.query.lower()``, ``r["my-payload"] = …``, ``r.tokens[0] = …``.

    `r.labels` is empty: what is put there, by task, is said about the new record
    by the function itself. `r.changed(query=…)` is one more copy.
    """

    __slots__ = ("_parent", "_values", "labels", "tags")
    labels: dict[str, Any]
    tags: list[str]

    def __init__(self, parent: RecordView, *, with_tags: bool) -> None:
        object.__setattr__(self, "_parent", parent)
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "labels", {})
        object.__setattr__(self, "tags", list(parent.tags) if with_tags else [])

    @property
    def id(self) -> str:
        """The parent's id; the new record gets one of its own."""
        found: str = self._parent.id
        return found

    def changed(self, **payloads: Any) -> Draft:
        """A copy of this draft with other payloads.

        Raises:
            AttributeError: the schema has no such payload.
        """
        made = self.__copy__()
        for name, value in payloads.items():
            setattr(made, name, value)
        return made

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = _copied(self._parent[name])
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self[name]  # an unknown payload is told here, by name
        self._values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
            return
        if name == "id":
            raise AttributeError("the id of a new record is made from its parent's and cannot be set")
        try:
            self[name] = value
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __copy__(self) -> Draft:
        made = Draft(self._parent, with_tags=False)
        made._values.update({name: _copied(value) for name, value in self._values.items()})
        made.labels, made.tags = dict(self.labels), list(self.tags)
        return made

    def __deepcopy__(self, memo: object) -> Draft:
        return self.__copy__()

    def __repr__(self) -> str:
        return f"Draft({self.id!r}, {self._values!r})"

    def product(self) -> Product:
        """What was changed, as plain values."""
        parent = self._parent
        values = {name: plain(value) for name, value in self._values.items()}
        payloads = {name: value for name, value in values.items() if value != plain(parent[name])}
        return Product(payloads, plain(self.labels), _tags(self.tags))


def read_products(value: object, parent: RecordView | None, payloads: Collection[str]) -> Iterator[Product]:
    """Everything that a function returned, one product after the other; a lazy value is read as it comes.

    Args:
        value: what was returned.
        parent: the record that was given; None for a generator.
        payloads: the payloads of the schema.

    Raises:
        ProductError: it is no record.
    """
    if value is None or value is ABSTAIN:
        return
    if isinstance(value, list | tuple | Iterator):
        for one in value:
            if one is not None and one is not ABSTAIN:
                yield _product(one, parent, payloads)
        return
    yield _product(value, parent, payloads)


def _product(value: object, parent: RecordView | None, payloads: Collection[str]) -> Product:
    if isinstance(value, Draft):
        return value.product()
    if isinstance(value, RecordView):
        return Product({})
    if not isinstance(value, Mapping):
        raise ProductError(f"it returned {_shown(value)}",
                           "return the changed record, a dict of changed payloads, a list of these, or None")
    whole = "payloads" in value and "payloads" not in payloads
    found = plain(value if whole else {"payloads": value})
    unknown = next((key for key in found if key not in WHOLE_KEYS), None)
    if unknown is not None:
        raise ProductError(f"a record has no `{unknown}`", "`payloads`, `labels` (by task), `tags`")
    changed, labels = found["payloads"], found.get("labels") or {}
    if not isinstance(changed, dict) or not isinstance(labels, dict):
        raise ProductError(f"it returned {_shown(value)}", '{"payloads": {…}, "labels": {TASK: LABEL}, "tags": […]}')
    for name in changed:
        if name not in payloads:
            raise ProductError(f"the schema has no payload {name!r}", nearest(str(name), payloads))
    if parent is not None:
        changed = {name: inner for name, inner in changed.items() if inner != plain(parent[name])}
    return Product(changed, labels, _tags(found.get("tags") or ()))


def plain(value: Any) -> Any:
    """Lists, dicts, texts and numbers alone: tuples, members of a set, arrays and numpy numbers are told as these."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Member):
        return plain(value.fields)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise ProductError(f"it returned {_shown(value)}", "records hold texts, numbers, lists and dicts")


def _copied(value: Any) -> Any:
    if isinstance(value, Member):
        return Member(_copied(value.fields))
    if isinstance(value, list | tuple):
        return [_copied(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return value


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(tag, str) for tag in value):
        raise ProductError(f"its tags are {_shown(value)}", "a list of names")
    return tuple(value)


def _shown(value: object) -> str:
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= 60 else f"{text[:57]}..."
