"""The row store, written: shard after shard in bounded memory, the same bytes for the same records."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.data import tokenizer
from ovt.data.columns import Spill, TextColumn, write_column
from ovt.data.encoders import Encoder, add_text, encoder
from ovt.data.store import FORMAT, Shard
from ovt.schema.write import plain_schema
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.records import Record, RecordCodec

MIN_RECORDS, MAX_RECORDS = 4096, 32768
HEAVY_BYTES, MAX_BYTES = 4 << 20, 64 << 20
_OFFSETS = {"lengths": "offsets", "counts": "members"}
"""Columns of lengths, written as offsets."""


def ends_shard(record_id: str, records: int, size: int) -> bool:
    """Whether a shard of so many records and bytes of JSON ends with this record.

    The end is told by a hash of the id, so that a record put in or taken out
    changes the shard that it is in and leaves the others as they are: the votes
    cached for those are found again. Large records make shorter shards.
    """
    if records < MIN_RECORDS and size < HEAVY_BYTES:
        return False
    if records >= MAX_RECORDS or size >= MAX_BYTES:
        return True
    return zlib.crc32(record_id.encode()) & (0x1FFF if size < HEAVY_BYTES else 0xFF) == 0


class StoreWriter:
    """Writes a store into an empty folder."""

    def __init__(self, folder: Path, codec: RecordCodec, scratch: Path) -> None:
        schema = codec.schema
        self._folder = folder
        self._schema = schema
        self._encoders: dict[str, Encoder] = {}
        for number, payload in enumerate(schema.payloads.values()):
            own = folder / safe_name(payload.name)
            own.mkdir(parents=True)
            limit = schema.payloads[payload.range].max_length if payload.range else None
            self._encoders[payload.name] = encoder(payload, limit, own, scratch / f"payload{number}")
        self._get = {name: attrgetter(f"payloads.{field}") for name, field in codec.payload_fields.items()}
        self._ids = TextColumn(folder / "id.arrow")
        self._splits = Spill(scratch / "splits", np.int8)
        self._head = msgspec.json.encode([FORMAT, tokenizer.NAME, plain_schema(schema)["payloads"]])
        self.shards: list[Shard] = []
        self.n = 0

    def add(self, records: list[Record], splits: NDArray[np.int8]) -> tuple[Any, dict[str, NDArray[np.int64]]]:
        """Append a shard; its ids as an Arrow array, and the stored length of each sequence and set by record."""
        digest = hashlib.sha256(self._head)
        ids = add_text(self._ids, [record.id for record in records], digest)
        self._splits.add(splits)
        train = splits == 0
        lengths: dict[str, NDArray[np.int64]] = {}
        for name, one in self._encoders.items():
            found = one.add(list(map(self._get[name], records)), train, digest)
            if found is not None:
                lengths[name] = found
        stop = self.n + len(records)
        self.shards.append(Shard(f"{len(self.shards):05d}", self.n, stop, digest.hexdigest()))
        self.n = stop
        return ids, lengths

    def cut(self) -> dict[str, int]:
        """Records shortened to `max_length`, by payload."""
        return {name: one.cut for name, one in self._encoders.items() if one.cut}

    def finish(self, classes: Mapping[str, list[str]]) -> None:
        """Write what is known only at the end."""
        self._ids.close()
        write_column(self._folder / "split.arrow", self._splits.mapped())
        for name, one in self._encoders.items():
            one.close()
            self._finish_payload(self._folder / safe_name(name), one)
        self._write("schema.json", plain_schema(self._schema), sort_keys=False)
        self._write("classes.json", dict(classes))
        shards = [asdict(shard) for shard in self.shards]
        self._write("store.json", {"format": FORMAT, "n": self.n, "tokenizer": tokenizer.NAME, "shards": shards})

    def _write(self, name: str, value: Any, *, sort_keys: bool = True) -> None:
        """Plainly: the whole folder is swapped in when the stage is done."""
        text = json.dumps(value, sort_keys=sort_keys, indent=1, ensure_ascii=False)
        (self._folder / name).write_text(f"{text}\n", "utf-8")

    @staticmethod
    def _finish_payload(folder: Path, one: Encoder) -> None:
        for column, spill in one.columns.items():
            values = spill.mapped()
            if column in _OFFSETS:
                values = np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))
            write_column(folder / f"{_OFFSETS.get(column, column)}.arrow", values)
        for suffix, words in one.vocabularies.items():
            words.save(folder / ("vocabulary.arrow" if not suffix else "id_vocabulary.arrow"))
