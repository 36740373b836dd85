"""Hyperparameters that fit the data: what is used where `tuning.lock.yaml` says nothing.

Measured on public sets from 1,700 to 30,000 records: small data wants small
tables, small batches, strong dropout and many epochs; large data the opposite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ovt.schema.spec import SPLITS, Schema
from ovt.training.lexicon import text_payloads
from ovt.training.tuning.values import PayloadValues, TaskValues, TrainingValues, Values, WordValues

if TYPE_CHECKING:
    from ovt.data.store import Store

FEW = 4000
"""Train records below which a model is made against learning by heart."""
LONG = 64
"""Mean tokens from which a convolution replaces the LSTM, whose steps wait for each other."""
MANY_LABELS = 12_000
"""Labelled tokens from which even few records teach enough for a model of twice the size."""
SPANS_HEAD = "crf"
"""Head of tasks with spans: `linear` (independent tokens, decoded to valid spans) or `crf` (a linear chain).

The chain is worth 0.5 to 1 point of F1 on SNIPS and 3 on 3,600 records of `facebook_es`, at no cost in time.
"""
FEWEST_STEPS = 1000
"""Steps that even little data is trained for, in up to three times the usual epochs."""
FEWEST_STEPS_ON_TOKENS = 3500
"""The same where tokens have labels."""
FORGOTTEN_IN_SPANS = 0.2
"""Chance that a word is read as unknown, where spans are to be found."""


@dataclass(frozen=True)
class Measure:
    """What the defaults depend on."""

    records: int
    """In train."""
    words: int
    """Distinct words of train."""
    mean_length: float
    """Tokens of a record's longest kind of text, on average."""


def measure(store: Store) -> Measure:
    """Measure the train records of a store."""
    train = np.flatnonzero(store.splits == SPLITS.index("train"))
    words, lengths = 0, [1.0]
    for name in text_payloads(store.schema):
        words += int((store.vocabulary(name).counts > 0).sum())
        if store.schema.payloads[name].type != "set" and len(train):
            offsets = store.tokens(name).offsets
            lengths.append(float((offsets[train + 1] - offsets[train]).mean()))
    return Measure(len(train), words, max(lengths))


def default_values(schema: Schema, found: Measure) -> Values:
    """Values scaled to the data."""
    tokens = any(schema.payloads[task.payload].type == "sequence" for task in schema.tasks.values())
    spans = {name: TaskValues(head=SPANS_HEAD) for name, task in schema.tasks.items() if task.spans is not None}
    little = found.records < FEW and not (tokens and found.records * found.mean_length >= MANY_LABELS)
    size = 64 if little else 128 if found.records < 8000 else 200
    encoder = "cnn" if found.mean_length > LONG else "lstm"
    aggregation = "attention" if found.records < FEW else "max"  # max is sharper, and learns noise by heart
    payload = PayloadValues(encoder=encoder, size=size, aggregation=aggregation, attention=f"4x{size // 4}")
    buckets = 2 ** min(16, max(10, math.ceil(math.log2(max(1, 2 * found.words)))))
    training = _training_on_tokens(found.records) if tokens and found.records < FEW else _training(found.records)
    if spans:
        # A slot is known by what stands around it, since most names that fill it are new.
        training = msgspec.structs.replace(training, word_dropout=FORGOTTEN_IN_SPANS)
    return Values(
        payloads=dict.fromkeys(schema.payloads, payload),
        words=WordValues(size=64 if size == 64 else 100, buckets=buckets),
        training=training, tasks=spans,
    )


def _training(records: int) -> TrainingValues:
    if records < FEW:
        epochs = _epochs(records, FEWEST_STEPS)
        return TrainingValues(batch=32, epochs=epochs, dropout=0.5, patience=max(8, epochs // 3))
    if records < 20000:
        return TrainingValues(batch=64, epochs=20, learning_rate=0.004, dropout=0.4, patience=6)
    epochs = max(2, min(15, round(400_000 / records)))
    return TrainingValues(batch=128 if records < 100_000 else 256, epochs=epochs, learning_rate=0.004, dropout=0.3,
                          patience=4)


def _training_on_tokens(records: int) -> TrainingValues:
    """Of few records whose every token has a label: there is more to learn, and it takes longer."""
    epochs = _epochs(records, FEWEST_STEPS_ON_TOKENS)
    return TrainingValues(batch=32, epochs=epochs, learning_rate=0.004, dropout=0.5, patience=max(8, epochs // 3))


def _epochs(records: int, steps: int) -> int:
    return min(60, max(20, math.ceil(steps * 32 / max(1, records))))
