"""The knowledge base: entities by kind, names with more than one reading, words and their part of speech."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "kb"
ARTICLES = frozenset({"a", "an", "the"})
TYPES = {
    "person": ["person"], "country": ["country", "location"], "city": ["city", "location"],
    "state": ["location", "state"], "building": ["building", "location"], "mountain": ["location", "mountain"],
    "food": ["food"], "nutrient": ["nutrient"], "holiday": ["date"], "leap": ["date"],
    "title": ["title"], "concept": [],
}
"""The labels of `EntityType` that a word has inside a name of each kind."""
KINDS = ("person", "country", "city", "state", "building", "mountain", "food", "nutrient", "holiday", "leap")
ENTITY_FILES = ("people", "places", "buildings", "food", "dates")
HOLD_OUT_EVERY = 6
"""Every sixth entity of a kind is asked about in dev and test alone."""


@dataclass(frozen=True)
class Entity:
    """Something that a question can be about."""

    id: str
    kind: str
    article: str
    """`the`, `a`, `an` or nothing: said before the name, no part of it."""
    name: tuple[str, ...]
    """Its words in lower case."""
    seen: bool
    """Whether questions of train may be about it."""

    @classmethod
    def make(cls, phrase: str, kind: str, *, seen: bool, qualified: bool = False) -> Entity:
        """An entity from a phrase such as `the eiffel tower`."""
        words = phrase.split()
        article = words.pop(0) if words[0] in ARTICLES else ""
        title = "_".join(words).capitalize().replace("_'s", "'s")
        return cls(f"{title}_({kind})" if qualified else title, kind, article, tuple(words), seen)


class Knowledge:
    """All of `kb/`, read once."""

    def __init__(self) -> None:
        self.raw: dict[str, Any] = {}
        for path in sorted(FOLDER.glob("*.json")):
            self.raw[path.stem] = json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def pools(self) -> dict[str, list[Entity]]:
        """Entities by kind, the best known first, without the names that have a second reading."""
        pools: dict[str, list[Entity]] = {}
        for kind in KINDS:
            phrases = next(self.raw[file][kind] for file in ENTITY_FILES if kind in self.raw[file])
            held_out = self.raw["food"]["nutrient_held_out"] if kind == "nutrient" else None
            made = [
                Entity.make(phrase, kind, seen=_seen(position) if held_out is None else phrase not in held_out)
                for position, phrase in enumerate(phrases)
            ]
            pools[kind] = [entity for entity in made if " ".join(entity.name) not in self.raw["ambiguous"]]
        return pools

    @cached_property
    def readings(self) -> dict[str, list[Entity]]:
        """Names with more than one reading, the best known reading first."""
        return {
            name: [Entity.make(name, kind, seen=True, qualified=True) for kind in kinds]
            for name, kinds in self.raw["ambiguous"].items()
        }

    @cached_property
    def part_of_speech(self) -> dict[str, str]:
        """The usual part of speech of each word that questions are made of."""
        return {word: tag for tag, words in self.raw["lexicon"].items() for word in words.split()}


def _seen(position: int) -> bool:
    return position % HOLD_OUT_EVERY != HOLD_OUT_EVERY - 1
