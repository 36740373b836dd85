"""The row store, read: payloads as memory-mapped numpy columns, and records as functions see them.

Files in the folder: `store.json` (shards), `schema.json`, `classes.json`, `id.arrow`,
`split.arrow`, and a folder per payload with a file per column. Arrow IPC,
uncompressed; number columns are one batch, so that numpy sees the mapped file;
text columns have a batch per shard.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import TextReader, read_column
from ovt.data.lineage import Lineage, read_lineage
from ovt.data.view import RecordView, Rows, RowTags
from ovt.data.vocabulary import Vocabulary
from ovt.documents import read_document
from ovt.errors import MissingError
from ovt.schema.parse import parse_schema
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.tags import TagTable
    from ovt.schema.spec import Schema

FORMAT = "ovt.store/1"


@dataclass(frozen=True)
class Shard:
    """A range of rows that is worked on at once."""

    name: str
    start: int
    stop: int
    digest: str
    """Of ids and payloads alone: unchanged by labels, tags, and by what other shards hold."""


@dataclass(frozen=True)
class Ragged:
    """Lists of numbers: row `i` is ``values[offsets[i]:offsets[i + 1]]``."""

    offsets: NDArray[np.int64]
    values: NDArray[np.int32]


@dataclass(frozen=True)
class Members:
    """Members of the sets of all records."""

    offsets: NDArray[np.int64]
    """(n + 1,) where each record's members begin."""
    ids: NDArray[np.int32]
    """(m,) index into the vocabulary `PAYLOAD.id`; -1: no id."""
    ranges: NDArray[np.int32]
    """(m, 2) half-open token spans; empty (start = stop) where there is none or it was cut off."""


