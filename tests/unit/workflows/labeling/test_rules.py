"""A rule tried, written and taken back: the trial says what the run will say, and the file keeps all it had."""

from __future__ import annotations

import json
import time

import pytest

from ovt.data.store import Store
from ovt.errors import OvtError, ProjectError, UsageError
from ovt.functions.rules import Rule
from ovt.supervision import rule_trial
from ovt.supervision.reporting.opinions import stored_votes
from ovt.supervision.rule_trial import try_rule
from ovt.workflows.labeling.rules import FILE, take_back, write_rule

TALL = Rule("Intent", "tall", "height", "tall_words")
QUERIES = ("how tall is he", "how old is he", "is the tall one president", "tall or old")


@pytest.fixture
def filled(bench):
    """Sixteen records in turn of train, dev and test, with a source that always says `age`."""
    bench.records(*(
        {"id": f"q{n}", "tags": [("train", "dev", "test")[n % 3]],
         "payloads": {"query": QUERIES[n % 4], "tokens": QUERIES[n % 4].split(),
                      "entities": [{"id": "tall_man"}, {"id": "B"}]},
         "tasks": {"Intent": {"crowd": "age"} | ({"gold": "height" if n % 4 < 2 else "president"} if n != 4 else {}),
                   "POS": {"gold": ["ADJ"] * len(QUERIES[n % 4].split())},
                   "Slots": {"gold": ["O"] * len(QUERIES[n % 4].split())},
                   "Topics": {"crowd": ["food"], "gold": ["people"]}, "Kind": {"gold": ["person", "measure"]},
                   "IntentArg": {"gold": 1}}}
        for n in range(16)
    ))
    bench.run("compile", "label")
    return bench


def dev_votes(bench, name, task):
    store = Store.open(bench.root / "build/store")
    votes = stored_votes(bench.project, store, task)
    mine = votes.names.index(name)
    rows = store.rows_of_items(task, votes.items)
    return [(item, label) for item, source, label, row in zip(
        votes.items.tolist(), votes.sources.tolist(), votes.labels.tolist(), rows.tolist(), strict=True)
        if source == mine and store.splits[row] == 1]


@pytest.mark.parametrize("rule", [
    TALL, Rule("Intent", "/^how/", "height", "starts"), Rule("Intent", "[{lower: is}, {}]", "president", "pattern"),
    Rule("POS", "tall", "ADJ", "adj"), Rule("Slots", "how tall", "title", "span"), Rule("Topics", "tall", "people", "topic"),
    Rule("Topics", "tall", "food; people", "topics"), Rule("Kind", "tall", "person", "kind"), Rule("IntentArg", "tall", "", "arg"),
], ids=lambda rule: rule.name)
def test_the_trial_is_what_the_run_will_be(filled, rule):
    trial = try_rule(filled.project, rule)
    assert trial.records == trial.of == 5
    assert trial.votes
    write_rule(filled.project, rule)
    filled.run("compile", "label")
    report = json.loads((filled.root / "reports/sources.json").read_text())["tasks"][rule.task]["sources"]
    row = next(row for row in report if row["source"] == rule.name)
    assert row["dev"] == {"accuracy": round(trial.accuracy, 6), "n": trial.checked}
    assert len({item for item, _ in dev_votes(filled, rule.name, rule.task)}) == trial.votes


def test_the_figures(filled):
    # of dev are q1 (old), q4 (how tall, no gold), q7 (tall or old), q10 (the tall one), q13 (old)
    trial = try_rule(filled.project, TALL, {("q7", 0), ("q1", 0)})
    assert (trial.items, trial.votes, trial.right, trial.checked) == (5, 3, 0, 2)
    assert (trial.coverage, trial.accuracy, trial.overlaps, trial.conflicts) == (0.6, 0.0, 3, 3)
    assert trial.mended == 0
    assert [(hit.id, hit.right, hit.against) for hit in trial.hits] == [
        ("q7", False, ("crowd",)), ("q10", False, ("crowd",)), ("q4", None, ("crowd",))]
    assert trial.hits[0].text == "tall or old"
    mended = try_rule(filled.project, Rule("Intent", "tall", "president"), {("q7", 0), ("q1", 0)})
    assert (mended.mended, mended.accuracy) == (1, 1.0)


