"""Labels of tokens: the truth, a tagger that errs, a closed-class dictionary, the linker's types."""

from __future__ import annotations

from generator.dice import Dice
from generator.knowledge import TYPES, Knowledge
from generator.questions import Question

CLOSED = frozenset({"DET", "ADP", "PRON", "AUX", "ADV", "PUNCT"})
TAGGER_ERRORS = {"PROPN": (0.12, "NOUN"), "AUX": (0.07, "VERB"), "INTJ": (0.30, "ADV"), "VERB": (0.06, "NOUN"),
                 "ADJ": (0.06, "NOUN"), "PART": (0.25, "AUX")}
"""Of the tagger: how often it takes a part of speech for another one."""
TAGGER_NAMES = {"person": ["person"], "country": ["location"], "city": ["location"], "state": ["location"],
                "building": ["location"], "mountain": ["location"], "holiday": ["date"], "leap": ["date"]}
"""Of the tagger: what its coarse names of entities are."""

Types = list[list[str] | None]


def speech(question: Question) -> list[str]:
    """The true parts of speech; `what` and `which` before a noun are determiners."""
    found = list(question.speech)
    for position, token in enumerate(question.tokens[:-1]):
        if token in {"what", "which"} and found[position + 1] in {"NOUN", "ADJ"}:
            found[position] = "DET"
    return found


def types(question: Question) -> list[list[str]]:
    """The true types of each token; a token of no entity has none."""
    found: list[list[str]] = [[] for _ in question.tokens]
    for mention in sorted((m for m in question.mentions if m.true), key=lambda m: m.start - m.stop):
        for position in range(mention.start, mention.stop):
            if mention.kind != "title" or question.tokens[position] not in {"of", "'s", "the"}:
                found[position] = TYPES[mention.kind]
            else:
                found[position] = []
    return found


class Taggers:
    """Votes on `POS` and `EntityType`."""

    def __init__(self, knowledge: Knowledge, seed: int) -> None:
        self._usual = knowledge.part_of_speech
        offices = knowledge.raw["people"]["office"].values()
        eaten = [*knowledge.pools["food"], *knowledge.pools["nutrient"]]
        self._titles = {word for listed in offices for office in listed for word in office.split()}
        self._food = {word for entity in eaten if entity.seen for word in entity.name}
        self._dice = {name: Dice(seed, f"{name}/tokens") for name in ("tagger", "weak1", "linker")}

    def speech(self, question: Question) -> dict[str, list[str | None]]:
        """The tagger, and weak1: a dictionary of words that have one part of speech, mostly."""
        dice, truth = self._dice["tagger"], speech(question)
        tagged: list[str | None] = []
        for position, tag in enumerate(truth):
            chance, wrong = TAGGER_ERRORS.get(tag, (0.015, "NOUN"))
            missing, mistaken = dice.chance(0.04), dice.chance(0.5 if position == question.typo else chance)
            tagged.append(None if missing else wrong if mistaken else tag)
        known = [self._usual.get(token) for token in question.tokens]
        return {"tagger": tagged, "weak1": [tag if tag in CLOSED else None for tag in known]}

    def types(self, question: Question) -> dict[str, Types]:
        """The linker's types of every reading, the tagger's coarse ones, weak1's lists of titles and food."""
        linked: Types = [[] for _ in question.tokens]
        tagged: Types = [[] for _ in question.tokens]
        for mention in question.candidates:
            lost, missed = self._dice["linker"].chance(0.10), self._dice["tagger"].chance(0.16)
            for position in range(mention.start, mention.stop):
                if not lost and mention.kind != "title":
                    linked[position] = sorted({*(linked[position] or []), *TYPES[mention.kind]})
                if not missed and mention.true and mention.kind in TAGGER_NAMES:
                    tagged[position] = TAGGER_NAMES[mention.kind]
        listed: Types = [
            ["title"] if token in self._titles else ["food"] if token in self._food else None
            for token in question.tokens
        ]
        return {"linker": linked, "tagger": tagged, "weak1": listed}
