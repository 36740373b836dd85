"""The cache key changes with what a function depends on, and with nothing else."""

from __future__ import annotations

import textwrap

import pytest

from ovt.functions.discover import discover

BASE = '''
import re
from pathlib import Path
from ovt import labeling_function, ABSTAIN
import words
from words import fold

LIMIT = 3
UNUSED = 1
TALL = re.compile("tall|high")
TABLE = {"tall": "height"}
WORDS = Path(__file__).with_name("list.txt").read_text().split()

def clean(text):
    return fold(text).strip()

def other_helper(text):
    return text

class Rule:
    def __init__(self, word):
        self.word = word

    def holds(self, text):
        return self.word in clean(text)

RULE = Rule("tall")

@labeling_function(task="Intent")
def target(r):
    """Says height."""
    # a remark
    if TALL.search(clean(r.query)) and len(r.tokens) > LIMIT and RULE.holds(r.query):
        return TABLE["tall"] if words.known("tall") or r.query in WORDS else ABSTAIN
    return ABSTAIN

@labeling_function(task="Intent")
def neighbour(r):
    return "age" if "old" in r.query else None
'''
HELPERS = """
SUFFIX = "s"

def fold(text):
    return text.casefold()

def known(word):
    return word + SUFFIX == "talls"

def unrelated():
    return 1
"""

CHANGES = {
    "its code": ("labelers/a.py", "> LIMIT", ">= LIMIT"),
    "a constant": ("labelers/a.py", "LIMIT = 3", "LIMIT = 4"),
    "a pattern": ("labelers/a.py", "tall|high", "tall|highest"),
    "a table": ("labelers/a.py", '{"tall": "height"}', '{"tall": "age"}'),
    "a helper": ("labelers/a.py", ".strip()", ".rstrip()"),
    "a helper's helper": ("labelers/words.py", "casefold", "lower"),
    "a function of a module": ("labelers/words.py", '== "talls"', '!= "talls"'),
    "a constant of a module": ("labelers/words.py", 'SUFFIX = "s"', 'SUFFIX = "es"'),
    "the state of an object": ("labelers/a.py", 'Rule("tall")', 'Rule("high")'),
    "a method": ("labelers/a.py", "in clean(text)", "not in clean(text)"),
    "a list that is read from a file": ("labelers/list.txt", "high", "higher"),
}
KEEPS = {
    "a comment": ("labelers/a.py", "# a remark", "# another remark\n    #"),
    "a docstring": ("labelers/a.py", "Says height.", "Says more."),
    "formatting": ("labelers/a.py", "r.query in WORDS", "( r.query   in WORDS )"),
    "lines above": ("labelers/a.py", "UNUSED = 1", "UNUSED = 1\n\n\n"),
    "an unused constant": ("labelers/a.py", "UNUSED = 1", "UNUSED = 2"),
    "an unused helper": ("labelers/a.py", "return text\n\nclass", "return text + '!'\n\nclass"),
    "another function": ("labelers/a.py", '"old" in', '"age" in'),
    "an unused function of a module": ("labelers/words.py", "return 1", "return 2"),
    "a new import": ("labelers/a.py", "import re", "import re, json"),
}


def keys(bench, name="target"):
    return {function.name: function.key for function in discover(bench.project, "labeling")}[name]


def prepare(bench):
    bench.write("labelers/a.py", BASE)
    bench.write("labelers/words.py", HELPERS)
    bench.write("labelers/list.txt", "tall high")


def change(bench, file, old, new):
    path = bench.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("case", CHANGES)
def test_a_dependency_changes_the_key(bench, case):
    prepare(bench)
    before, neighbour = keys(bench), keys(bench, "neighbour")
    change(bench, *CHANGES[case])
    assert keys(bench) != before
    assert keys(bench, "neighbour") == neighbour


