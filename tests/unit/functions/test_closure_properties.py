"""Any edit that changes what a function computes changes its key; no edit of comments or form does, and no other function's."""

from __future__ import annotations

import ast
import itertools
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.functions.discover import discover
from tests.unit.conftest import Workbench

FILES = {
    "labelers/a.py": '''
import enum
import functools
import re
import typing
from dataclasses import dataclass, field
from ovt import labeling_function as lf
from shared import steps
from shared.rules import Base, traced as trace


def shout(word):
    """Doubles."""
    # a remark
    return word + "shout one"


def only_if(limit):
    def decorate(call):
        @functools.wraps(call)
        def inner(r):
            return call(r) if len(r.query) > limit else None
        return inner
    return decorate


def counted(call):
    def inner(r):
        return call(r) and "height", "counted one"
    return inner


class Kind(enum.Enum):
    TALL = "tall one"
    OLD = "old"


@dataclass(frozen=True)
class Rule:
    word: str = "dataclass one"
    more: tuple = field(default=("more one",))

    def holds(self, text):
        return self.word in text and self.fixed() and self.kind(text) and self.long

    @staticmethod
    def fixed():
        return "static one"

    @classmethod
    def kind(cls, text):
        return cls.__name__ + "classmethod one"

    @property
    def long(self):
        return "property one"


class Slotted:
    __slots__ = ("word",)

    def __init__(self, word):
        self.word = word

    def holds(self, text):
        return self.word in text + "slots method one"


class Pair(typing.NamedTuple):
    left: str

    def both(self):
        return self.left + "named tuple one"


class Word(str):
    def holds(self, text):
        return self in text + "str method one"


class Words(dict):
    def __missing__(self, key):
        return key + "missing one"


def with_rule(rule, pair, word):
    def made(r):
        return rule.holds(r.query) and pair.both() and word.holds(r.query)
    return made


class Child(Base):
    level = "class level one"

    def judge(self, text):
        return super().judge(text) and self.level


def factory(word):
    def made(r):
        return "height" if word in r.query else None
    return made


def depth(n):
    return depth(n - 1) if n > 0 else "recursion one"


def even(n):
    return odd(n - 1) if n else "even one"


def odd(n):
    return even(n - 1) if n else "odd one"


@functools.lru_cache(maxsize=None)
def cached(text):
    return text + "cached one"


HELD = factory("cell one")
RULED = with_rule(Slotted("slot one"), Pair("pair one"), Word("word one"))
WORDS = Words(a="words one")
PART = functools.partial(re.search, "partial one", flags=re.IGNORECASE)
NESTED = functools.partial(functools.partial(shout), word="nested one")
PICK = lambda text: "lambda one" in text
PAIR = (lambda x: x + "left one", lambda x: x + "right one")
TABLE = {"deep": [{"list": ("table one", {1, 2})}]}
RULE = Rule()
BOUND = Rule("bound one").holds
ALIAS = shout
if len(TABLE) > 0:
    BRANCH = "branch one"
else:
    BRANCH = "other"


@lf("Intent", name="decorated")
@trace("decorator argument one")
@only_if(3)
@counted
def decorated(r):
    return "body one"


@lf("Intent")
def lambdas(r):
    inner = lambda text: text + "inner lambda one"
    return "height" if PICK(r.query) or PAIR[0](r.query) or inner(r.query) else None


@lf("Intent")
def partials(r):
    return "height" if PART(r.query) or NESTED() else None


@lf("Intent")
def closes(r):
    return HELD(r) or RULED(r) or WORDS[r.query]


@lf("Intent")
def classes(r):
    return "height" if RULE.holds(r.query) or BOUND(r.query) or Child().judge(r.query) or Kind.TALL else None


@lf("Intent")
def imports(r):
    import shared.late
    from shared import later as renamed
    return shared.late.word(r.query) or renamed.word(r.query)


@lf("Intent")
def recursive(r):
    return depth(3) or even(4)


@lf("Intent")
def values(r, wanted="default one", *, strict="keyword default one"):
    found = [word for word in TABLE if word != "comprehension one"]
    def nested():
        return f"{r.query} f-string one"
    return cached(BRANCH) or ALIAS(r.query) or found or nested() or steps.run(r.query)


@lf("Intent")
def neighbour(r):
    return "age" if "neighbour one" in r.query else None
''',
    "labelers/shared/__init__.py": "",
    "labelers/shared/steps.py": """
from . import words

FIRST = "steps one"

def run(text):
    return text + FIRST + words.SUFFIX

def unused(text):
    return "unused one"
""",
    "labelers/shared/words.py": 'SUFFIX = "suffix one"\nOTHER = "other one"\n',
    "labelers/shared/rules.py": """
class Base:
    def judge(self, text):
        return "base one" in text


def traced(label):
    def decorate(call):
        def inner(r):
            return call(r), "traced one"
        return inner
    return decorate
""",
    "labelers/shared/late.py": 'def word(text):\n    return "late one"\n',
    "labelers/shared/later.py": 'def word(text):\n    return "later one"\n',
}
REACHES = {
    "decorated": ["counted", "decorator argument", "body", "traced"],
    "lambdas": ["lambda", "left", "right", "inner lambda"],
    "partials": ["partial", "nested", "shout"],
    "closes": ["cell", "slots method", "named tuple", "str method", "missing", "slot", "pair", "word", "words"],
    "classes": ["tall", "dataclass", "more", "static", "classmethod", "property", "class level", "base", "bound"],
    "imports": ["late", "later"],
    "recursive": ["recursion", "even", "odd"],
    "values": ["default", "keyword default", "comprehension", "f-string", "cached", "branch", "shout", "table", "steps",
               "suffix"],
    "neighbour": ["neighbour"],
}
NOWHERE = ["unused", "other"]
MARKS = sorted({mark for marks in REACHES.values() for mark in marks} | set(NOWHERE))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Workbench(tmp_path_factory.mktemp("closure"))


