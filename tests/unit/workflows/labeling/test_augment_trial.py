"""Trying a transformation function or generator needs no compiled store, and writes nothing."""

from __future__ import annotations

import pytest

from ovt.errors import UsageError
from ovt.progress import Silent
from ovt.render.augmenting import augmenters_table, trial_table
from ovt.workflows.labeling.augment_trial import try_augmenter
from ovt.workflows.labeling.augmenters import list_augmenters

HEAD = "from ovt import generator, transformation_function\n"


@pytest.fixture
def filled(bench):
    bench.records(*({"id": f"q{number}", "payloads": {"query": f"how tall is {number}"}, "tags": ["dev" if number == 0 else "train"],
                     "tasks": {"Intent": {"weak": "height"}}} for number in range(9)))
    bench.write("labelers/aug.py", HEAD + """
@transformation_function(where="odd")
def louder(r):
    if r.id == "q5":
        raise ValueError("five")
    return {"query": r.query.upper()}
@generator(labels={"Intent": "age"})
def ages():
    while True:
        yield {"query": "how old is he"}
""")
    bench.write("slices/odd.py", "from ovt import slicing_function\n@slicing_function()\ndef odd(r):\n    return int(r.query[-1]) % 2 == 1\n")
    return bench


def test_a_sample_of_the_parents_that_its_options_choose(filled):
    trial = try_augmenter(filled.project, "louder", Silent(), sample=3)
    assert (trial.kind, trial.parents, len(trial.records)) == ("transformation", 3, 3)
    assert {found.parent for found in trial.records} <= {"q1", "q3", "q5", "q7"}
    assert trial == try_augmenter(filled.project, "louder", Silent(), sample=3)
    assert sorted(path.name for path in filled.root.iterdir()) == ["data", "labelers", "schema.json", "slices"]


def test_one_record_whether_chosen_or_not(filled):
    [found] = try_augmenter(filled.project, "louder", Silent(), record="q2").records
    assert (found.parent, found.id) == ("q2", "q2~louder~1")
    assert (found.before, found.after) == ({"query": "how tall is 2"}, {"query": "HOW TALL IS 2"})
    assert found.labels == {"Intent": {"weak": "height"}}
    assert "POS" in found.carried
    assert "Intent:weak=height" in trial_table(try_augmenter(filled.project, "louder", Silent(), record="q2")).rows[0][4]


def test_a_failure_is_shown_on_its_record(filled):
    [found] = try_augmenter(filled.project, "louder", Silent(), record="q5").records
    assert (found.problem, found.at, found.id) == ("ValueError: five", "labelers/aug.py:6", "")
    assert trial_table(try_augmenter(filled.project, "louder", Silent(), record="q5")).rows[0][2] == "failed: ValueError: five"


def test_a_generator_shows_as_many_as_asked(filled):
    trial = try_augmenter(filled.project, "ages", Silent(), sample=4)
    assert [found.id for found in trial.records] == [f"ages~{number}" for number in range(1, 5)]
    assert trial.records[0].labels == {"Intent": {"ages": "age"}}


@pytest.mark.parametrize("record", ["q0", "nobody"])
def test_only_train_records_are_parents(filled, record):
    with pytest.raises(UsageError, match="no train record"):
        try_augmenter(filled.project, "louder", Silent(), record=record)


def test_another_source_is_none_of_its_business(filled):
    assert try_augmenter(filled.project, "weak", Silent()) is None


def test_the_list_knows_what_was_run_and_what_was_edited_since(filled):
    filled.write("labelers/aug.py", HEAD + "@transformation_function()\ndef louder(r):\n    return {'query': r.query.upper()}\n")
    assert [(row.source, row.stale, row.made) for row in list_augmenters(filled.project)] == [("louder", True, None)]
    filled.run("compile", "label")
    [row] = list_augmenters(filled.project)
    assert (row.stale, row.kept, row.tasks["Intent"]["coverage"]) == (False, 8, 1.0)
    assert augmenters_table([row]).rows[0][:6] == ("louder", "transformation", "8", "8", "8", "0")
    filled.write("labelers/aug.py", HEAD + "@transformation_function()\ndef louder(r):\n    return {'query': r.query.lower()}\n")
    assert [row.stale for row in list_augmenters(filled.project)] == [True]
