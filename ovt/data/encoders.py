"""One encoder per payload kind: values of a shard become columns and vocabulary numbers, and enter its digest."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from ovt.data import tokenizer
from ovt.data.checks import MadeTokens
from ovt.data.columns import Spill, TextColumn
from ovt.data.vocabulary import VocabularyBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.schema.spec import Payload

Columns = dict[str, Spill]
"""Number columns by name; the store's writer makes files of them at the end."""
_SEPARATOR = "\x1f"


class Digest(Protocol):
    """What `hashlib` gives."""

    def update(self, data: Any, /) -> None:
        """Take more bytes in."""


class Encoder(Protocol):
    """Takes one payload of every record, shard by shard."""

    columns: Columns
    vocabularies: dict[str, VocabularyBuilder]
    """By suffix: `""` for the payload's own, `".id"` for its members' ids."""
    cut: int
    """Records whose value was longer than `max_length`."""

    def add(self, values: list[Any], train: NDArray[np.bool_], digest: Digest) -> NDArray[np.int64] | None:
        """Append a shard; the number of tokens or members per record, None for a singleton."""

    def close(self) -> None:
        """Finish the files that are written as they come."""


def encoder(payload: Payload, sequence_limit: int | None, folder: Path, scratch: Path) -> Encoder:
    """The encoder of a payload; `sequence_limit` is `max_length` of the sequence that a set's ranges lie in."""
    if payload.type == "sequence":
        return SequenceEncoder(payload, scratch)
    if payload.type == "set":
        return SetEncoder(payload, sequence_limit, folder, scratch)
    if payload.dtype == "text":
        return TextEncoder(payload, folder, scratch)
    return ScalarEncoder(payload, scratch)


class TokenLists:
    """Token lists of rows (records or members), as lengths and numbers."""

    def __init__(self, scratch: Path, vocabulary: VocabularyBuilder) -> None:
        self.lengths = Spill(scratch / "lengths", np.int64)
        self.values = Spill(scratch / "values", np.int32)
        self._vocabulary = vocabulary

    def add(self, lists: Sequence[Sequence[str]], train: NDArray[np.bool_], digest: Digest) -> NDArray[np.int64]:
        """Append rows; `train` says which of them count."""
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        flat = list(chain.from_iterable(lists))
        numbers = np.fromiter(map(self._vocabulary.__getitem__, flat), np.int32, len(flat))
        self._vocabulary.count(numbers if train.all() else numbers[np.repeat(train, lengths)])
        self.lengths.add(lengths)
        self.values.add(numbers)
        digest.update(lengths.tobytes())
        digest.update(_SEPARATOR.join(flat).encode())
        return lengths


class SequenceEncoder:
    """Tokens of records; offsets in the text for those that were made from it."""

    def __init__(self, payload: Payload, scratch: Path) -> None:
        words = VocabularyBuilder()
        self._limit = payload.max_length
        self._tokens = TokenLists(scratch, words)
        self._spans = Spill(scratch / "spans", np.int32)
        self._present = Spill(scratch / "present", np.uint8)
        self.vocabularies = {"": words}
        self.columns = {"lengths": self._tokens.lengths, "values": self._tokens.values, "present": self._present}
        self.cut = 0

    def add(self, values: list[Any], train: NDArray[np.bool_], digest: Digest) -> NDArray[np.int64]:
        """Append a shard."""
        self._present.add(_presence(values, digest))
        lists = [value or () for value in values]
        if self._limit is not None:
            self.cut += _cut(lists, self._limit)
        lengths = self._tokens.add(lists, train, digest)
        self._add_spans(values, lengths)
        return lengths

    def _add_spans(self, values: list[Any], lengths: NDArray[np.int64]) -> None:
        """-1 for given tokens; nothing at all until the first made ones come."""
        made = [index for index, value in enumerate(values) if type(value) is MadeTokens]
        if not made and "spans" not in self.columns:
            return
        missing = (self._tokens.values.length - int(lengths.sum())) * 2 - self._spans.length
        self._spans.add(np.full(missing, -1, np.int32))
        block = np.full((int(lengths.sum()), 2), -1, np.int32)
        is_made = np.zeros(len(values), bool)
        is_made[made] = True
        kept = [values[index][:length] for index, length in zip(made, lengths[made].tolist(), strict=True)]
        block[np.repeat(is_made, lengths)] = tokenizer.spans([values[index].text for index in made], kept)
        self._spans.add(block)
        self.columns["spans"] = self._spans

    def close(self) -> None:
        """Nothing is open."""


class TextEncoder:
    """Texts; with their own tokens where no sequence spells them out."""

    def __init__(self, payload: Payload, folder: Path, scratch: Path) -> None:
        self._text = TextColumn(folder / "text.arrow")
        self._present = Spill(scratch / "present", np.uint8)
        self.columns: Columns = {"present": self._present}
        self.vocabularies: dict[str, VocabularyBuilder] = {}
        self._tokens: TokenLists | None = None
        self.cut = 0
        if payload.reads_own_text:
            self.vocabularies[""] = words = VocabularyBuilder()
            self._tokens = TokenLists(scratch, words)
            self.columns |= {"lengths": self._tokens.lengths, "values": self._tokens.values}

    def add(self, values: list[Any], train: NDArray[np.bool_], digest: Digest) -> None:
        """Append a shard."""
        add_text(self._text, values, digest)
        self._present.add(_presence(values, digest))
        if self._tokens is not None:
            self._tokens.add([tokenizer.tokens(value) if value else () for value in values], train, digest)

    def close(self) -> None:
        """Finish the text's file."""
        self._text.close()


