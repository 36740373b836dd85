"""The sources that label questions and arguments: two heuristics, a crowd, a linker. None of them is the truth."""

from __future__ import annotations

from generator.dice import Dice
from generator.knowledge import Knowledge
from generator.questions import Mention, Question

OFFICES = frozenset({"president", "minister", "king", "queen", "chancellor", "mayor", "governor", "justice"})
RULES: tuple[tuple[str, frozenset[str]], ...] = (
    ("nutrition", frozenset({"calories", "calorie"})),
    ("capital", frozenset({"capital"})),
    ("height", frozenset({"tall", "height", "high"})),
    ("birthplace", frozenset({"born", "birthplace"})),
    ("age", frozenset({"old", "age", "birthday", "built"})),
    ("spouse", frozenset({"wife", "husband", "married", "spouse"})),
    ("area", frozenset({"area", "big", "large"})),
    ("population", frozenset({"many", "much", "population", "people"})),
    ("location", frozenset({"where", "located", "map", "location"})),
    ("date", frozenset({"when", "day", "date"})),
)
"""weak1, in order: the first rule with one of its words in the question decides."""
WORKERS = {"w1": (0.95, 5), "w2": (0.92, 5), "w3": (0.88, 4), "w4": (0.84, 4), "w5": (0.76, 3), "w6": (0.50, 3)}
"""Of each worker of the crowd: how often right, and the share of the work."""
ASKED_OF_CROWD = 0.16


class Labelers:
    """Votes on `Intent` and `IntentArg`."""

    def __init__(self, knowledge: Knowledge, seed: int) -> None:
        self._clicks = knowledge.raw["clicks"]
        self._intents = sorted({intent for _, votes in self._clicks.values() for intent in votes})
        self._dice = {name: Dice(seed, name) for name in ("weak1", "weak2", "crowd", "linker")}

    def votes(self, question: Question) -> tuple[dict[str, str], dict[str, int]]:
        """What the sources say about the intent, and about which candidate is meant."""
        intents: dict[str, str] = {}
        arguments: dict[str, int] = {}
        for worker, intent, argument in self._crowd(question):
            intents[f"crowd/{worker}"] = intent
            if argument is not None:
                arguments[f"crowd/{worker}"] = argument
        for name, vote in (("weak1", self._rules(question)), ("weak2", self._click(question))):
            if vote is not None:
                intents[name] = vote
        votes = (("linker", self._linked(question)), ("weak1", self._last(question)), ("weak2", self._opened(question)))
        arguments |= {name: position for name, position in votes if position is not None}
        return intents, arguments

    def _rules(self, question: Question) -> str | None:
        """weak1: the rules written for the launch. They know nothing of offices: they step aside."""
        words = set(question.tokens)
        if self._dice["weak1"].chance(0.07) or words & OFFICES:
            return None
        return next((intent for intent, keys in RULES if words & keys), None)

    def _click(self, question: Question) -> str | None:
        """weak2: the answer card that was opened. After food questions many open the shop on the map."""
        coverage, cards = self._clicks[question.group]
        dice = self._dice["weak2"]
        covered, card = dice.chance(coverage), dice.weighted(cards or {question.intent: 80, "location": 20})
        return card if covered else None

    def _crowd(self, question: Question) -> list[tuple[str, str, int | None]]:
        """Two workers on some of the questions; a worker who is wrong on the intent may still find the argument."""
        dice = self._dice["crowd"]
        if not dice.chance(ASKED_OF_CROWD):
            return []
        found: dict[str, tuple[str, int | None]] = {}
        while len(found) < 2:
            worker = dice.weighted({name: share for name, (_, share) in WORKERS.items()})
            accuracy = WORKERS[worker][0]
            other = "location" if worker == "w6" else dice.pick(self._intents)
            intent = question.intent if dice.chance(accuracy) else other
            argument = question.answer
            if argument is not None and not dice.chance(accuracy):
                argument = dice.below(len(question.candidates))
            found[worker] = (intent, argument)
        return [(worker, *votes) for worker, votes in sorted(found.items())]

    def _linked(self, question: Question) -> int | None:
        """linker: the best known reading of the longest name, at times the next; silent where readings are close."""
        dice = self._dice["linker"]
        silent, unsure, slips = dice.chance(0.22), dice.chance(0.6), dice.chance(0.1)
        names = [(i, m) for i, m in enumerate(question.candidates) if m.kind not in {"concept", "nutrient"}]
        if not names or silent:
            return None
        ranked = sorted(names, key=lambda pair: (pair[1].start - pair[1].stop, pair[0]))
        position, best = ranked[1 if slips and len(ranked) > 1 else 0]
        return None if unsure and _readings(question, best) > 1 else position

    def _last(self, question: Question) -> int | None:
        """weak1: the last thing named, in its best known reading; wrong for `the president of france`."""
        silent = self._dice["weak1"].chance(0.35)
        names = [(i, m) for i, m in enumerate(question.candidates) if m.kind != "concept"]
        if not names or silent:
            return None
        return max(names, key=lambda pair: (pair[1].stop, pair[1].start, -pair[0]))[0]

    def _opened(self, question: Question) -> int | None:
        """weak2: the entity whose card was opened."""
        dice = self._dice["weak2"]
        covered, right, other = dice.chance(0.5), dice.chance(0.8), dice.below(max(1, len(question.candidates)))
        if not covered or len(question.candidates) < 2:
            return None
        return question.answer if right else other


def _readings(question: Question, mention: Mention) -> int:
    return sum((m.start, m.stop) == (mention.start, mention.stop) for m in question.candidates)
