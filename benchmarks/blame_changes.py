"""Changes of labeling functions that `blame.py` plants in the factoid starter: bad ones with their culprit, good ones.

A change maps files of the project to their new content (None: deleted). The
base project has the starter's labelers and those of `BASE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Files = dict[str, str | None]

HEAD = "from ovt import ABSTAIN, labeling_function\n\n\n"


def function(name: str, task: str, body: str, *, wrong: str = "") -> str:
    """A Python file with one labeling function."""
    comment = f"    # {wrong}\n" if wrong else ""
    return f'{HEAD}@labeling_function(task="{task}")\ndef {name}(r):\n    words = set(r.tokens)\n{comment}    {body}\n'


QUESTIONS = '''"""The starter's own functions, one of them edited."""

from ovt import ABSTAIN, labeling_function


@labeling_function(task="Intent")
def days_until(r):
    words = set(r.tokens)
    return "{days}" if words & {{"until", "till"}} or "fall" in words else ABSTAIN


@labeling_function(task="IntentArg")
def whole_title(r):
    titles = [position for position, entity in enumerate(r.entities or []) if entity.kind == "title"]
    if not titles:
        return ABSTAIN
    return {pick}(titles, key=lambda position: r.entities[position].range[1] - r.entities[position].range[0])
'''
WORDS = """- {{name: residents, task: Intent, keyword: [{residents}], label: population}}
- {{name: square_miles, task: Intent, regex: '\\b(square (miles|kilometers)|area|how big)\\b', label: area}}
- {{name: food_words, task: Intent, dictionary: words/food.txt, label: {food}}}
- {{name: telling_phrases, task: Intent, dictionary: words/telling.tsv}}
"""
FOOD = ("calories", "protein", "fat", "sugar", "fiber", "iron", "calcium", "sodium", "salt", "carbs", "vitamin",
        "cholesterol", "caffeine", "magnesium", "potassium", "zinc")
OPEN_WORDS = '''"""Parts of speech of words that the closed list of the launch does not have."""

from ovt import ABSTAIN, labeling_function

ADJECTIVES = {{"tall", "old", "high", "big", "current", "married", "black", "good"}}


@labeling_function(task="POS")
def adjectives(r):
    return {{i: "{adjective}" for i, token in enumerate(r.tokens) if token in ADJECTIVES}} or ABSTAIN


@labeling_function(task="POS")
def names(r):
    spans = [entity.range for entity in r.entities or [] if entity.kind not in ("concept", "nutrient", "title")]
    inside = [i for start, stop in spans for i in range(start, stop) if r.tokens[i] not in ("of", "the")]
    return {{i: "{name}" for i in inside}} or ABSTAIN
'''
SLICES = """nutrition: {tag: nutrition}
disambiguation: {tag: disambiguation}
people: {keyword: [married, wife, husband, spouse, born]}
sizes: {keyword: [big, area, square]}
inhabitants: {keyword: [population, people, residents, inhabitants, citizens]}
capitals: {keyword: [capital]}
heights: {keyword: [tall, height]}
days: {keyword: [when, day, date, days, until]}
cities: {keyword: [mayor, governor]}
cabinets: {keyword: [minister]}
courts: {keyword: [queen, king, justice, chancellor]}
presidents: {keyword: [president]}
titles: {keyword: [president, minister, mayor, governor, queen, king, justice, chancellor]}
"""


RESIDENTS = "inhabitants, residents, citizens, population, people"


RIGHT = {
    "officeholder": ("president", "minister", "mayor", "governor", "king", "queen", "justice", "chancellor"),
    "capital": ("capital",), "population": ("population", "inhabitants", "residents", "citizens"),
    "spouse": ("married", "wife", "husband", "spouse"), "height": ("tall", "height"), "age": ("old", "age"),
    "location": ("map", "located", "continent"), "birthplace": ("grow", "birthplace"),
}
TABLE = '''"""One word tells the intent; the words of a person's height, age or spouse come first."""

from ovt import ABSTAIN, labeling_function

TABLE = {table}
FIRST = ("height", "age", "spouse", "birthplace")


@labeling_function(task="Intent")
def {name}(r):
    found = [TABLE[word] for word in r.tokens if word in TABLE]
    return min(found, key=lambda intent: intent not in FIRST) if found else ABSTAIN
