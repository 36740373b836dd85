"""A rule typed in one line: which entry it becomes, and that YAML reads the entry back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.documents import parse_document
from ovt.errors import OvtError
from ovt.functions.rules import Rule, entry_of, function_of, name_for, written


@pytest.mark.parametrize(("task", "pattern", "label", "expected"), [
    ("Intent", "tall, how high", "height", {"keyword": ["tall", "how high"], "label": "height"}),
    ("Intent", r"/\bhow (tall|high)\b/", "height", {"regex": r"\bhow (tall|high)\b", "label": "height"}),
    ("Intent", "/tall", "height", {"regex": "tall", "label": "height"}),
    ("Intent", "[{lower: how}, {in: [tall, high]}]", "height",
     {"tokens": [{"lower": "how"}, {"in": ["tall", "high"]}], "label": "height"}),
    ("Intent", "{lower: how}", "height", {"tokens": [{"lower": "how"}], "label": "height"}),
    ("Intent", "[tall, high]", "height", {"keyword": ["tall", "high"], "label": "height"}),
    ("Topics", "salad", "food; people", {"keyword": ["salad"], "label": ["food", "people"]}),
    ("Topics", "salad", "food", {"keyword": ["salad"], "label": "food"}),
    ("IntentArg", "president", "", {"keyword": ["president"]}),
    ("IntentArg", "president", "1", {"keyword": ["president"], "label": 1}),
])
def test_what_was_typed_becomes_an_entry_that_is_a_function(bench, task, pattern, label, expected):
    rule = Rule(task, pattern, label, "mine")
    entry = entry_of(rule, bench.project)
    assert entry == {"name": "mine", "task": task, **expected}
    assert parse_document(f"- {written(entry)}\n", "a.yaml").value == [entry]
    assert function_of(rule, bench.project).task == task


@pytest.mark.parametrize(("rule", "told"), [
    (Rule("Intent", "  ", "height"), "nothing to look for"),
    (Rule("Intent", " , ,", "height"), "nothing to look for"),
    (Rule("Intent", "/", "height"), "nothing to look for"),
    (Rule("Intent", "//", "height"), "nothing to look for"),
    (Rule("Intent", "/(", "height"), "does not compile"),
    (Rule("Intent", "[{lower: how}", "height"), "cannot be parsed"),
    (Rule("Intent", "[]", "height"), "no pattern over tokens"),
    (Rule("Intent", "[{nonsense: how}]", "height"), "no pattern"),
    (Rule("Intent", "tall", ""), "has no label"),
    (Rule("Intent", "tall", "heigt"), "no class"),
    (Rule("Nope", "tall", "x"), "no task `Nope`"),
    (Rule("Intent", "tall", "height", "two words"), "no name"),
    (Rule("Intent", "tall", "height", "rule", "nowhere"), "unknown payload"),
])
def test_what_is_no_rule_is_told(bench, rule, told):
    with pytest.raises(OvtError, match=told):
        function_of(rule, bench.project)


@given(st.dictionaries(st.sampled_from(["name", "label", "regex"]), st.text(min_size=1)), st.lists(st.text(), min_size=1))
def test_any_text_survives_being_written(texts, words):
    entry = {**texts, "keyword": words}
    assert parse_document(f"- {written(entry)}\n", "a.yaml").value == [entry]


@pytest.mark.parametrize("word", ["yes", "null", "1", "1.5", "2019-09-01", "a: b", "#x", "it's", "-", "", "~", "on", "é", "0x1"])
def test_words_that_yaml_would_read_otherwise(word):
    assert parse_document(written({"label": word}), "a.yaml").value == {"label": word}


def test_a_name_is_made_from_label_and_words():
    assert name_for(Rule("Intent", "/\\bhow tall/", "height")) == "height_bhow_tall"
    assert name_for(Rule("Intent", "[{lower: how}]", "height")) == "height_how"
    assert name_for(Rule("Intent", "42", "")) == "rule"
