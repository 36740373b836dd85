"""Records in one line, from the row store: what a person reads in a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.data.view import RecordView, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.store import Store
    from ovt.schema.spec import Schema


def texts_of(store: Store, task: str, rows: Sequence[int], positions: Sequence[int]) -> list[str]:
    """A line for each item of a task.

    Args:
        store: the records.
        task: whose token or member stands in ⟦ ⟧.
        rows: of the records; below 0 for a record that is not here.
        positions: of the item in each.
    """
    parts: dict[int, Rows] = {}
    found = []
    for row, position in zip(rows, positions, strict=True):
        if row < 0:
            found.append("")
            continue
        number = store.shard_of(row)
        shard = store.shards[number]
        part = parts.setdefault(number, Rows(store, shard.start, shard.stop))
        found.append(_line(store.schema, task, part, row - shard.start, position))
    return found


def text_of(store: Store, row: int) -> str:
    """The text of a record, whatever task it is for."""
    return _whole(store.schema, store.record(row))


def _line(schema: Schema, task: str, rows: Rows, at: int, position: int) -> str:

    record = RecordView(rows, at)
    if schema.granularity(task) == "record":
        return _whole(schema, record)
    return _spelled(record[schema.tasks[task].payload] or (), position)


def _whole(schema: Schema, record: RecordView) -> str:
    texts = [name for name, payload in schema.payloads.items()
             if payload.type == "singleton" and payload.dtype == "text"]
    said = [str(record[name]) for name in texts if record[name]]
    if not said:
        said = [_spelled(record[name] or (), None) for name, payload in schema.payloads.items()
                if payload.type == "sequence"]
    return " · ".join(text for text in said if text)


def _spelled(items: Sequence[Any], position: int | None) -> str:
    words = [word if isinstance(word, str) else str(word.id or word.fields) for word in items]
    return " ".join(f"⟦{word}⟧" if at == position else word for at, word in enumerate(words))