'''


def table_py(name: str = "rules_table", **wrong: tuple[str, ...]) -> str:
    """A table of telling words, right but for the words that `wrong` gives to other intents."""
    right = {word: intent for intent, words in RIGHT.items() for word in words}
    return TABLE.format(name=name, table=right | {word: intent for intent, words in wrong.items() for word in words})


def speech_py(adjective: str = "ADJ", name: str = "PROPN") -> str:
    """The part-of-speech functions."""
    return OPEN_WORDS.format(adjective=adjective, name=name)


def words_yaml(residents: str = RESIDENTS, food: str = "nutrition") -> str:
    """The YAML functions."""
    return WORDS.format(residents=residents, food=food)


def words_yaml_without(word: str) -> str:
    """The YAML functions but for those with a word in their line."""
    return "".join(f"{line}\n" for line in words_yaml().splitlines() if word not in line)


def questions_py(days: str = "date", pick: str = "max") -> str:
    """The Python functions."""
    return QUESTIONS.format(days=days, pick=pick)


PHRASES = {
    "come from": "birthplace", "was born": "birthplace", "grow up": "birthplace", "how old": "age",
    "how tall": "height",
    "capital of": "capital", "how many people": "population", "where is": "location", "square miles": "area",
}


def telling_tsv(**wrong: str) -> str:
    """A dictionary of phrases, some of them with another label (`_` for a blank)."""
    phrases = PHRASES | {phrase.replace("_", " "): label for phrase, label in wrong.items()}
    return "".join(f"{phrase}\t{label}\n" for phrase, label in phrases.items())


BASE: Files = {
    "labelers/questions.py": questions_py(), "labelers/table.py": table_py(),
    "labelers/speech.py": speech_py(),
    "words/telling.tsv": telling_tsv(), "labelers/words.yaml": words_yaml(),
    "words/food.txt": "\n".join(FOOD) + "\n", "slices/slices.yaml": SLICES,
}

GOOD: dict[str, Files] = {
    "capital_word": {"labelers/good_capital.py": function(
        "capital_word", "Intent", 'return "capital" if "capital" in words else ABSTAIN')},
    "spouse_words": {"labelers/good_spouse.py": function(
        "spouse_words", "Intent", 'return "spouse" if words & {"married", "wife", "husband", "spouse"} else ABSTAIN')},
    "where_map": {"labelers/good_map.py": function(
        "where_map", "Intent", 'return "location" if words & {"map", "continent", "located"} else ABSTAIN')},
    "grow_up": {"labelers/good_grow.py": function(
        "grow_up", "Intent", 'return "birthplace" if words & {"grow", "birthplace"} else ABSTAIN')},
    "calendar": {"labelers/good_calendar.py": function(
        "calendar", "Intent", 'return "date" if words & {"christmas", "passover", "easter", "friday"} else ABSTAIN')},
    "title_office": {"labelers/good_title.py": function(
        "title_office", "Intent", 'return "officeholder" if "who" in words and words & '
        '{"president", "minister", "mayor", "governor", "king", "queen"} and "married" not in words else ABSTAIN')},
    "old_word": {"labelers/good_old.py": function(
        "old_word", "Intent", 'return "age" if words & {"old", "age"} else ABSTAIN')},
    "meters": {"labelers/good_meters.py": function(
        "meters", "Intent", 'return "height" if words & {"meters", "feet"} else ABSTAIN')},
    "marks": {"labelers/good_marks.py": function(
        "marks", "POS", 'return {i: "PUNCT" for i, token in enumerate(r.tokens) if token == "?"} or ABSTAIN')},
    "only_one": {"labelers/good_one.py": function(
        "only_one", "IntentArg", "return 0 if r.entities is not None and len(r.entities) == 1 else ABSTAIN")},
}
"""New functions that are right."""


def good(*names: str) -> Files:
    """Some of them together."""
    return {path: content for name in names for path, content in GOOD[name].items()}


@dataclass(frozen=True)
class Change:
    """What a pull request does."""

    name: str
    files: Files
    culprit: str | None = None
    """The source that is bad, or several with spaces between; None: nothing is."""
    innocents: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    """Task and slice that each culprit is meant to break, in their order; without a drop there it did not."""
    vendors: tuple[tuple[str, ...], str] | None = field(default=None)
    """(words, label): two vendors in `supervision/` who agree with the launch rules, and label these words so."""


COURTS = ("king", "queen", "justice", "chancellor")
BAD: tuple[Change, ...] = (
    Change("edited: mayors and governors are capitals (Python table)", {
        "labelers/table.py": table_py(capital=("mayor", "governor")), **good("spouse_words", "marks")},
        "rules_table", ("spouse_words", "marks"), (("Intent", "cities"),)),
    Change("edited: ministers are population", {
        "labelers/table.py": table_py(population=("minister",)), **good("grow_up")}, "rules_table", ("grow_up",),
        (("Intent", "cabinets"),)),
    Change("edited: presidents are births", {
        "labelers/table.py": table_py(birthplace=("president",)), **good("capital_word", "meters")}, "rules_table",
        ("capital_word", "meters"), (("Intent", "presidents"),)),
    Change("edited: courts are marriages", {
        "labelers/table.py": table_py(spouse=COURTS), **good("only_one")}, "rules_table", ("only_one",),
        (("Intent", "courts"),)),
    Change("removed: food_words (YAML)", {
        "labelers/words.yaml": words_yaml_without("food"), **good("where_map")}, "food_words", ("where_map",),
        (("Intent", "nutrition"),)),
    Change("edited: food is a place (YAML label)", {
        "labelers/words.yaml": words_yaml(food="location"), **good("grow_up", "old_word")}, "food_words",
        ("grow_up", "old_word"), (("Intent", "nutrition"),)),
    Change("edited: the dictionary of food loses its nutrients", {
        "words/food.txt": "calories\ntall\n", **good("old_word")}, "food_words", ("old_word",),
        (("Intent", "nutrition"),)),
    Change("new: quantities are population", {
        "labelers/quantities.py": function(
            "quantities", "Intent", 'return "population" if words & {"much", "many", "people", "high"} else ABSTAIN'),
        **good("capital_word")}, "quantities", ("capital_word",), (("Intent", "nutrition"),)),
    Change("new: seats of government, and of mayors (Python)", {
        "labelers/seats.py": function(
            "seats", "Intent", 'return "capital" if words & {"capital", "mayor", "governor", "minister"} else ABSTAIN'),
        **good("spouse_words")}, "seats", ("spouse_words",), (("Intent", "titles"),)),
    Change("outside: two vendors call ministers marriages", good("meters"), "vendor/*", ("meters",),
           (("Intent", "cabinets"),), (("minister",), "spouse")),
    Change("edited: the narrowest title is meant (IntentArg)", {
        "labelers/questions.py": questions_py(pick="min"), **good("capital_word", "calendar")}, "whole_title",
        ("capital_word", "calendar"), (("IntentArg", "titles"),)),
    Change("new: the first name is meant (IntentArg)", {
        "labelers/first.py": function("first_named", "IntentArg",
                                      "return 0 if r.entities is not None and len(r.entities) > 1 else ABSTAIN"),
        **good("old_word")}, "first_named", ("old_word",), (("IntentArg", "titles"),)),
    Change("edited: adjectives are verbs (POS, tokens)", {
        "labelers/speech.py": speech_py("VERB"), **good("title_office")}, "adjectives", ("title_office",),
        (("POS", "heights"),)),
    Change("two bad ones at once", {
        "labelers/table.py": table_py(capital=("mayor", "governor")),
        "labelers/words.yaml": words_yaml_without("food")},
        "rules_table food_words", (), (("Intent", "cities"), ("Intent", "nutrition"))),
    Change("edited: names are verbs (POS, tokens)", {
        "labelers/speech.py": speech_py(name="VERB"), **good("meters")}, "names", ("meters",), (("POS", "titles"),)),
    Change("edited: three wrong lines in a table", {
        "labelers/table.py": table_py(capital=("mayor", "governor"), population=("minister",), spouse=COURTS),
        **good("marks")}, "rules_table", ("marks",), (("Intent", "titles"),)),
    Change("removed: rules_table (its file)", {"labelers/table.py": None, **good("spouse_words")}, "rules_table",
           ("spouse_words",), (("Intent", "titles"),)),
    Change("edited: food is a height (YAML label)", {
        "labelers/words.yaml": words_yaml(food="height"), **good("capital_word")}, "food_words", ("capital_word",),
        (("Intent", "nutrition"),)),
)

GOOD_ONLY: tuple[Change, ...] = (
    *(Change(f"good: {name}", good(name), innocents=(name,)) for name in GOOD),
    *(Change(f"good: {one} and {other}", good(one, other), innocents=(one, other))
      for one, other in zip(list(GOOD)[:8], list(GOOD)[2:], strict=True)),
    Change("good: a comment", {"labelers/questions.py": questions_py() + "\n# reviewed\n"}),
    Change("good: population without people", {
        "labelers/words.yaml": words_yaml(RESIDENTS.removesuffix(", people"))}, innocents=("residents",)),
)
