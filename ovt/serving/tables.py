"""Answers as Parquet: a column `id`, and for each task `TASK.label` and `TASK.confidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from ovt.schema.spec import Schema


class ParquetAnswers:
    """Writes chunks of answers as row groups."""

    def __init__(self, path: Path, schema: Schema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._tasks = list(schema.tasks)
        fields = [pa.field("id", pa.string())]
        for name in self._tasks:
            fields += [pa.field(f"{name}.label", _label(schema, name)),
                       pa.field(f"{name}.confidence", _confidence(schema, name))]
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(path, self._schema)
        self._decode = msgspec.json.Decoder().decode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, answers: list[bytes]) -> None:
        """Append answers."""
        import pyarrow as pa

        found = [self._decode(answer) for answer in answers]
        columns: dict[str, list[Any]] = {"id": [answer["id"] for answer in found]}
        for name in self._tasks:
            said = [answer["tasks"][name] for answer in found]
            columns[f"{name}.label"] = [one["label"] for one in said]
            columns[f"{name}.confidence"] = [one["confidence"] for one in said]
        self._writer.write_batch(pa.RecordBatch.from_pydict(columns, schema=self._schema))


def _label(schema: Schema, name: str) -> Any:
    import pyarrow as pa

    task = schema.tasks[name]
    if task.type == "select":
        return pa.int32()
    label = pa.list_(pa.string()) if task.type == "bitvector" else pa.string()
    return label if schema.granularity(name) == "record" else pa.list_(label)


def _confidence(schema: Schema, name: str) -> Any:
    import pyarrow as pa

    return pa.float64() if schema.granularity(name) == "record" else pa.list_(pa.float64())