class Store:
    """An opened store; columns are mapped when they are first asked for and kept."""

    def __init__(self, folder: Path, index: dict[str, Any]) -> None:
        self._folder = folder
        self._columns: dict[str, NDArray[Any]] = {}
        self._texts: dict[str, TextReader] = {}
        self._vocabularies: dict[str, Vocabulary] = {}
        self.schema: Schema = parse_schema(read_document(folder / "schema.json"))
        self.n: int = index["n"]
        self.shards = [Shard(**entry) for entry in index["shards"]]

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open `build/store`.

        Raises:
            MissingError: it is not there, or another version of ovt made it.
        """
        try:
            index = json.loads((folder / "store.json").read_text("utf-8"))
        except FileNotFoundError:
            raise MissingError("the row store is not here", at=str(folder), why="nothing has been compiled yet",
                               fix="compile, or pull it", command="ovt run compile") from None
        if index.get("format") != FORMAT:
            raise MissingError("the row store has another format", at=str(folder),
                               why=f"found {index.get('format')}, this ovt reads {FORMAT}", fix="compile it again",
                               command="ovt run compile --force")
        return cls(folder, index)

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Class names of each multiclass and bitvector task; a label in votes is an index into them."""
        found: dict[str, list[str]] = json.loads((self._folder / "classes.json").read_text("utf-8"))
        return found

    @cached_property
    def lineage(self) -> Lineage | None:
        """Where made records come from; None where the project makes none."""
        return read_lineage(self._folder)

    @property
    def splits(self) -> NDArray[np.int8]:
        """(n,) index into SPLITS."""
        return self._column("split")

    @cached_property
    def ids(self) -> Any:
        """Arrow string array (n,)."""
        return TextReader(self._folder / "id.arrow").all()

    def present(self, payload: str) -> NDArray[np.bool_]:
        """(n,) False where the payload is null."""
        return self._payload_column(payload, "present").view(bool)

    def tokens(self, payload: str) -> Ragged:
        """Tokens of a sequence or of a text without base, by record; of a set, by member."""
        return Ragged(self._payload_column(payload, "offsets"), self._payload_column(payload, "values"))

    def spans(self, payload: str) -> NDArray[np.int32] | None:
        """(tokens, 2) character offsets in the text that a sequence was made from, -1 where tokens were given.

        None if all of them were given.
        """
        if not self._path(payload, "spans").exists():
            return None
        return self._payload_column(payload, "spans").reshape(-1, 2)

    def members(self, payload: str) -> Members:
        """Members of a set."""
        column = self._payload_column
        return Members(column(payload, "members"), column(payload, "ids"), column(payload, "ranges").reshape(-1, 2))

    def categories(self, payload: str) -> NDArray[np.int32]:
        """(n,) index into the payload's vocabulary; -1 null."""
        return self._payload_column(payload, "values")

    def exact_numbers(self, payload: str) -> NDArray[np.float64]:
        """(n,) as written; NaN null."""
        return self._payload_column(payload, "values")

    def numbers(self, payload: str) -> NDArray[np.float32]:
        """(n,) for a model; NaN null."""
        return self.exact_numbers(payload).astype(np.float32)

    def vectors(self, payload: str) -> NDArray[np.float32]:
        """(n, length); NaN null."""
        return self._payload_column(payload, "values").reshape(self.n, self.schema.payloads[payload].length or 0)

    def texts(self, payload: str, start: int, stop: int) -> list[str | None]:
        """Texts of some rows of a text singleton."""
        return self._strings(payload, "text", start, stop)

    def members_json(self, payload: str, start: int, stop: int) -> list[str | None]:
        """Sets of some rows, each as a JSON list of its members."""
        return self._strings(payload, "members_json", start, stop)

    def vocabulary(self, name: str) -> Vocabulary:
        """Strings of a payload, or of `PAYLOAD.id`."""
        if name not in self._vocabularies:
            own = name in self.schema.payloads
            payload, column = (name, "vocabulary") if own else (name.removesuffix(".id"), "id_vocabulary")
            self._vocabularies[name] = Vocabulary.load(self._path(payload, column))
        return self._vocabularies[name]

    def item_offsets(self, task: str) -> NDArray[np.int64] | None:
        """(n + 1,) where each record's items begin; None where items are records."""
        granularity = self.schema.granularity(task)
        if granularity == "record":
            return None
        return self._payload_column(self.schema.tasks[task].payload, "offsets" if granularity == "token" else "members")

    def n_items(self, task: str) -> int:
        """How many items the task labels."""
        offsets = self.item_offsets(task)
        return self.n if offsets is None else int(offsets[-1])

    def rows_of_items(self, task: str, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row that each item belongs to."""
        offsets = self.item_offsets(task)
        if offsets is None:
            return np.asarray(items, np.int64)
        return np.searchsorted(offsets, items, side="right") - 1

    def candidates(self, task: str) -> NDArray[np.int64]:
        """(n + 1,) where the candidates of each record of a select task begin."""
        return self._payload_column(self.schema.tasks[task].payload, "members")

    def row_of(self, record_id: str) -> int | None:
        """The row of one record."""
        row = int(self.rows_of([record_id])[0])
        return None if row < 0 else row

    def rows_of(self, record_ids: Iterable[str]) -> NDArray[np.int64]:
        """Rows of many records; -1 where there is no such record."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(record_ids if isinstance(record_ids, list) else list(record_ids), self.ids.type)
        if len(wanted) == 1:
            return np.array([pc.index(self.ids, wanted[0]).as_py()], np.int64)
        found = pc.index_in(wanted, value_set=self.ids)
        rows: NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return rows

    def record(self, row: int, tags: TagTable | RowTags | None = None) -> RecordView:
        """One record as functions see it."""
        return RecordView(Rows(self, row, row + 1, tags), 0)

    def views(self, shard: Shard, tags: TagTable | RowTags | None = None) -> Iterator[RecordView]:
        """The records of a shard as functions see them.

        Args:
            shard: one of `shards`.
            tags: of the whole store as a table, or of the shard's rows, where a function reads them.
        """
        return iter(Rows(self, shard.start, shard.stop, tags))

    def shard_of(self, row: int) -> int:
        """Position in `shards` of the shard that holds a row."""
        return int(np.searchsorted([shard.stop for shard in self.shards], row, side="right"))

    def _strings(self, payload: str, column: str, start: int, stop: int) -> list[str | None]:
        key = f"{payload}\0{column}"
        if key not in self._texts:
            self._texts[key] = TextReader(self._path(payload, column))
        found: list[str | None] = []
        for number in range(self.shard_of(start), len(self.shards)):
            shard = self.shards[number]
            if shard.start >= stop:
                break
            first, last = max(start, shard.start), min(stop, shard.stop)
            found += self._texts[key].batch(number).slice(first - shard.start, last - first).to_pylist()
        return found

    def _payload_column(self, payload: str, column: str) -> NDArray[Any]:
        return self._column(f"{safe_name(payload)}/{column}")

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self._columns:
            self._columns[name] = read_column(self._folder / f"{name}.arrow")
        return self._columns[name]

    def _path(self, payload: str, column: str) -> Path:
        return self._folder / safe_name(payload) / f"{column}.arrow"
