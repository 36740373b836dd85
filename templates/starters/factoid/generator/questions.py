"""Questions as people type them, with the truth about each: intent, parts of speech, entities, the one it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from generator.dice import Dice
from generator.knowledge import Entity, Knowledge

MAX_TOKENS = 16
UNSEEN_FORM = 0.15
UNSEEN_ENTITY = 0.35
TYPO = 0.05


@dataclass(frozen=True)
class Mention:
    """A span of tokens and an entity that it may mean; `true` says that it does."""

    entity: str
    kind: str
    start: int
    stop: int
    true: bool = True


@dataclass
class Question:
    """One question and everything that is true about it."""

    group: str
    intent: str
    tags: list[str]
    tokens: list[str] = field(default_factory=list)
    speech: list[str] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    about: str = ""
    """Id of the entity that it asks about."""
    typo: int | None = None
    """The token with a typing error."""

    @property
    def candidates(self) -> list[Mention]:
        """What the linker proposes, in the order of the text; a mistyped name is not found."""
        found = [m for m in self.mentions if self.typo is None or not m.start <= self.typo < m.stop]
        return sorted(found, key=lambda m: (m.start, -m.stop))

    @property
    def answer(self) -> int | None:
        """The position of what it asks about among the candidates."""
        return next((i for i, m in enumerate(self.candidates) if m.entity == self.about), None)


class Asker:
    """Makes questions of a group, from forms and a knowledge base."""

    def __init__(self, knowledge: Knowledge, dice: Dice) -> None:
        self._kb = knowledge
        self._spec: dict[str, Any] = knowledge.raw["questions"]
        self._dice = dice

    def ask(self, group: str, *, unseen: bool) -> Question:
        """A question of the group; `unseen` lets it use forms and entities that train never has."""
        while True:
            question = self._attempt(group, unseen=unseen)
            if len(question.tokens) <= MAX_TOKENS:
                return question

    def _attempt(self, group: str, *, unseen: bool) -> Question:
        entity = None
        shape = group
        if group == "ambiguous":
            entity = self._dice.pick(self._dice.pick(list(self._kb.readings.values())))
            shape = self._dice.pick(self._spec["readings"][entity.kind])
        spec = self._spec["groups"][shape]
        question = Question(group, spec["intent"], list(spec.get("tags", [])))
        if entity is not None:
            question.tags = sorted({*question.tags, "disambiguation"})
        held_out = unseen and self._dice.chance(UNSEEN_FORM)
        form = self._dice.pick(spec["held_out"] if held_out else spec["forms"])
        self._words(question, self._dice.weighted(dict(self._spec["before"])))
        for piece in form.split():
            if piece.startswith("{"):
                self._slot(question, piece[1:-1], spec["kinds"], entity, unseen=unseen)
            else:
                self._words(question, piece)
        self._words(question, self._dice.weighted(dict(self._spec["after"])))
        self._finish(question)
        return question

    def _words(self, question: Question, text: str) -> None:
        for word in text.split():
            token, _, tag = word.partition("/")
            question.tokens.append(token)
            question.speech.append(tag or self._kb.part_of_speech[token])

    def _slot(
        self, question: Question, slot: str, kinds: dict[str, int], entity: Entity | None, *, unseen: bool,
    ) -> None:
        name, _, bare = slot.partition(":")
        if name == "nutrient":
            self._mention(question, self._entity("nutrient", unseen=unseen), article=False)
            return
        kind = self._dice.weighted(kinds)
        if kind == "office":
            self._office(question, article=not bare, unseen=unseen)
            return
        chosen = entity or self._entity(kind, unseen=unseen)
        self._mention(question, chosen, article=not bare)
        question.about = chosen.id

    def _entity(self, kind: str, *, unseen: bool) -> Entity:
        pool = self._kb.pools[kind]
        seen = [entity for entity in pool if entity.seen]
        rest = [entity for entity in pool if not entity.seen]
        fresh = unseen and rest and self._dice.chance(UNSEEN_ENTITY)
        return self._dice.popular(rest if fresh else seen)

    def _mention(self, question: Question, entity: Entity, *, article: bool) -> tuple[int, int]:
        if article and entity.article:
            self._words(question, entity.article)
        start = len(question.tokens)
        question.tokens += entity.name
        question.speech += [self._speech_in_name(word, entity.kind) for word in entity.name]
        stop = len(question.tokens)
        for reading in self._kb.readings.get(" ".join(entity.name), [entity]):
            question.mentions.append(Mention(reading.id, reading.kind, start, stop, reading.id == entity.id))
        return start, stop

    def _speech_in_name(self, word: str, kind: str) -> str:
        usual = self._kb.part_of_speech.get(word)
        if word == "'s":
            return "PART"
        if kind in {"food", "nutrient"}:
            return usual if usual in {"ADJ", "VERB"} else "NOUN"
        return usual if usual in {"ADP", "DET"} else "PROPN"

    def _office(self, question: Question, *, article: bool, unseen: bool) -> None:
        kind = self._dice.weighted({"country": 75, "city": 11, "state": 14})
        place = self._entity(kind, unseen=unseen)
        people = self._kb.raw["people"]
        realm = "monarchy" if " ".join(place.name) in people["monarchies"] else kind
        office = tuple(self._dice.popular(people["office"][realm]).split())
        title = Entity.make(" ".join(office), "title", seen=True, qualified=True)
        shape = self._dice.weighted({"of": 66, "possessive": 18, "alone": 16})
        begin = len(question.tokens)
        if shape == "possessive":
            self._mention(question, place, article=True)
            begin += bool(place.article)
            self._words(question, "'s")
        elif article:
            self._words(question, "the")
            begin += 1
        start = len(question.tokens)
        self._words(question, " ".join(office))
        question.mentions.append(Mention(title.id, "title", start, len(question.tokens)))
        question.about = title.id
        if shape == "of":
            self._words(question, "of")
            self._mention(question, place, article=True)
        if shape != "alone":
            question.about = f"{'_'.join(office).capitalize()}_of_{place.id}"
            question.mentions.append(Mention(question.about, "title", begin, len(question.tokens)))

    def _finish(self, question: Question) -> None:
        """Concepts that the wording names, and a typing error now and then."""
        concepts = self._spec["concepts"]
        for position, token in enumerate(question.tokens):
            named = any(m.start <= position < m.stop for m in question.mentions)
            if token in concepts and not named:
                question.mentions.append(Mention(concepts[token], "concept", position, position + 1, true=False))
        if self._dice.chance(TYPO):
            long = [i for i, token in enumerate(question.tokens) if len(token) > 4]
            if long:
                question.typo = self._dice.pick(long)
                question.tokens[question.typo] = self._mistype(question.tokens[question.typo])

    def _mistype(self, word: str) -> str:
        at = 1 + self._dice.below(len(word) - 2)
        kind = self._dice.below(3)
        if kind == 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2:]
        return word[:at] + word[at + 1:] if kind == 1 else word[:at] + word[at] + word[at:]
