"""All that decides the shape of a network: the schema, its classes and slices, the values, what the words are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.training.embeddings.names import parts_of
from ovt.training.embeddings.sources import PRETRAINED, Embeddings
from ovt.training.lexicon import text_payloads
from ovt.training.network.heads import check_head, head_name

if TYPE_CHECKING:
    from ovt.schema.spec import Schema
    from ovt.training.tuning.values import Values

LEARNED = "learned"


@dataclass(frozen=True)
class Blueprint:
    """All that decides the network's shape."""

    schema: Schema
    classes: dict[str, tuple[str, ...]]
    """Of each multiclass and bitvector task, in the order of their indices."""
    slices: tuple[str, ...]
    values: Values
    words: int
    """Words with a vector of their own."""
    names: dict[str, int]
    """Known names, by category payload or `PAYLOAD.id`."""
    embeddings: Embeddings = field(default_factory=Embeddings)
    """Characters, pieces and pretrained vectors that payloads read besides learned words."""

    def head(self, task: str) -> str:
        """The name of a task's head: what was chosen, else its type's.

        Raises:
            ProjectError: the chosen one makes no sense there.
        """
        found, spec = self.values.tasks.get(task), self.schema.tasks[task]
        name = head_name(spec, found.head if found else None)
        check_head(self.schema, spec, name)
        return name

    def embedding(self, payload: str) -> tuple[str, ...]:
        """The parts of the word vectors that a payload reads; none where it reads no words, or a pretrained encoder."""
        if payload not in text_payloads(self.schema) or self.is_pretrained(payload):
            return ()
        return parts_of(self.values.payloads[payload].embedding)

    def is_pretrained(self, payload: str) -> bool:
        """Whether a pretrained encoder reads the payload's tokens; a set has none."""
        return self.values.payloads[payload].encoder == PRETRAINED and self.schema.payloads[payload].type != "set"

    def has_table(self) -> bool:
        """Whether there is a table of learned words: some payload reads it, or none reads words at all."""
        texts = text_payloads(self.schema)
        return not texts or any(LEARNED in self.embedding(name) for name in texts)

    def size(self, payload: str) -> int:
        """Components of a payload's representation."""
        return self.values.payloads[payload].size
