"""A source and a slice in two versions of a real Git repository, and records out of a real row store."""

from __future__ import annotations

import json
import subprocess

import pytest

from ovt.errors import MissingError, UsageError
from ovt.project import Project
from ovt.workflows.committing.definitions import changed_between, definition
from ovt.workflows.review.records import stored_records

LABELER = "- {{name: tall_words, task: Intent, keyword: [{word}], label: height}}\n"
SLICES = "short: {{length: {{max: {length}}}}}\n"


@pytest.fixture
def project(tmp_path):
    """Two commits below a folder of the repository, and a working tree that went on."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    root = tmp_path / "product"
    git("init", "-q", "-b", "main")
    for folder in ("labelers", "slices", "reports"):
        (root / folder).mkdir(parents=True)
    (root / "ovt.yaml").write_text("gold: {source: gold}\n")
    for number, word in enumerate(("tall", "high")):
        (root / "labelers/words.yaml").write_text(LABELER.format(word=word))
        (root / "slices/a.yaml").write_text("# told\n" * number + SLICES.format(length=4))
        row = {"source": "tall_words", "votes": 5, "coverage": 0.5, "accuracy": 0.9}
        (root / "reports/sources.json").write_text(json.dumps({"tasks": {"Intent": {"sources": [row]}}}))
        git("add", "-A")
        git("commit", "-q", "-m", word)
    (root / "labelers/words.yaml").write_text("# first\n\n" + LABELER.format(word="high"))
    return Project(root)


def test_both_versions_and_where_the_working_tree_has_it(project):
    found = definition(project, "HEAD~1", "HEAD", "labeling", "tall_words")
    assert found.change == "edited"
    assert (found.old.lines, found.new.lines) == tuple((LABELER.format(word=word).strip(),) for word in ("tall", "high"))
    assert (found.new.path, found.new.line, found.here.line) == ("labelers/words.yaml", 1, 3)


def test_a_comment_edits_nothing(project):
    found = definition(project, "HEAD~1", "HEAD", "slicing", "short")
    assert found.change == "same"
    assert (found.old.line, found.new.line) == (1, 2)


def test_new_gone_nowhere_and_the_workspace(project):
    (project.root / "labelers/words.yaml").write_text(LABELER.format(word="high").replace("tall_words", "high_words"))
    assert definition(project, "HEAD", "workspace", "labeling", "high_words").change == "new"
    gone = definition(project, "HEAD", "workspace", "labeling", "tall_words")
    assert (gone.change, gone.here) == ("gone", None)
    assert definition(project, "HEAD~1", "HEAD", "slicing", "none").change == "nowhere"
    with pytest.raises(UsageError):
        definition(project, "nope", "HEAD", "slicing", "short")


def test_edited_sources_are_told_although_their_numbers_stayed(project, monkeypatch):
    from ovt.versions import history

    def with_report(project, spec):
        from dataclasses import replace

        found = resolve(project, spec)
        return replace(found, report="workspace" if found.commit is None else "tree")

    resolve = history.resolve
    monkeypatch.setattr(history, "resolve", with_report)
    [one] = changed_between(project, "HEAD~1", "HEAD")
    assert (one.source, one.kind, one.at) == ("tall_words", "edited", "labelers/words.yaml:1")


def test_records_come_out_of_the_store_as_they_went_in(bench, monkeypatch):
    entities = [{"id": "President", "range": [3, 4], "kind": "title"}, {"id": "Height", "range": [1, 2]}]
    payloads = {"tokens": ["how", "tall", "is", "president"], "query": "how tall is president", "entities": entities}
    bench.records({"id": "a", "payloads": payloads, "tasks": {}}, {"id": "b", "payloads": {"query": "old"}, "tasks": {}})
    bench.compiled()

    def here(_, spec):
        from ovt.versions.history import Version

        return Version(spec, None, "k", "", "", 0, (), "ready", None, "workspace")

    monkeypatch.setattr("ovt.versions.history.resolve", here)
    found = stored_records(bench.project, "workspace", ["b", "nobody", "a"])
    assert list(found) == ["b", "a"]
    assert found["a"]["payloads"] == payloads
    assert found["b"]["payloads"]["query"] == "old"
    assert json.loads(json.dumps(found)) == found
    assert stored_records(bench.project, "workspace", []) == {}


def test_the_label_models_answer_comes_with_the_votes(bench, monkeypatch):
    from ovt.versions.history import Version
    from ovt.workflows.review.votes import item_votes, votes_on

    said = [("a", {"weak": "height", "crowd": "age"}), ("b", {"crowd": "age"}), ("c", {})]
    bench.records(*({"id": name, "payloads": {"query": "how"}, "tasks": {"Intent": labels}} for name, labels in said))
    bench.run("compile", "label")
    here = Version("workspace", None, "k", "", "", 0, (), "ready", None, "workspace")
    monkeypatch.setattr("ovt.versions.history.resolve", lambda *_: here)
    found = item_votes(bench.project, "workspace", "Intent", "b")
    assert found.posterior[0][0] == "age"
    assert sum(chance for _, chance in found.posterior) == pytest.approx(1, abs=1e-5)
    assert list(found.votes) == votes_on(bench.project, "workspace", "Intent", "b")
    assert item_votes(bench.project, "workspace", "Intent", "c").posterior == ()


def test_a_store_that_is_elsewhere_says_so(project):
    with pytest.raises(MissingError):
        stored_records(project, "HEAD", ["a"])