@pytest.mark.parametrize("case", KEEPS)
def test_anything_else_keeps_the_key(bench, case):
    prepare(bench)
    before = keys(bench)
    change(bench, *KEEPS[case])
    assert keys(bench) == before


def test_the_key_is_the_same_in_another_clone(bench, tmp_path_factory):
    prepare(bench)
    elsewhere = type(bench)(tmp_path_factory.mktemp("clone"))
    prepare(elsewhere)
    bench.write("labelers/b.py", PATHS)
    elsewhere.write("labelers/b.py", PATHS)
    assert keys(bench) == keys(elsewhere)
    assert keys(bench, "located") == keys(elsewhere, "located")


PATHS = """
from pathlib import Path
from ovt import labeling_function
HERE = Path(__file__).parent
@labeling_function(task="Intent")
def located(r):
    return "age" if str(HERE) in r.query else None
"""

FACTORY = """
from ovt import labeling_function
def keyword(word, label):
    @labeling_function(task="Intent", name=f"has_{word}")
    def vote(r):
        return label if word in r.query else None
    return vote
tall = keyword("tall", "height")
old = keyword("old", "age")
"""


def test_functions_from_a_factory_have_keys_of_their_own(bench):
    bench.write("labelers/made.py", FACTORY)
    before = {f.name: f.key for f in discover(bench.project, "labeling")}
    assert sorted(before) == ["has_old", "has_tall"]
    assert len(set(before.values())) == 2
    change(bench, "labelers/made.py", 'keyword("old", "age")', 'keyword("old", "president")')
    after = {f.name: f.key for f in discover(bench.project, "labeling")}
    assert after["has_tall"] == before["has_tall"]
    assert after["has_old"] != before["has_old"]


def test_the_form_of_the_task_is_part_of_the_key(bench):
    bench.write("labelers/a.yaml", "- {name: tall, task: POS, keyword: tall, label: ADJ}\n")
    before = keys(bench, "tall")
    schema = bench.root / "schema.json"
    schema.write_text(schema.read_text().replace('"multiclass", "classes": ["ADJ"', '"bitvector", "classes": ["ADJ"'))
    assert keys(bench, "tall") != before


def test_a_module_used_as_a_whole_counts_as_a_whole(bench):
    bench.write("labelers/words.py", HELPERS)
    bench.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function(task="Intent")
        def target(r):
            import words
            return "age" if words.known(r.query) else None
        """)
    before = keys(bench)
    change(bench, "labelers/words.py", "return 1", "return 2")
    assert keys(bench) != before


def test_an_opaque_object_counts_by_how_it_is_made(bench):
    text = """
        import threading
        from ovt import labeling_function
        SIZE = 4
        GATE = threading.Semaphore(SIZE)
        @labeling_function(task="Intent")
        def target(r):
            with GATE:
                return "age"
        """
    bench.write("labelers/a.py", text)
    before = keys(bench)
    assert keys(bench) == before
    change(bench, "labelers/a.py", "SIZE = 4", "SIZE = 5")
    assert keys(bench) != before


def test_tags_are_read_only_where_the_code_says_so(bench):
    bench.write("labelers/a.py", """
        from ovt import labeling_function
        def dated(r):
            return "date:2019" in r.tags
        @labeling_function(task="Intent")
        def by_tag(r):
            return "age" if dated(r) else None
        @labeling_function(task="Intent")
        def plain(r):
            return "age"
        """)
    found = {f.name: f.reads_tags for f in discover(bench.project, "labeling")}
    assert found == {"by_tag": True, "plain": False}


def test_recursion_ends(bench):
    bench.write("labelers/a.py", textwrap.dedent("""
        from ovt import labeling_function
        LOOP = []
        LOOP.append(LOOP)
        def even(n): return n == 0 or odd(n - 1)
        def odd(n): return n != 0 and even(n - 1)
        @labeling_function(task="Intent")
        def target(r):
            return "age" if even(len(r.tokens)) and LOOP else target(r)
        """))
    assert keys(bench) == keys(bench)