def test_test_records_are_never_asked(filled, monkeypatch):
    asked = []
    real = rule_trial.dry_run
    monkeypatch.setattr(rule_trial, "dry_run", lambda project, store, function, rows, *rest: (
        asked.extend(rows), real(project, store, function, rows, *rest))[1])
    try_rule(filled.project, TALL)
    store = Store.open(filled.root / "build/store")
    assert {int(store.splits[row]) for row in asked} == {1}


def test_a_pattern_that_takes_for_ever_is_stopped(bench, monkeypatch):
    bench.records({"id": "d", "tags": ["dev"], "payloads": {"query": "a" * 40 + "!"}})
    bench.run("compile")
    monkeypatch.setattr(rule_trial, "SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(ProjectError, match="the rule fails") as caught:
        try_rule(bench.project, Rule("Intent", "/(a+)+$/", "height"))
    assert "no answer within 0.3 s" in caught.value.why
    assert time.monotonic() - begun < 10


def test_without_dev_there_is_nothing_to_try_on(bench):
    bench.records({"id": "t", "payloads": {"query": "how tall"}})
    bench.run("compile")
    with pytest.raises(UsageError, match="no dev record"):
        try_rule(bench.project, TALL)


def test_of_many_dev_records_a_sample_is_tried(filled, monkeypatch):
    monkeypatch.setattr(rule_trial, "MOST_RECORDS", 2)
    first, second = (try_rule(filled.project, TALL) for _ in range(2))
    assert (first.records, first.of) == (2, 5)
    assert first == second


def test_a_trial_that_nobody_waits_for_ends(filled):
    assert try_rule(filled.project, TALL, still_wanted=lambda: False).votes <= 1


# -------------------------------------------------------------- writing


@pytest.mark.parametrize("before", [
    None, "# mine\n", "# mine\n- {name: other, task: Intent, keyword: old, label: age} # why\n",
    "- name: other\n  task: Intent\n  keyword: [old]\n  label: age", "  - {name: other, task: Intent, keyword: old, label: age}\n",
    "other: {task: Intent, keyword: old, label: age}\n",
])
def test_what_the_file_had_stays(filled, before):
    path = filled.root / FILE
    if before is not None:
        filled.write(FILE, before) if not before.startswith("  -") else path.parent.mkdir(exist_ok=True)
        path.write_text(before)
    done = write_rule(filled.project, TALL)
    text = path.read_text()
    assert text.startswith(before or "# Rules written in the terminal app")
    assert text.splitlines()[done.line - 1].endswith(done.entry)
    filled.run("label")
    assert "tall_words" in stored_votes(filled.project, Store.open(filled.root / "build/store"), "Intent").names
    take_back(filled.project, done)
    assert (path.read_text() if path.is_file() else None) == before


def test_a_file_that_was_changed_since_is_left_alone(filled):
    done = write_rule(filled.project, TALL)
    (filled.root / FILE).write_text("# all new\n")
    with pytest.raises(UsageError, match="changed since"):
        take_back(filled.project, done)
    assert (filled.root / FILE).read_text() == "# all new\n"


@pytest.mark.parametrize(("text", "told"), [
    ("[{name: other, task: Intent, keyword: old, label: age}]\n", "nothing can be appended"),
    ("{other: {task: Intent, keyword: old, label: age}}\n", "nothing can be appended"),
    ("- {name: tall_words, task: Intent, keyword: old, label: age}\n", "is taken"),
])
def test_what_cannot_be_written_changes_nothing(filled, text, told):
    (filled.root / "labelers").mkdir()
    (filled.root / FILE).write_text(text)
    with pytest.raises(OvtError, match=told):
        write_rule(filled.project, TALL)
    assert (filled.root / FILE).read_text() == text


@pytest.mark.parametrize("name", ["crowd", "gold"])
def test_a_name_of_another_source_is_taken(filled, name):
    with pytest.raises(UsageError, match="is taken"):
        write_rule(filled.project, Rule("Intent", "tall", "height", name))
    assert not (filled.root / FILE).exists()


@pytest.mark.parametrize("file", ["elsewhere.yaml", "labelers/a.py", "labelers/deep/a.yaml", "../labelers/a.yaml", "slices/a.yaml"])
def test_only_yaml_in_labelers(filled, file):
    with pytest.raises(UsageError, match="no YAML file of labelers"):
        write_rule(filled.project, TALL, file)
