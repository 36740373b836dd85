"""`ovt source list` and `show`: intervals, crowds, slices touched, and who brought a function in."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from ovt.data.votes import Votes
from ovt.errors import UsageError
from ovt.project import Project
from ovt.supervision.collection.batches import batches_of, describe
from ovt.supervision.collection.crowds import groups
from ovt.supervision.collection.rows import worker_name
from ovt.supervision.combine import combine_task
from ovt.supervision.reporting import lineage as module
from ovt.supervision.reporting.lineage import lineages
from ovt.supervision.reporting.report import task_report
from ovt.supervision.reporting.sourcedetail import source_detail
from ovt.supervision.reporting.sources import list_sources

LABELER = '''from ovt import ABSTAIN, labeling_function


@labeling_function(task="Intent")
def tall(r):
    """Says height."""
    return "height" if "tall" in r.query else ABSTAIN


@labeling_function(task="Intent")
def old(r):
    return "age" if "old" in r.query else ABSTAIN
'''


def git(folder, *words, name="Ada", when="1000000000"):
    env = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": "x@y.z", "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": "x@y.z",
           "GIT_AUTHOR_DATE": f"{when} +0000", "GIT_COMMITTER_DATE": f"{when} +0000", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env=env)


@pytest.fixture
def filled(bench):
    bench.write("labelers/words.py", LABELER)
    bench.write("slices/s.yaml", "towers: {keyword: tower, field: query}\n")
    bench.records(*({
        "id": f"r{n}", "payloads": {"query": f"how {'tall' if n % 2 else 'old'} is the {'tower' if n % 10 == 1 else 'tree'} {n}"},
        "tasks": {"Intent": {"weak": "height", **({"gold": "height" if n % 2 else "age"} if n % 4 == 0 or n % 4 == 1 else {})}},
        "tags": ["dev" if n % 4 in {0, 1} else "train"] if n < 40 else ["train"],
    } for n in range(120)))
    bench.run("compile", "label")
    return bench


def row(bench, name):
    return next(found for found in list_sources(bench.project) if found.source == name)


def test_a_row_has_intervals_and_the_slices_it_touches(filled):
    tall = row(filled, "tall")
    assert tall.interval[0] <= tall.accuracy <= tall.interval[1]
    assert tall.dev_interval[0] <= tall.dev_accuracy <= tall.dev_interval[1]
    assert tall.dev_n == 10
    assert tall.slices[0][0] == "towers"
    assert tall.slices[0][1] == pytest.approx(2.0, abs=0.2)
    assert row(filled, "weak").slices == ()


def test_sorting(filled):
    assert next(found.source for found in list_sources(filled.project, sort="dev")) == "weak"
    assert next(found.source for found in list_sources(filled.project, sort="coverage")) == "weak"
    assert [found.source for found in list_sources(filled.project)] == ["old", "tall", "weak"]
    with pytest.raises(UsageError, match="cannot be sorted"):
        list_sources(filled.project, sort="colour")


def test_who_brought_a_function_in_and_who_changed_it(filled):
    root = filled.root
    git(root, "init", "-q")
    git(root, "add", "labelers")
    git(root, "commit", "-q", "-m", "Words")
    changed = LABELER.replace('"tall" in r.query', '"tall" in r.query or "high" in r.query')
    filled.write("labelers/words.py", changed)
    git(root, "commit", "-q", "-a", "-m", "High too", name="Bob", when="1100000000")
    tall, old = row(filled, "tall").lineage, row(filled, "old").lineage
    assert (tall.brought.author, tall.brought.subject, tall.brought.when) == ("Ada", "Words", 1000000000)
    assert (tall.changed.author, tall.changed.subject) == ("Bob", "High too")
    assert old.changed == old.brought == tall.brought
    filled.write("labelers/words.py", changed + '\n\n@labeling_function(task="Intent")\ndef new(r):\n    return ABSTAIN\n')
    assert row(filled, "new").lineage.brought.commit == ""
    assert row(filled, "tall").lineage.changed.author == "Bob"
    assert row(filled, "weak").lineage is None


def test_a_second_look_asks_git_nothing(filled, monkeypatch):
    git(filled.root, "init", "-q")
    git(filled.root, "add", "labelers")
    git(filled.root, "commit", "-q", "-m", "Words")
    places = {"tall": "labelers/words.py:4"}
    first = lineages(filled.project, places)
    monkeypatch.setattr(module, "_ask", lambda *_: 1 / 0)
    assert lineages(filled.project, places) == first
    next((filled.root / ".ovt/cache/lineage").iterdir()).write_text("{broken")
    with pytest.raises(ZeroDivisionError):
        lineages(filled.project, places)


def test_no_repository_and_no_file(tmp_path):
    (tmp_path / "schema.json").write_text("{}")
    (tmp_path / "f.py").write_text("x\n")
    assert lineages(Project(tmp_path), {"a": "f.py:1"})["a"].brought.commit == ""
    assert lineages(Project(tmp_path), {"a": "gone.py:1", "b": ""})["a"].brought.commit == ""


def test_everything_about_one_source(filled):
    detail = source_detail(filled.project, "tall")
    assert detail.definition.startswith('@labeling_function(task="Intent")\ndef tall(r):')
    assert detail.definition.endswith("else ABSTAIN")
    assert {(one.gold, one.said, one.n) for one in detail.confusions} == {("height", "height", 10)}
    weak = source_detail(filled.project, "weak")
    assert {(one.gold, one.said, one.n) for one in weak.confusions} == {("height", "height", 10), ("age", "height", 10)}
    with pytest.raises(UsageError, match="no source"):
        source_detail(filled.project, "tal")


def test_a_crowd_is_one_row_and_a_worker_can_be_found(filled):
    rows = [{"id": f"r{n}", "task": "Intent", "source": "crowd", "worker": f"person{n % 3}", "label": "height" if n % 2 else "age"}
            for n in range(120)]
    filled.write("supervision/c.jsonl", "".join(json.dumps(one) + "\n" for one in rows))
    filled.run("label")
    crowd = row(filled, "crowd")
    assert (crowd.kind, crowd.workers, crowd.votes, crowd.coverage) == ("crowd", 3, 100, 1.0)
    assert not any("/" in found.source for found in list_sources(filled.project))
    assert "person" not in (filled.root / "reports/sources.json").read_text()
    assert b"person" not in (filled.root / "build/labels/Intent.votes.arrow").read_bytes()
    for name in ("crowd/person1", worker_name("crowd", "person1")):
        (worker,) = source_detail(filled.project, name).worker
        assert (worker.votes, worker.source) == (40, worker_name("crowd", "person1"))
        assert worker.accuracy > 0.5
    with pytest.raises(UsageError):
        source_detail(filled.project, "crowd/person9")


def test_parts_by_confidence_are_shown_together(filled):
    rows = [{"id": f"r{n}", "task": "Intent", "source": "gpt", "label": "age", "confidence": n / 120} for n in range(120)]
    filled.write("supervision/g.jsonl", "".join(json.dumps(one) + "\n" for one in rows))
    filled.run("label")
    assert [found.source for found in source_detail(filled.project, "gpt").rows] == ["gpt@q3", "gpt@q4"]


def test_a_note_beside_a_file(filled):
    schema = json.loads((filled.root / "schema.json").read_text())
    schema["tasks"]["Intent"]["guideline"] = "rule.md"
    filled.write("schema.json", json.dumps(schema))
    filled.write("rule.md", "one\n")
    filled.write("supervision/a.jsonl", '{"id": "r1", "task": "Intent", "source": "s", "label": "age"}\n'
                                        '{"id": "r1", "task": "POS", "source": "s", "label": null}\n')
    path = filled.root / "supervision/a.jsonl"
    assert describe(filled.project, [path]) == [filled.root / "supervision/a.jsonl.meta.yaml"]
    (batch,) = batches_of(filled.project, "s")
    assert (batch.guideline, batch.rows, batch.changed, batch.task) == ("rule.md", 1, False, "Intent")
    assert describe(filled.project, [path]) == []
    filled.write("rule.md", "two\n")
    assert batches_of(filled.project, "s")[0].changed
    filled.run("label")


def test_workers_that_records_name_are_told_together_from_a_score_on():
    few = [f"team/{n}" for n in range(19)]
    assert groups([*few, "a"])[0] == tuple(sorted([*few, "a"]))
    names, number = groups([*few, "a", "team/x"])
    assert names == ("a", "team")
    assert number.tolist() == [1] * 19 + [0, 1]


def test_an_item_of_a_crowd_is_counted_once(planted):
    votes, _ = planted.annotators(100, planted.coins([0.8] * 6, 2), np.array([0.5, 0.5]))
    long = planted.votes_of(votes)
    named = Votes(long.items, long.sources, long.labels, tuple(sorted(worker_name("c", str(n)) for n in range(6))), 100)
    combined = combine_task(named, kind="multiclass", n_classes=2)
    report = task_report(named, combined, kind="multiclass", n_classes=2, classes=["x", "y"])
    (crowd,) = report["sources"]
    assert (crowd["source"], crowd["votes"], crowd["coverage"], crowd["overlaps"]) == ("c", 600, 1.0, 1.0)
    assert crowd["conflicts"] == report["items"]["conflicting"] / 100
    assert crowd["polarity"] == ["x", "y"]
    assert crowd["workers"]["n"] == 6
    assert crowd["workers"]["votes"] == [100.0, 100.0, 100.0]
    assert crowd["accuracy"] == pytest.approx(np.mean(list(combined.accuracies.values())), abs=0.02)
