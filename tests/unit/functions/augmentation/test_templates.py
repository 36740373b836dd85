"""Generators in YAML: patterns, slots, labels on records and on tokens, and every way to write them wrongly."""

from __future__ import annotations

import json
import random

import pytest

from ovt.errors import ProjectError
from ovt.functions.augmentation.augmenters import discover_augmenters


def records(bench, entry, seed=0):
    bench.write("labelers/gen.yaml", entry)
    [one] = discover_augmenters(bench.project)
    return list(one.function.call(random.Random(seed)))


def test_every_way_of_filling_is_a_record(bench):
    bench.write("labelers/things.txt", "tower\nbig bridge\n")
    made = records(bench, """
        - name: tall
          template: ["how {tall} is the {thing}", "{thing}!"]
          slots: {tall: [tall, high], thing: labelers/things.txt}
          labels: {Intent: height}
          tags: [drill]
        """)
    texts = [one["payloads"]["query"] for one in made]
    assert texts == ["how tall is the tower", "how tall is the big bridge", "how high is the tower", "how high is the big bridge",
                     "tower!", "big bridge!"]
    assert made[0]["labels"] == {"Intent": "height"}
    assert made[0]["tags"] == ["drill"]


def test_slots_label_tokens(bench):
    [one] = records(bench, """
        t: {template: "is {who} a {x}?", slots: {who: ["the Prime Minister's cat"], x: [cook]},
            labels: {Slots: {who: title}, POS: {x: NOUN}, EntityType: {who: title}}}
        """)
    assert one["labels"]["Slots"] == ["O", "B-title", "I-title", "I-title", "I-title", "I-title", "O", "O", "O"]
    assert one["labels"]["POS"] == {7: "NOUN"}
    assert one["labels"]["EntityType"] == {position: ["title"] for position in range(1, 6)}


def test_a_template_may_write_tokens(bench):
    [one] = records(bench, "t: {template: \"who's {{it}}\", field: tokens}\n")
    assert one["payloads"] == {"tokens": ["who", "'s", "{", "it", "}"]}


def test_more_ways_than_records_are_drawn_without_repeats(bench):
    slots = {letter: [f"{letter}{number}" for number in range(40)] for letter in "abc"}
    entry = json.dumps({"t": {"template": "{a} {b} {c}", "slots": slots, "max_records": 50}})
    made = [one["payloads"]["query"] for one in records(bench, entry)]
    assert len(set(made)) == len(made) == 50
    assert made == [one["payloads"]["query"] for one in records(bench, entry)]
    assert made != [one["payloads"]["query"] for one in records(bench, entry, seed=1)]
    assert len({text.split()[0] for text in made}) > 20


@pytest.mark.parametrize(("entry", "what"), [
    ("- {template: x}", "has no name"),
    ("t: {template: 'a {b}'}", "unknown slot"),
    ("t: {template: 'a', slots: {b: [c]}}", "stands in no pattern"),
    ("t: {template: 'a {b', slots: {b: [c]}}", "cannot be read"),
    ("t: {template: 'a {b}', slots: {b: none.txt}}", "is missing"),
    ("t: {template: 'a {b}', slots: {b: []}}", "has no values"),
    ("t: {template: 'a {b}', slots: [b]}", "is no mapping"),
    ("t: {template: []}", "is no text"),
    ("t: {template: 'a', lable: {}}", "unknown key `lable`"),
    ("t: {template: 'a', labels: {Intnt: age}}", "unknown task"),
    ("t: {template: 'a', labels: age}", "`labels` of `t` is no mapping"),
    ("t: {template: 'a', labels: {IntentArg: 0}}", "cannot label `IntentArg`"),
    ("t: {template: 'a', labels: {Slots: title}}", "labels tokens"),
    ("t: {template: 'a', labels: {Slots: {who: title}}}", "unknown slot"),
    ("t: {template: 'a', field: age}", "cannot write the payload"),
    ("t: {template: 'a', max_records: 0}", "`max_records` of `t` is wrong"),
    ("t: {template: 'a', tags: drill}", "is no list of names"),
])
def test_what_is_wrong_is_told_with_its_line(bench, entry, what):
    bench.write("labelers/gen.yaml", f"# a comment\n{entry}\n")
    with pytest.raises(ProjectError) as raised:
        discover_augmenters(bench.project)
    assert what in raised.value.what
    assert raised.value.at == "labelers/gen.yaml:2"


def test_labeling_functions_beside_a_template_are_still_found(bench):
    from ovt.functions.discover import discover

    bench.write("labelers/both.yaml", "kw: {task: Intent, keyword: [old], label: age}\nt: {template: a}\n")
    assert [one.name for one in discover(bench.project, "labeling")] == ["kw"]
    assert [one.name for one in discover_augmenters(bench.project)] == ["t"]
    assert [one.name for one in discover(bench.project, "slicing")] == []