class ScalarEncoder:
    """Categories, numbers and vectors of records."""

    def __init__(self, payload: Payload, scratch: Path) -> None:
        self._payload = payload
        self.vocabularies = {"": VocabularyBuilder()} if payload.dtype == "category" else {}
        kind = {"category": np.int32, "number": np.float64, "vector": np.float32}[payload.dtype]
        self._values = Spill(scratch / "values", kind)
        self._present = Spill(scratch / "present", np.uint8)
        self.columns = {"values": self._values, "present": self._present}
        self.cut = 0

    def add(self, values: list[Any], train: NDArray[np.bool_], digest: Digest) -> None:
        """Append a shard."""
        present = _presence(values, digest)
        self._present.add(present)
        if self._payload.dtype == "category":
            given = [value for value in values if value is not None]
            lengths = np.fromiter(map(len, given), np.int64, len(given))
            digest.update(lengths.tobytes() + _SEPARATOR.join(given).encode())
            words = self.vocabularies[""]
            column = np.full(len(values), -1, np.int32)
            column[present.view(bool)] = np.fromiter(map(words.__getitem__, given), np.int32, len(given))
            words.count(column[train & (column >= 0)])
            self._values.add(column)
            return
        missing: Any = float("nan") if self._payload.dtype == "number" else [float("nan")] * (self._payload.length or 0)
        numbers = np.array([missing if value is None else value for value in values], np.float64)
        digest.update(numbers.tobytes())
        self._values.add(numbers)

    def close(self) -> None:
        """Nothing is open."""


class SetEncoder:
    """Members of sets: ids, token spans, the tokens of their text, and each set whole as JSON."""

    def __init__(self, payload: Payload, sequence_limit: int | None, folder: Path, scratch: Path) -> None:
        words = VocabularyBuilder()
        self._identities = VocabularyBuilder()
        self._limit, self._sequence_limit, self._ranged = payload.max_length, sequence_limit, payload.range is not None
        self._members = TextColumn(folder / "members_json.arrow")
        self._counts = Spill(scratch / "counts", np.int64)
        self._ids = Spill(scratch / "ids", np.int32)
        self._ranges = Spill(scratch / "ranges", np.int32)
        self._present = Spill(scratch / "present", np.uint8)
        self._tokens = TokenLists(scratch, words)
        self.vocabularies = {"": words, ".id": self._identities}
        self.columns = {
            "counts": self._counts, "ids": self._ids, "ranges": self._ranges, "present": self._present,
            "lengths": self._tokens.lengths, "values": self._tokens.values,
        }
        self.cut = 0

    def add(self, values: list[Any], train: NDArray[np.bool_], digest: Digest) -> NDArray[np.int64]:
        """Append a shard."""
        self._present.add(_presence(values, digest))
        sets = [value or () for value in values]
        if self._limit is not None:
            self.cut += _cut(sets, self._limit)
        texts = [None if value is None else encode_members(kept) for kept, value in zip(sets, values, strict=True)]
        add_text(self._members, texts, digest)
        counts = np.fromiter(map(len, sets), np.int64, len(sets))
        self._counts.add(counts)
        members = list(chain.from_iterable(sets))
        self._add_members(members, np.repeat(train, counts), digest)
        return counts

    def _add_members(self, members: list[dict[str, Any]], train: NDArray[np.bool_], digest: Digest) -> None:
        known = self._identities
        ids = np.fromiter(
            (-1 if (found := member.get("id")) is None else known[found] for member in members), np.int32, len(members),
        )
        known.count(ids[train & (ids >= 0)])
        self._ids.add(ids)
        ranges = np.zeros((len(members), 2), np.int32)
        if self._ranged and members:
            ranges[:] = [member.get("range") or (0, 0) for member in members]
            if self._sequence_limit is not None:
                np.minimum(ranges, self._sequence_limit, out=ranges)
        self._ranges.add(ranges)
        cache: dict[str, list[str]] = {}
        self._tokens.add([member_tokens(member, cache) for member in members], train, digest)

    def close(self) -> None:
        """Finish the members' file."""
        self._members.close()


def encode_members(members: Sequence[dict[str, Any]]) -> bytes:
    """A set as JSON; integers beyond 64 bits, which msgspec reads but does not write, are written too."""
    try:
        return msgspec.json.encode(members)
    except (OverflowError, ValueError):
        return json.dumps(list(members), ensure_ascii=False, separators=(",", ":")).encode()


def member_tokens(member: dict[str, Any], cache: dict[str, list[str]]) -> Sequence[str]:
    """Tokens of all text fields but the id, in the order of their names; of the id where there is no other text."""
    texts = [member[key] for key in sorted(member) if type(member[key]) is str and key != "id"]
    if not texts:
        texts = [member["id"]] if member.get("id") else []
    found: list[list[str]] = []
    for text in texts:
        known = cache.get(text)
        if known is None:
            known = cache[text] = tokenizer.tokens(text)
        found.append(known)
    return found[0] if len(found) == 1 else list(chain.from_iterable(found))


def add_text(column: TextColumn, values: Sequence[str | bytes | None], digest: Digest) -> Any:
    """Append a batch of strings and take its buffers into the digest; the Arrow array that was written."""
    import pyarrow as pa

    array = pa.array(values, pa.string())
    for buffer in array.buffers():
        digest.update(buffer if buffer is not None else b"-")
    column.add(array)
    return array


def _presence(values: list[Any], digest: Digest) -> NDArray[np.uint8]:
    present = np.fromiter((value is not None for value in values), np.uint8, len(values))
    digest.update(present.tobytes())
    return present


def _cut(lists: list[Any], limit: int) -> int:
    """Shorten, in place, the lists that are too long; how many they were."""
    long = [index for index, found in enumerate(lists) if len(found) > limit]
    for index in long:
        lists[index] = lists[index][:limit]
    return len(long)
