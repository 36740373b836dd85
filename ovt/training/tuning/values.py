"""The hyperparameters of one model, all fixed: what a search chooses and a training run obeys."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from ovt.errors import ProjectError

ENCODER_NAMES = ("bag", "cnn", "lstm", "transformer")
AGGREGATION_NAMES = ("attention", "max", "mean")
EMBEDDING_NAMES = ("learned",)
HEADS = re.compile(r"([1-9][0-9]*)x([1-9][0-9]*)")


class PayloadValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one payload is computed; keys that do not apply to its type change nothing."""

    embedding: str = "learned"
    """Where its word vectors come from."""
    encoder: str = "lstm"
    """Of its own tokens: bag, cnn, lstm, transformer, or an installed one."""
    size: int = 128
    """Components of its representation."""
    aggregation: str = "attention"
    """How elements become one vector: max, mean, attention, or an installed one."""
    attention: str = "4x32"
    """Of a set: heads × components of the attention among its members and to its range."""

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


class WordValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The word table that all text shares."""

    size: int = 100
    """Components of a word vector."""
    buckets: int = 16384
    """Rows of the table of hashed sub-words."""
    min_count: int = 2
    """Words rarer than this in train have no vector of their own."""


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
    slice_weight: float = 0.5
    """Weight of slices in the score that chooses the best epoch."""


class SliceValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What slices add to the model."""

    form: Literal["lowrank", "none"] = "lowrank"
    rank: int = 4
    """Rank of each slice's expert."""
    loss: float = 0.1
    """Weight of the membership loss."""


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All hyperparameters, by payload and for the whole."""

    payloads: dict[str, PayloadValues]
    words: WordValues = WordValues()
    training: TrainingValues = TrainingValues()
    slices: SliceValues = SliceValues()


SECTIONS: dict[str, type[msgspec.Struct]] = {"words": WordValues, "training": TrainingValues, "slices": SliceValues}
"""The parts of Values that are not by payload."""


def overlay(values: Values, changes: dict[str, Any]) -> Values:
    """`values` with some of them replaced; `changes` has the shape of `Values` with only the keys that change."""
    plain = msgspec.to_builtins(values)
    for section, inner in changes.items():
        for name, change in inner.items():
            if section == "payloads":
                plain[section].setdefault(name, {}).update(change)
            else:
                plain[section][name] = change
    return msgspec.convert(plain, Values)
