"""Columns of the store: appended shard by shard in bounded memory, read back as one memory-mapped numpy view.

A number column is first spilled as raw bytes, because an Arrow file that numpy
can see as one array needs a single record batch, whose length is known only at
the end. The spill is memory-mapped when it is rewritten, so nothing of its size
is ever held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Spill:
    """Numbers of one type, appended to a file; it is open only while it is written to."""

    def __init__(self, path: Path, dtype: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._dtype = np.dtype(dtype)
        self.length = 0

    def add(self, values: NDArray[Any]) -> None:
        """Append an array of any shape, flattened."""
        if values.size:
            with self._path.open("ab") as file:
                file.write(np.ascontiguousarray(values, self._dtype).data)
            self.length += values.size

    def mapped(self) -> NDArray[Any]:
        """All of it, memory-mapped."""
        if not self.length:
            return np.empty(0, self._dtype)
        return np.memmap(self._path, self._dtype, "r")


ARROW_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Arrow's own names of types that numpy names otherwise."""


def numbers(values: NDArray[Any]) -> Any:
    """A numpy array as an Arrow array, without copying; pyarrow's own `array` imports pandas (0.3 s)."""
    import pyarrow as pa

    plain = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(plain.dtype), len(plain), [None, pa.py_buffer(plain)])


def strings(values: Sequence[str]) -> Any:
    """Texts as an Arrow array, without pandas too."""
    import pyarrow as pa

    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def write_column(path: Path, values: NDArray[Any]) -> None:
    """One numpy array as an Arrow IPC file of a single batch and no metadata."""
    import pyarrow as pa

    array = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])
    _write_batch(path, pa.RecordBatch.from_arrays([array], names=["value"]))


def _write_batch(path: Path, batch: Any) -> None:
    import pyarrow as pa

    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def read_column(path: Path) -> NDArray[Any]:
    """The array of `write_column`, as a view of the mapped file."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        batch = pa.ipc.open_file(source).get_batch(0)
    return view(batch.column(0))


def view(array: Any) -> NDArray[Any]:
    """Numbers without nulls as numpy, without copying; pyarrow's own `to_numpy` imports pandas (0.3 s)."""
    name = str(array.type)
    dtype = np.dtype(ARROW_NAMES.get(name, name))
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(data, dtype)[array.offset : array.offset + len(array)]


def filled(array: Any, null: float) -> NDArray[Any]:
    """A copy with `null` where the array has none: `fill_null` imports pandas too."""
    values = view(array).copy()
    if array.null_count:
        values[~bits(array.buffers()[0], array.offset, len(array))] = null
    return values


def bits(packed: Any, offset: int, length: int) -> NDArray[np.bool_]:
    """(length,) booleans as Arrow packs them: validity of any array, values of a boolean one."""
    raw = np.frombuffer(packed, np.uint8)
    return np.unpackbits(raw, count=offset + length, bitorder="little")[offset:].astype(bool)


class TextColumn:
    """Strings (None: null) as an Arrow IPC file with one batch per shard."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        path.parent.mkdir(parents=True, exist_ok=True)
        self._schema = pa.schema([("value", pa.string())])
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, self._schema)

    def add(self, array: Any) -> None:
        """Append an Arrow string array as the next batch."""
        import pyarrow as pa

        self._writer.write_batch(pa.RecordBatch.from_arrays([array], schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
        self._sink.close()


class TextReader:
    """Reads what `TextColumn` wrote, a batch at a time, without copying."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self._file = pa.ipc.open_file(pa.memory_map(str(path)))

    def batch(self, number: int) -> Any:
        """The Arrow string array of one shard."""
        return self._file.get_batch(number).column(0)

    def all(self) -> Any:
        """One Arrow string array over all shards; large offsets where the text needs them."""
        import pyarrow as pa

        batches = [self.batch(number) for number in range(self._file.num_record_batches)]
        if len(batches) == 1:
            return batches[0]
        if sum(batch.nbytes for batch in batches) >= 2**31:
            batches = [batch.cast(pa.large_string()) for batch in batches]
        return pa.concat_arrays(batches) if batches else pa.array([], pa.string())
