"""Many records at once, as batch functions see them: a column per payload, decoded when it is first touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.errors import nearest

if TYPE_CHECKING:
    from ovt.data.view import Rows, RowTags


class Batch:
    """Consecutive records: ``len(batch)``, ``batch.ids``, ``batch.query``, ``batch["my-payload"]``.

    A column has one element per record: text and categories are numpy arrays of
    str or None, numbers a float array (NaN where null), vectors an array with a
    row per record (NaN where null), sequences lists of tokens, sets lists of
    members (None where null).
    """

    __slots__ = ("rows", "start", "stop")

    def __init__(self, rows: Rows, start: int, stop: int) -> None:
        self.rows = rows
        self.start = start
        """The first record, counted from the start of the rows."""
        self.stop = stop

    def part(self, start: int, stop: int) -> Batch:
        """Other records of the same rows."""
        return Batch(self.rows, start, stop)

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def ids(self) -> list[str]:
        """Record ids."""
        return self.rows.ids[self.start:self.stop]

    @property
    def tags(self) -> RowTags:
        """Of each record the split, then the other tags, sorted."""
        return self.rows.tags[self.start:self.stop]

    def __getitem__(self, name: str) -> Any:
        return self.rows.column(name)[self.start:self.stop]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.rows.column(name)[self.start:self.stop]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Any:
        raise TypeError(f"a batch is no list of records: take a column, {nearest('', self.rows.payloads)}")

    def __repr__(self) -> str:
        return f"Batch({len(self)} records)"
