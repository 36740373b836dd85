"""Trying a source, listing sources, explaining a record."""

from __future__ import annotations

import pytest

from ovt.errors import UsageError
from ovt.supervision.reporting.explain import explain
from ovt.supervision.reporting.sources import list_sources
from ovt.supervision.trial import try_source


@pytest.fixture
def filled(bench):
    """Nine records in three splits with one inline source, gold, and two functions."""
    bench.records(*(
        {"id": f"q{number}", "payloads": {"query": "how tall" if number % 2 else "how old", "tokens": ["how", "tall"]},
         "tasks": {"Intent": {"crowd": "age"} | ({"gold": "height"} if number % 3 else {}),
                   "Slots": {"ann": [None, "B-title"]}},
         "tags": [("train", "dev", "test")[number % 3]]}
        for number in range(9)
    ))
    bench.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function("Intent")
        def tall(r):
            print("saw", r.id)
            return "height" if "tall" in r.query else None
        @labeling_function("Intent")
        def broken(r):
            return {}["x"]
        """)
    bench.write("slices/a.yaml", "high: {keyword: tall}\n")
    bench.run("compile")
    return bench


def test_a_function_on_one_record(filled, capsys):
    trial, = try_source(filled.project, "tall", record="q1")
    assert (trial.task, trial.at, trial.scanned, trial.hits) == ("Intent", "labelers/a.py:3", 1, 1)
    assert trial.printed == "saw q1\n"
    assert capsys.readouterr().out == ""
    record, = trial.records
    assert (record.id, record.split, record.problem) == ("q1", "dev", None)
    item, = record.items
    assert (item.vote, item.others, item.gold) == ("height", {"crowd": "age"}, "height")


def test_an_abstention_is_shown(filled):
    record = try_source(filled.project, "tall", record="q2")[0].records[0]
    assert not record.voted
    assert record.items[0].vote is None


def test_a_failure_is_shown_on_its_record(filled):
    trial, = try_source(filled.project, "broken", record="q3")
    assert "KeyError" in trial.records[0].problem
    assert trial.records[0].at == "labelers/a.py:9"


def test_a_sample_has_only_records_that_it_votes_on_and_none_of_test(filled):
    trial, = try_source(filled.project, "tall", sample=2)
    again, = try_source(filled.project, "tall", sample=2)
    assert trial == again
    assert len(trial.records) == trial.hits == 2
    everything, = try_source(filled.project, "tall", sample=100)
    assert {record.id for record in everything.records} == {"q1", "q3", "q7"}
    assert everything.scanned == 6


def test_a_source_of_the_data(filled):
    trial, = try_source(filled.project, "ann", record="q0")
    assert (trial.task, trial.at) == ("Slots", None)
    assert [(item.item.position, item.item.text, item.vote) for item in trial.records[0].items] == [(1, "tall", "B-title")]
    assert len(try_source(filled.project, "crowd", sample=3)[0].records) == 3


def test_unknown_names_suggest_the_nearest(filled):
    with pytest.raises(UsageError, match="no source `tal`"):
        try_source(filled.project, "tal")
    with pytest.raises(UsageError, match="no record `nobody`"):
        try_source(filled.project, "tall", record="nobody")
    with pytest.raises(UsageError, match="no task"):
        list_sources(filled.project, "Intend")


def test_sources_without_a_report(filled):
    rows = {(row.task, row.source): row for row in list_sources(filled.project)}
    assert list(rows) == [("Slots", "ann"), ("Intent", "broken"), ("Intent", "crowd"), ("Intent", "tall")]
    assert rows["Intent", "crowd"].coverage == 1.0
    assert (rows["Intent", "tall"].kind, rows["Intent", "tall"].at) == ("function", "labelers/a.py:3")
    assert rows["Intent", "tall"].coverage is None
    assert all(row.stale for row in rows.values())


def test_sources_from_the_report(filled):
    path = filled.root / "labelers/a.py"
    path.write_text(path.read_text().replace('{}["x"]', "None"))
    filled.run("label")
    filled.write("labelers/b.yaml", "- {name: new, task: Intent, keyword: old, label: age}\n")
    rows = {row.source: row for row in list_sources(filled.project, "Intent")}
    assert list(rows) == ["broken", "crowd", "new", "tall"]
    assert (rows["tall"].coverage, rows["tall"].polarity, rows["tall"].dev_n) == (pytest.approx(1 / 3, abs=1e-6), ("height",), 2)
    assert rows["tall"].dev_accuracy == 1.0
    assert rows["new"].stale
    assert not rows["tall"].stale


def test_explaining_a_record(filled):
    path = filled.root / "labelers/a.py"
    path.write_text(path.read_text().replace('{}["x"]', "None"))
    filled.run("label")
    found = explain(filled.project, "q1")
    assert (found.id, found.split, found.slices) == ("q1", "dev", ("high",))
    intent = next(task for task in found.tasks if task.task == "Intent")
    item, = intent.items
    assert item.votes == {"crowd": "age", "tall": "height"}
    assert item.gold == "height"
    assert sum(probability for _, probability in item.target) == pytest.approx(1, abs=1e-5)
    assert set(intent.accuracies) >= {"crowd", "tall"}
    slots = next(task for task in found.tasks if task.task == "Slots")
    assert [(one.item.text, one.votes) for one in slots.items] == [("how", {}), ("tall", {"ann": "B-title"})]


def test_a_dry_run_survives_what_a_run_survives(filled):
    filled.write("ovt.yaml", "errors: {seconds: 0.4}\n")
    filled.write("labelers/b.py", """
        import os
        from ovt import labeling_function
        @labeling_function("Intent")
        def wild(r):
            print("asked", r.id)
            if r.id == "q1":
                while True: pass
            if r.id == "q3":
                os._exit(3)
            if r.id == "q4":
                return "no class"
            return "age"
        """)
    trial, = try_source(filled.project, "wild", sample=20)
    problems = {record.id: record for record in trial.records if record.problem}
    assert {name: record.problem for name, record in problems.items()} == {
        "q1": "no answer within 0.4 s", "q3": "it ended its process (exit status 3)",
        "q4": "its answer is no label of `Intent`: 'no class' is no class; known: age, height, president"}
    assert problems["q1"].at == "labelers/b.py:8"
    assert problems["q1"].traceback == "labelers/b.py:8 in wild"
    assert (trial.scanned, trial.hits) == (6, 3)
    assert sorted(trial.printed.split()) == sorted(f"asked q{number}".split()[at] for number in (0, 1, 3, 4, 6, 7) for at in (0, 1))


def test_a_dry_run_of_a_batch_function_asks_about_one_record_at_a_time(filled):
    filled.write("labelers/b.py", """
        from ovt import labeling_function
        @labeling_function("Intent", batch=True)
        def many(batch):
            print(len(batch))
            return ["height" if "tall" in text else None for text in batch.query]
        """)
    trial, = try_source(filled.project, "many", sample=2)
    assert [record.items[0].vote for record in trial.records] == ["height"] * 2
    assert set(trial.printed.split()) == {"1"}


def test_a_failure_has_its_traceback(filled):
    trial, = try_source(filled.project, "broken", record="q1")
    assert trial.records[0].traceback.splitlines() == [
        'labelers/a.py:9 in broken: return {}["x"]', "KeyError: 'x'"]
