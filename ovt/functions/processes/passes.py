"""One pass of a function over the records of a shard, as a worker runs it.

A record that the function fails on is counted and left out; the first of them
is told. Without memory the pass ends: the records after it would fail too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.data.batch import Batch
from ovt.functions.answers import Answer, AnswerError, Label, read_answer
from ovt.functions.batches import answers_in, narrowed
from ovt.functions.decorators import ABSTAIN
from ovt.functions.failures import Told, told_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ovt.data.store import Shard, Store
    from ovt.data.view import RecordView, Rows
    from ovt.functions.discover import Function
    from ovt.functions.predictions import Predicted

BATCH = 4096
"""Records that a batch function gets at once."""
BATCH_PATIENCE = 10
"""A batch may take so many times what one record may."""
NOTHING: Answer = []


@dataclass
class Pass:
    """What one function said about some records."""

    items: list[int] = field(default_factory=list)
    """Item numbers, counted from the first one of these records."""
    labels: list[Label] = field(default_factory=list)
    failure: Told | None = None

    def fail(self, failure: Told) -> None:
        """Count a record that it failed on."""
        if self.failure is None:
            self.failure = failure
        else:
            self.failure.count += failure.count


class Asked:
    """A function and the store that it is asked about."""

    def __init__(self, function: Function, store: Store) -> None:
        self.function = function
        self._form, self._store = function.form, store
        self.payload = store.schema.tasks[function.task].payload if function.task else ""
        self._offsets = store.item_offsets(function.task) if function.task else None
        selects = function.form is not None and function.form.type == "select"
        self._bounds = store.candidates(str(function.task)) if selects else self._offsets

    def read(self, row: int, value: Any, members: Callable[[], Any]) -> Answer:
        """What a returned value says about a record; a slice's member is told by one pair, position 0.

        Args:
            row: of the record.
            value: what the function returned.
            members: gives the candidates of a `select` task; called only where one is named.

        Raises:
            AnswerError: it is no label of its task.
        """
        if value is None or value is ABSTAIN:
            return NOTHING
        if self._form is None:
            return [(0, 1)] if value else NOTHING
        bounds = self._bounds
        length = 1 if bounds is None else int(bounds[row + 1] - bounds[row])
        return read_answer(self._form, value, length, lambda: [member.id for member in members() or ()])

    def first_item(self, shard: Shard) -> int:
        """The item that a shard begins with."""
        return shard.start if self._offsets is None else int(self._offsets[shard.start])

    def starts(self, rows: Rows) -> Sequence[int]:
        """Where the items of each record begin, counted from the first of them."""
        if self._offsets is None:
            return range(len(rows))
        found: list[int] = (self._offsets[rows.start:rows.stop] - self._offsets[rows.start]).tolist()
        return found

    @property
    def simple(self) -> bool:
        """Whether a text that is returned is the whole answer."""
        return self._form is not None and self._form.granularity == "record" and self._form.type == "multiclass"


def run_pass(
    asked: Asked, rows: Rows, views: Iterable[RecordView], predicted: dict[str, Predicted], beat: memoryview,
) -> Pass:
    """Ask a function about every record of some rows.

    Args:
        asked: the function.
        rows: the records.
        views: one by one; not looked at for a batch function.
        predicted: what models say about these rows, by the name of the argument that takes it.
        beat: `beat[0]` is told each row.
    """
    if asked.function.batch:
        return _in_batches(asked, rows, predicted, beat)
    if predicted:
        return _one_by_one(asked, rows, views, _with_predictions(asked.function.call, predicted), beat)
    return _one_by_one(asked, rows, views, asked.function.call, beat)


def _with_predictions(call: Callable[..., Any], predicted: dict[str, Predicted]) -> Callable[[Any], Any]:
    # A record tells its place in the rows: the same order in which predictions were made.
    return lambda record: call(record, **{name: found.at(record._at) for name, found in predicted.items()})


def _one_by_one(
    asked: Asked, rows: Rows, views: Iterable[RecordView], call: Callable[[Any], Any], beat: memoryview,
) -> Pass:
    done = Pass()
    items, labels, simple, read = done.items, done.labels, asked.simple, asked.read
    beat[1] = 1
    for row, view, start in zip(range(rows.start, rows.stop), views, asked.starts(rows), strict=True):
        beat[0] = row
        try:
            value = call(view)
            if value is None or value is ABSTAIN:
                continue
            if simple and type(value) is str:
                items.append(start)
                labels.append(value)
                continue
            for position, label in read(row, value, lambda view=view: view[asked.payload]):  # type: ignore[misc]
                items.append(start + position)
                labels.append(label)
        except BaseException as error:  # noqa: BLE001  the user's code may raise anything
            done.fail(told_of(asked.function, view.id, error))
            if isinstance(error, MemoryError):
                break
    beat[0] = -1
    return done


def _in_batches(asked: Asked, rows: Rows, predicted: dict[str, Predicted], beat: memoryview) -> Pass:
    done = Pass()
    starts = asked.starts(rows)
    beat[1] = BATCH_PATIENCE
    for first in range(0, len(rows), BATCH):
        batch = Batch(rows, first, min(first + BATCH, len(rows)))
        beat[0] = rows.start + first
        try:
            values = ask_batch(asked, batch, predicted)
        except BaseException as error:  # noqa: BLE001  the user's code may raise anything
            done.fail(_culprit(asked, batch, predicted, error))
            if isinstance(error, MemoryError):
                break
            continue
        _read_batch(asked, batch, values, starts, done)
    beat[0] = -1
    return done


def ask_batch(asked: Asked, batch: Batch, predicted: dict[str, Predicted]) -> Sequence[Any]:
    """One answer per record of a batch.

    Raises:
        AnswerError: it did not return so many.
    """
    extra = {name: found.between(batch.start, batch.stop) for name, found in predicted.items()}
    return answers_in(asked.function.call(batch, **extra), len(batch))


def _read_batch(asked: Asked, batch: Batch, values: Sequence[Any], starts: Sequence[int], done: Pass) -> None:
    simple, rows = asked.simple, batch.rows
    for at, value in zip(range(batch.start, batch.stop), values, strict=True):
        if value is None:
            continue
        if simple and type(value) is str:
            done.items.append(starts[at])
            done.labels.append(value)
            continue
        try:
            answer = asked.read(rows.start + at, value, lambda at=at: rows.getter(asked.payload)(at))  # type: ignore[misc]
        except AnswerError as error:
            done.fail(told_of(asked.function, rows.ids[at], error))
            continue
        for position, label in answer:
            done.items.append(starts[at] + position)
            done.labels.append(label)


def _culprit(asked: Asked, batch: Batch, predicted: dict[str, Predicted], error: BaseException) -> Told:
    """The failure on the first record that it happens with alone; on the batch where there is none."""
    found = narrowed(batch, lambda part: ask_batch(asked, part, predicted), error)
    if found is not None:
        alone, why = found
        return told_of(asked.function, alone.ids[0], why)
    failure = told_of(asked.function, batch.ids[0], error)
    failure.why += f"; only with all {len(batch):,} records of a batch together, of which the first is told"
    failure.count = len(batch)
    return failure
