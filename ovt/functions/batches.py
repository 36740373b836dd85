"""What a batch function returns, as one answer per record; and which record of a batch it fails on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.functions.answers import AnswerError, shown

if TYPE_CHECKING:
    from ovt.data.batch import Batch


def answers_in(value: object, length: int) -> Sequence[Any]:
    """The answers of a batch, None where it abstains.

    An array of integers abstains with -1, as `ovt.combine` has it; a boolean
    array with a column per class says which classes hold. Anything else that has
    one element per record is read element by element.

    Raises:
        AnswerError: it has not one element per record.
    """
    if isinstance(value, np.ndarray):
        listed = _from_array(value)
    elif value is None or isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise AnswerError(f"{shown(value)} is no list: a batch function returns one answer per record")
    else:
        listed = value.tolist() if hasattr(value, "tolist") else list(value)
    if len(listed) != length:
        raise AnswerError(f"{len(listed):,} answers for a batch of {length:,} records")
    return listed


def _from_array(value: np.ndarray[Any, Any]) -> list[Any]:
    if value.ndim == 0:
        raise AnswerError(f"{shown(value)} is no list: a batch function returns one answer per record")
    if value.dtype == bool and value.ndim == 2:
        return [np.flatnonzero(row).tolist() for row in value]
    listed: list[Any] = value.tolist()
    if value.ndim == 1 and value.dtype.kind in "iu":
        return [None if found == -1 else found for found in listed]
    return listed


def narrowed(
    batch: Batch, ask: Callable[[Batch], object], error: BaseException,
) -> tuple[Batch, BaseException] | None:
    """The first record that raises alone, with what it raises; None if no single one does.

    Asks about halves, some two per doubling of the batch's length.
    """
    while len(batch) > 1:
        middle = (batch.start + batch.stop) // 2
        for part in (batch.part(batch.start, middle), batch.part(middle, batch.stop)):
            raised = _raised(ask, part)
            if raised is not None:
                batch, error = part, raised
                break
        else:
            return None
    return batch, error


def _raised(ask: Callable[[Batch], object], batch: Batch) -> BaseException | None:
    try:
        ask(batch)
    except BaseException as error:  # noqa: BLE001  the user's code may raise anything
        return error
    return None
