"""A loaded bundle: records in, answers out, in this process (see `ovt.serving` for the whole interface)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from ovt.errors import ProjectError
from ovt.serving.answers import answers_of
from ovt.serving.arrays import ArrayMaker
from ovt.serving.requests import Problem, RequestReader, made_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ovt.data.records import Record
    from ovt.schema.spec import Schema
    from ovt.training.decoding import Chain
    from ovt.training.lexicon import Lexicon

    Answer = dict[str, Any]
    Arrays = dict[str, NDArray[Any]]

BATCH = 128
"""Records that go through the network at once; sorted by length among `SORTED` of them, so that little is padded."""
SORTED = 2048


@dataclass(frozen=True)
class Parts:
    """What turns records into arrays, and outputs into answers."""

    schema: Schema
    classes: dict[str, tuple[str, ...]]
    lexicon: Lexicon
    chains: dict[str, Chain]
    """By task whose head is a chain."""


class Runs(Protocol):
    """A network: `ovt.serving.session.Session`, or what takes its place."""

    def __call__(self, arrays: Arrays, /) -> Arrays:
        """Outputs by name, of inputs by name."""


class Model:
    """Answers records; for one thread (see `twin`)."""

    def __init__(
        self, parts: Parts, session: Runs, manifest: Mapping[str, Any], signature: Mapping[str, Any], *,
        identify: bool = False,
    ) -> None:
        """`identify`: JSON records without an id are given the hash that compiling gives them."""
        self.parts, self.session = parts, session
        self.manifest = manifest
        """`bundle.json`: the version's key, the files and their digests."""
        self.signature = signature
        """`signature.json`: inputs, outputs and classes, from the schema alone."""
        self.schema = schema = parts.schema
        self._requests = RequestReader(schema, identify=identify)
        fields = self._requests.codec.payload_fields
        self._arrays = ArrayMaker(schema, parts.lexicon, fields)
        self._readers = [(name, answers_of(schema, name, parts.classes.get(name, ()), parts.chains.get(name)))
                         for name in schema.tasks]
        self._selects = {name: fields[task.payload] for name, task in schema.tasks.items() if task.type == "select"}
        self._makeable = {name: (fields[name], found.max_length) for name, found in schema.payloads.items()
                          if schema.text_source(name) is not None}
        self._sized = [fields[name] for name, found in schema.payloads.items()
                       if found.type != "singleton" or found.reads_own_text]
        self._encode = msgspec.json.Encoder().encode

    def twin(self, *, identify: bool = False) -> Model:
        """Another that shares the network: for another thread, or one that gives ids."""
        return Model(self.parts, self.session, self.manifest, self.signature, identify=identify)

    def predict(self, records: Iterable[Mapping[str, Any]]) -> list[Answer]:
        """Answer records given as plain values, in order.

        Raises:
            ProjectError: one of them is no record of the schema; its number, from 0, is named.
        """
        return list(self.predict_each(records))

    def predict_each(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Answer]:
        """`predict`, as a stream in bounded memory."""
        rest, number = iter(records), 0
        while chunk := list(islice(rest, SORTED)):
            read = [self._requests.from_mapping(one) for one in chunk]
            for place, found in enumerate(read):
                if isinstance(found, Problem):
                    raise ProjectError("this is no record of the model's schema", at=f"record {number + place}",
                                       why=str(found), fix=found.fix)
            yield from self._answered(read)  # type: ignore[arg-type]
            number += len(chunk)

    def predict_json(self, lines: Sequence[bytes]) -> list[bytes | Problem]:
        """Answer records given as JSON, in order; a `Problem` in the place of one that is no record."""
        read = [self._requests.from_json(line) for line in lines]
        good = [found for found in read if not isinstance(found, Problem)]
        answers, encode = iter(self._answered(good)), self._encode
        return [found if isinstance(found, Problem) else encode(next(answers)) for found in read]

    def _answered(self, records: Sequence[Record]) -> list[Answer]:
        if len(records) <= BATCH:
            return self._batch(records) if records else []
        answers: list[Answer] = [{}] * len(records)
        for start in range(0, len(records), SORTED):
            part = records[start:start + SORTED]
            order = np.argsort([self._length(record) for record in part], kind="stable").tolist()
            for first in range(0, len(part), BATCH):
                places = order[first:first + BATCH]
                for place, answer in zip(places, self._batch([part[at] for at in places]), strict=True):
                    answers[start + place] = answer
        return answers

    def _length(self, record: Record) -> int:
        payloads = record.payloads
        return sum(len(getattr(payloads, field) or ()) for field in self._sized)

    def _batch(self, records: Sequence[Record]) -> list[Answer]:
        inputs = self._arrays.make([record.payloads for record in records])
        outputs = self.session(inputs)
        columns = [(name, read(outputs, inputs)) for name, read in self._readers]
        answers: list[Answer] = [
            {"id": record.id, "tasks": {name: column[place] for name, column in columns}}
            for place, record in enumerate(records)
        ]
        for record, answer in zip(records, answers, strict=True):
            self._complete(record, answer)
        return answers

    def _complete(self, record: Record, answer: Answer) -> None:
        """What only the record knows: ids of chosen candidates, tokens that were made."""
        for name, field in self._selects.items():
            found = answer["tasks"][name]
            members = getattr(record.payloads, field)
            if found["label"] is not None and (identity := members[found["label"]].get("id")) is not None:
                found["id"] = identity
        if self._makeable and (made := made_tokens(record, self._makeable)):
            answer["made"] = made
        if answer["id"] is None:
            del answer["id"]
