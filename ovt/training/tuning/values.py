"""The hyperparameters of one model, all fixed: what a search chooses and a training run obeys."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from ovt.errors import ProjectError

ENCODER_NAMES = ("bag", "cnn", "lstm", "pretrained", "transformer")
AGGREGATION_NAMES = ("attention", "max", "mean")
HEAD_NAMES = ("attention", "crf", "linear")
HEADS = re.compile(r"([1-9][0-9]*)x([1-9][0-9]*)")


class PayloadValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one payload is computed; keys that do not apply to its type change nothing."""

    embedding: str = "learned"
    """Where its word vectors come from: parts joined by `+` (see `ovt.training.embeddings.names`)."""
    encoder: str = "lstm"
    """Of its own tokens: bag, cnn, lstm, transformer, pretrained (`embedding` is its folder), or an installed one."""
    size: int = 128
    """Components of its representation."""
    aggregation: str = "attention"
    """How elements become one vector: max, mean, attention, or an installed one."""
    attention: str = "4x32"
    """Of a set: heads × components of the attention among its members and to its range."""
    ids: str = "learned"
    """Of a set: where the vectors of its members' ids come from: `learned`, a file of vectors, or `learned+FILE`."""
    fine_tune: bool = False
    """Whether pretrained vectors, and a pretrained encoder, go on learning."""
    pieces: Literal["first", "mean"] = "mean"
    """Of a pretrained encoder: a word is its first piece, or the mean of its pieces."""

    def heads(self) -> tuple[int, int]:
        """Heads and components of each.

        Raises:
            ProjectError: `attention` does not say so.
        """
        found = HEADS.fullmatch(self.attention)
        if not found:
            raise ProjectError(f"`attention: {self.attention}` is not understood", why="it is heads × components",
                               fix="e.g. `4x32`")
        return int(found[1]), int(found[2])


class TaskValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one task is answered."""

    head: str | None = None
    """linear, `crf` (a linear chain: tasks on the tokens of a sequence), attention (select), or an installed one;
    None: linear, and attention for select."""


class WordValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The word table that all text shares."""

    size: int = 100
    """Components of a word vector."""
    buckets: int = 16384
    """Rows of the table of hashed sub-words."""
    min_count: int = 2
    """Words rarer than this in train have no vector of their own."""
    pieces: int = 4000
    """Pieces of words that `embedding: subwords` finds in the train records."""
    extra_vectors: int = 0
    """Words at the head of a file of vectors that the model keeps besides those of the store."""


class TrainingValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model is trained."""

    batch: int = 64
    epochs: int = 20
    learning_rate: float = 0.002
    dropout: float = 0.3
    word_dropout: float = 0.1
    """Chance that a word is read as unknown, its sub-words kept."""
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    rebalance: float = 0.0
    """Exponent of inverse class frequency: 0 leaves classes as they are, 1 makes them count alike."""
    patience: int = 5
    """Epochs without progress on dev before it ends."""
    precision: Literal["auto", "bfloat16", "float32"] = "float32"
    """Of the products while training; auto: bfloat16 where the processor computes it itself. Weights are float32."""
    slice_weight: float = 0.5
    """Weight of slices in the score that chooses the best epoch."""


class SliceValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What slices add to the model."""

    form: Literal["logit", "lowrank", "none", "sram"] = "lowrank"
    rank: int = 16
    """Rank of each slice's expert (lowrank); less where there are very many slices, so that answers stay fast."""
    temperature: float = 0.0
    """Of the attention over experts (sram); 0: learned, 1: as published."""
    loss: float = 0.1
    """Weight of the membership loss, and of the loss of sram's experts."""
    weight: float = 1.0
    """How many times a train record counts that is in a rare slice (one below a tenth of the records)."""
    epsilon: float = 0.005
    """Share of the dev records outside of all slices that slices may cost: more, and they are turned down."""


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All hyperparameters, by payload and for the whole."""

    payloads: dict[str, PayloadValues]
    words: WordValues = WordValues()
    training: TrainingValues = TrainingValues()
    slices: SliceValues = SliceValues()
    tasks: dict[str, TaskValues] = {}


BY_NAME: dict[str, type[msgspec.Struct]] = {"payloads": PayloadValues, "tasks": TaskValues}
"""The parts of Values that are by payload or by task."""
SECTIONS: dict[str, type[msgspec.Struct]] = {"words": WordValues, "training": TrainingValues, "slices": SliceValues}
"""The parts of Values that are for the whole model."""


def overlay(values: Values, changes: dict[str, Any]) -> Values:
    """`values` with some of them replaced; `changes` has the shape of `Values` with only the keys that change."""
    plain = msgspec.to_builtins(values)
    for section, inner in changes.items():
        for name, change in inner.items():
            if section in BY_NAME:
                plain[section].setdefault(name, {}).update(change)
            else:
                plain[section][name] = change
    return msgspec.convert(plain, Values)
