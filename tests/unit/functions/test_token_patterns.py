"""Patterns over tokens: read with clear errors, matched as a regular expression over the same tests would."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.functions.apply import apply_functions
from ovt.functions.discover import discover
from ovt.functions.token_patterns import PatternError, TokenMatcher, read_patterns, shape_of
from ovt.progress import Silent


def spans(pattern, text):
    return [(match.start, match.end) for match in TokenMatcher(read_patterns(pattern), "x").in_words(text.split())]


@pytest.mark.parametrize(("pattern", "text", "found"), [
    (["how", "tall"], "How TALL is it", [(0, 2)]),
    ([{"lower": "how"}, {"in": ["tall", "high"]}], "how high how old how tall", [(0, 2), (4, 6)]),
    ([{"text": "US"}], "us US Us", [(1, 2)]),
    ([{"regex": r"^\d+$"}, {"lower": "cm", "op": "?"}], "9 cm and 10", [(0, 2), (3, 4)]),
    ([{"shape": "Xxxxx"}], "President Bo met president", [(0, 1)]),
    ([{"shape": "dddd"}, {"op": "!", "lower": "bc"}], "2019 bc 2020 ad 1234", [(2, 4)]),
    ([{"not_in": ["the", "a"]}, {"lower": "dog"}], "the dog my dog", [(2, 4)]),
    (["a", {"op": "*"}, "b"], "x a 1 2 b 3 b y", [(1, 7)]),
    (["a", {"in": ["b"], "op": "+"}], "a b b b a", [(0, 4)]),
    (["a", {"lower": "b", "op": "{2}"}], "a b a b b", [(2, 5)]),
    (["a", {"lower": "b", "op": "{1,2}"}], "a b b b", [(0, 3)]),
    (["how", "old", "is", {"op": "+", "group": True}], "say how old is King Kong", [(4, 6)]),
    (["by", {"op": "?", "lower": "the", "group": True}, "sea"], "by sea by the sea", [(3, 4)]),
    ([["how", "tall"], ["how", "tall", "is"], ["old"]], "how tall is old", [(0, 3), (3, 4)]),
    ([{}, {"lower": "b"}], "b a b", [(1, 3)]),
])
def test_matches(pattern, text, found):
    assert spans(pattern, text) == found


@pytest.mark.parametrize(("pattern", "why"), [
    ([], "no list of tests"),
    ("tall", "no list of tests"),
    ([{"lwer": "a"}], "unknown key `lwer`; did you mean `lower`?"),
    ([{"op": "*"}], "it would match nothing"),
    ([{"lower": "a", "op": "%"}], "unknown `op`"),
    ([{"lower": "a", "op": "{3,1}"}], "takes no token"),
    ([{"lower": "a", "op": "{0}"}], "takes no token"),
    ([{"regex": "("}], "does not compile"),
    ([{"in": "tall"}], "no list of texts"),
    ([{"lower": True}], "quote it"),
    ([{"shape": "ddddd"}], "is no shape"),
    ([{"shape": "Hello"}], "is no shape"),
    ([{"lower": "a", "group": "yes"}], "true or false"),
    ([3], "is no test"),
])
def test_what_cannot_be_understood_is_an_error(pattern, why):
    with pytest.raises(PatternError, match=re.escape(why)):
        read_patterns(pattern)


def test_a_pattern_that_a_regular_expression_would_choke_on_takes_no_time():
    pattern = [{"lower": "a", "op": "*"}] * 12 + [{"lower": "b"}]
    assert spans(pattern, "a " * 200) == []


def test_shapes():
    assert [shape_of(word) for word in ("President", "iPhone12", "2019", "U.S.", "élan")] == [
        "Xxxxx", "xXxxxxdd", "dddd", "X.X.", "xxxx"]


LETTERS = st.sampled_from("abc")
TESTS = st.tuples(st.sampled_from(["a", "b", "c", "ab", "abc"]), st.sampled_from(["{1}", "?", "*", "+", "{2}", "{1,2}"]))


@given(st.lists(TESTS, min_size=1, max_size=5), st.lists(LETTERS, max_size=12))
def test_it_finds_what_a_regular_expression_finds(tests, words):
    if all(op in "?*" for _, op in tests):
        return
    pattern = [{"in": list(letters), "op": op} for letters, op in tests]
    expression = re.compile("".join(f"[{letters}]{op}" for letters, op in tests))
    expected = [match.span() for match in expression.finditer("".join(words))]
    assert spans(pattern, " ".join(words)) == expected


@pytest.fixture
def asked(bench):
    bench.records(
        {"id": "q0", "payloads": {"query": "how tall is King Kong", "tokens": ["how", "tall", "is", "King", "Kong"],
                                  "entities": [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [3, 5]}]}},
        {"id": "q1", "payloads": {"query": "how old", "tokens": ["how", "old"], "entities": None}},
        {"id": "q2", "payloads": {"query": None, "tokens": None, "entities": None}},
    )
    bench.compiled()
    return bench


def test_in_yaml_for_every_kind_of_task(asked):
    asked.write("labelers/a.yaml", """
        - {name: intent, task: Intent, tokens: [how, {in: [tall, high]}], label: height}
        - {name: intent_text, task: Intent, field: query, tokens: [how, tall], label: height}
        - {name: topics, task: Topics, tokens: [how, old], label: [people]}
        - {name: slots, task: Slots, tokens: [is, {shape: Xxxx, op: "+", group: true}], label: title}
        - {name: bits, task: EntityType, tokens: [{shape: Xxxx, op: "+"}], label: title}
        - {name: pos, task: POS, tokens: [{in: [tall, old]}], label: ADJ}
        - {name: kind, task: Kind, tokens: [king, kong], label: person}
        - {name: arg, task: IntentArg, tokens: [kong]}
        """)
    asked.write("slices/a.yaml", "- {name: how, slice: asks, tokens: [how, {op: '+'}]}\n")
    store = Store.open(asked.root / "build/store")
    found = apply_functions(asked.project, store, discover(asked.project, "labeling"), Silent()).answers
    told = {name: (answers.items.tolist(), [answers.table[code] for code in answers.labels]) for name, answers in found.items()}
    assert told["intent"] == told["intent_text"] == ([0], ["height"])
    assert told["topics"] == ([1, 1], [-1, "people"])
    assert told["slots"] == ([3, 4, 5], ["B-title", "I-title", -3])
    assert told["bits"][0] == [3, 3, 4, 4, 5]
    assert told["pos"] == ([1, 6], ["ADJ", "ADJ"])
    assert told["kind"] == ([1], ["person"])
    assert told["arg"] == ([0], [1])
    slices = apply_functions(asked.project, store, discover(asked.project, "slicing"), Silent()).answers
    assert slices["how"].items.tolist() == [0, 1]


def test_an_error_has_its_line(asked):
    asked.write("labelers/a.yaml", "- name: a\n  task: Intent\n  label: height\n  tokens: [{lowr: how}]\n")
    with pytest.raises(ProjectError) as caught:
        discover(asked.project, "labeling")
    assert (caught.value.at, caught.value.why) == ("labelers/a.yaml:4", "unknown key `lowr`; did you mean `lower`?")


@pytest.mark.parametrize(("entry", "found"), [
    ("keyword: old, label: hight", "hight"), ("keyword: old, label: 7", "7"), ("dictionary: {tall: height, old: agee}", "agee"),
    ("regex: x, label: hight", "hight"), ("tokens: [x], label: hight", "hight"),
])
def test_a_label_that_is_no_class_is_an_error_though_nothing_matches(asked, entry, found):
    asked.write("labelers/a.yaml", f"- {{name: a, task: Intent, {entry}}}\n")
    with pytest.raises(ProjectError) as caught:
        discover(asked.project, "labeling")
    assert caught.value.what == "labeling function `a` gives a label that is no class of `Intent`"
    assert found in caught.value.why
    assert caught.value.at == "labelers/a.yaml:1"