def keys(place, change=lambda name, text: text):
    for name, text in FILES.items():
        place.write(name, change(name, text))
    return {function.name: function.key for function in discover(place.project, "labeling")}


@pytest.fixture(scope="module")
def before(place):
    return keys(place)


def edited(marks):
    def change(name, text):
        for mark in marks:
            for quote, end in itertools.product('"\'', '"\' '):
                text = text.replace(f"{quote}{mark} one{end}", f"{quote}{mark} two{end}").replace(f' {mark} one"', f' {mark} two"')
        return text
    return change


@pytest.mark.parametrize("mark", MARKS)
def test_each_edit_changes_the_keys_that_it_reaches_and_no_other(place, before, mark):
    assert sum(f"{mark} one" in text for text in FILES.values()) == 1
    after = keys(place, edited([mark]))
    assert {name for name in after if after[name] != before[name]} == {
        name for name, marks in REACHES.items() if mark in marks}


@given(st.sets(st.sampled_from(MARKS), max_size=4))
@settings(max_examples=25)
def test_edits_together_change_what_each_of_them_changes(place, before, marks):
    after = keys(place, edited(marks))
    assert {name for name in after if after[name] != before[name]} == {
        name for name, reached in REACHES.items() if marks & set(reached)}


@pytest.mark.parametrize(("old", "new", "changed"), [
    ("def depth(n):\n    return depth(n - 1) if n > 0", "def depth(n):\n    return depth(n - 1) if n > 1", {"recursive"}),
    ("len(r.query) > limit", "len(r.query) >= limit", {"decorated"}),
    ("@only_if(3)", "@only_if(4)", {"decorated"}),
    ("@only_if(3)\n@counted", "@counted\n@only_if(3)", {"decorated"}),
    ("@only_if(3)\n", "", {"decorated"}),
    ("flags=re.IGNORECASE", "flags=re.MULTILINE", {"partials"}),
    ("class Child(Base)", "class Child(Rule)", {"classes"}),
    ("import shared.late\n    from shared import later as renamed", "import shared.late\n    from shared import late as renamed", {"imports"}),
    ('PAIR = (lambda x: x + "left one", lambda x: x + "right one")', 'PAIR = (lambda x: x + "right one", lambda x: x + "left one")', {"lambdas"}),
    ("functools.partial(re.search,", "functools.partial(re.match,", {"partials"}),
    ("{1, 2}", "{1, 3}", {"values"}),
])
def test_other_edits_of_meaning(place, before, old, new, changed):
    assert any(old in text for text in FILES.values())
    after = keys(place, lambda name, text: text.replace(old, new))
    assert {name for name in after if after[name] != before[name]} == changed


def unparsed(text):
    return ast.unparse(ast.parse(text))


def commented(text):
    lines = text.splitlines()
    return "# the first line\n" + "\n".join(f"{line}  # said" if line and not line.endswith(("'", '"""', "\\")) else line for line in lines) + "\n"


def spaced(text):
    return text.replace("\n\n\n", "\n\n\n\n\n").replace(" = ", "  =  ").replace("return ", "return  ")


def documented(text):
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if ast.get_docstring(node) is not None:
                node.body[0] = ast.Expr(ast.Constant("Other words."))
            elif not isinstance(node.body[0], ast.AnnAssign):
                node.body.insert(0, ast.Expr(ast.Constant("New words.")))
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize("form", [unparsed, commented, spaced, documented, lambda text: commented(spaced(text)),
                                  lambda text: text.replace("    ", "  ")])
def test_no_edit_of_form_changes_a_key(place, before, form):
    assert any(form(text) != text for text in FILES.values())
    assert keys(place, lambda name, text: form(text)) == before


@given(st.permutations(range(4)), st.integers(0, 3))
@settings(max_examples=15)
def test_keys_do_not_depend_on_the_order_of_functions_in_the_file(place, before, order, blank):
    blocks = FILES["labelers/a.py"].split("\n\n\n@lf")
    head, functions = blocks[0], blocks[1:]
    moved = [functions[at] for at in order] + functions[4:]
    text = head + "".join("\n" * (3 + blank) + "@lf" + block for block in moved)
    assert keys(place, lambda name, old: text if name == "labelers/a.py" else old) == before


def test_a_value_that_is_built_at_import_counts_by_what_it_is(place):
    code = textwrap.dedent("""
        from ovt import labeling_function as lf
        WORDS = sorted({%s})
        @lf("Intent")
        def f(r): return "age" if r.query in WORDS else None
        """)
    found = []
    for words in ("'a', 'b'", "'b', 'a', 'a'", "'a', 'c'"):
        place.write("labelers/a.py", code % words)
        found.append(discover(place.project, "labeling")[0].key)
    assert found[0] == found[1] != found[2]
