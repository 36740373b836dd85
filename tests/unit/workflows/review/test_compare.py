"""Comparing versions whose files lie about as DVC's cache would hold them; Git is real where Git decides."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ovt.errors import MissingError, UsageError
from ovt.project import Project
from ovt.quality.membership import RowsByName
from ovt.quality.predictions import GradedPredictions, write_predictions
from ovt.quality.report import quality_report
from ovt.versions.history import Version
from ovt.workflows.checking import check as checking
from ovt.workflows.checking.check import check, default_base
from ovt.workflows.review import compare as module
from ovt.workflows.review.compare import compare, default_sides, flips, votes_on

N = 80


def predictions(wrong, gold: str | None = "a") -> GradedPredictions:
    said = np.zeros(N, np.int32)
    said[list(wrong)] = 1
    truth = np.full(N, -1 if gold is None else "ab".index(gold), np.int32)
    slices = RowsByName(N, {"s": np.arange(40)})
    return GradedPredictions(
        "Intent", "multiclass", "test", np.asarray([f"r{row:03d}" for row in range(N)], object), np.arange(N + 1), ("a", "b"),
        truth, said, np.full(N, 0.9, np.float32), np.full(N, np.nan if gold is None else 0.8, np.float32), slices,
        RowsByName(N, {}),
    )


class Versions:
    """What `ovt.versions` answers, from files that a test makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, Version] = {}

    def add(self, spec: str, part: GradedPredictions | None, state: str = "ready", **changes: object) -> None:
        report = "workspace" if spec == "workspace" else "tree"
        version = Version(spec, f"c-{spec}", f"k-{spec}", f"subject of {spec}", "Ada", 0, (), state, None, report)
        self.known[spec] = replace(version, **changes)
        if part is not None:
            write_predictions(self.folder / spec / "build/predictions.parquet", [part])
            report_file = self.folder / spec / "reports/quality.json"
            report_file.parent.mkdir(parents=True)
            report_file.write_text(json.dumps(quality_report([part], f"model of {spec}", ["s"])))

    def resolve(self, project: Project, spec: str) -> Version:
        if spec not in self.known:
            raise UsageError(f"no revision `{spec}`")
        return self.known[spec]

    def read_report(self, project: Project, version: Version, name: str) -> dict | None:
        path = self.folder / version.spec / "reports" / name
        return json.loads(path.read_text()) if path.is_file() else None

    def output_path(self, project: Project, version: Version, output: str) -> Path:
        path = self.folder / version.spec / output
        if not path.is_file():
            raise MissingError(f"`{output}` of `{version.spec}` is not on this machine")
        return path

    def output_files(self, project: Project, version: Version, folder: str) -> dict[str, Path]:
        below = self.folder / version.spec / folder
        return {path.relative_to(below).as_posix(): path for path in below.rglob("*") if path.is_file()}


@pytest.fixture
def versions(tmp_path, monkeypatch) -> Versions:
    made = Versions(tmp_path / "versions")
    monkeypatch.setattr("ovt.versions.history.resolve", made.resolve)
    for name in ("read_report", "output_path", "output_files"):
        monkeypatch.setattr(f"ovt.versions.artifacts.{name}", getattr(made, name))
    return made


@pytest.fixture
def project(tmp_path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    (root / "ovt.yaml").write_text("check: {min_support: 30}\n")
    return Project(root)


def test_compare_names_both_sides(project, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("B", predictions(range(12)))
    diff = compare(project, "A", "B")
    assert [(row.slice, row.verdict) for row in diff.rows] == [("s", "regressed"), (None, "regressed")]
    assert (diff.a.name, diff.a.commit, diff.a.subject, diff.a.model) == ("A", "c-A", "subject of A", "model of A")
    assert diff.b.name == "B"
    assert diff.notes == (module.ONE_SEED,)


def test_second_look_computes_nothing(project, versions, monkeypatch) -> None:
    versions.add("A", predictions([]))
    versions.add("B", predictions([3]))
    first = compare(project, "A", "B")
    monkeypatch.setattr(module, "_computed", None)
    assert compare(project, "A", "B") == first


def test_the_cache_knows_what_a_comparison_is_made_of(project, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("B", predictions(range(12)))
    assert compare(project, "A", "B").regressed()
    tolerant = Project(project.root)
    (project.root / "ovt.yaml").write_text("check: {floor: 0.5}\n")
    assert not compare(tolerant, "A", "B").regressed()
    assert not compare(project, "B", "A").regressed()
    path = versions.folder / "B/build/predictions.parquet"
    write_predictions(path, [predictions([])])
    assert not compare(Project(project.root), "A", "B").regressed()


def test_a_broken_cache_file_is_computed_again(project, versions) -> None:
    versions.add("A", predictions([]))
    first = compare(project, "A", "A")
    (kept,) = (project.cache / "diffs").iterdir()
    kept.write_text("{")
    assert compare(project, "A", "A") == first


def test_versions_without_results(project, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("none", None, "none", report=None)
    versions.add("workspace", None, "none", report=None)
    versions.add("training", None, "pending", report=None, progress=0.4)
    for spec, words in (("none", "no model yet"), ("workspace", "no model yet"), ("training", "40 % done")):
        with pytest.raises(MissingError) as raised:
            compare(project, "A", spec)
        assert words in str(raised.value)
    with pytest.raises(UsageError):
        compare(project, "A", "typo")


def test_versions_whose_predictions_are_elsewhere_are_compared_by_their_reports(project, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("elsewhere", predictions([*range(0, 80, 2)]))
    (versions.folder / "elsewhere/build/predictions.parquet").unlink()
    diff = compare(project, "A", "elsewhere")
    row = next(row for row in diff.rows if row.slice is None)
    assert (row.verdict, diff.b.name) == ("regressed", "elsewhere")
    assert any("from the reports alone" in note for note in diff.notes)
    assert any(note.endswith("ovt pull elsewhere") for note in diff.notes)
    with pytest.raises(MissingError, match="not on this machine"):
        flips(project, "A", "elsewhere", "Intent", None)
    back = compare(project, "elsewhere", "A")
    assert next(row for row in back.rows if row.slice is None).verdict == "improved"


def test_flips(project, versions) -> None:
    versions.add("A", predictions([5]))
    versions.add("B", predictions([7, 60]))
    assert [(flip.kind, flip.id) for flip in flips(project, "A", "B", "Intent", None)] == [
        ("broken", "r007"), ("broken", "r060"), ("fixed", "r005"),
    ]
    assert [flip.id for flip in flips(project, "A", "B", "Intent", "s")] == ["r007", "r005"]
    with pytest.raises(UsageError) as raised:
        flips(project, "A", "B", "Intnet", None)
    assert "did you mean `Intent`?" in str(raised.value)


def test_no_gold_is_advisory(history, versions) -> None:
    versions.add("A", predictions([], gold=None))
    result = check(history, "A", "A")
    assert (result.verdict, result.exit_code, result.diff.rows) == ("advisory", 0, ())


def test_check_verdicts(history, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("worse", predictions(range(12)))
    versions.add("same", predictions([]))
    versions.add("other exam", predictions([], gold="b"))
    found = {spec: check(history, "A", spec) for spec in ("worse", "same", "other exam")}
    assert {spec: (result.verdict, result.exit_code) for spec, result in found.items()} == {
        "worse": ("fail", 1), "same": ("pass", 0), "other exam": ("cannot compare", 4),
    }
    assert found["same"].reasons == ("none of 2 rows regressed against A",)


def test_head_is_the_workspace_if_that_has_its_results(history, versions) -> None:
    versions.add("A", predictions([]))
    versions.add("HEAD", None, "none", report=None, key="k")
    versions.add("workspace", predictions([]), key="k")
    assert check(history, "A").diff.b.name == "workspace"
    versions.add("HEAD", predictions([]))
    assert check(history, "A").diff.b.name == "HEAD"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, name: str) -> str:
    (root / name).write_text(name)
    git(root, "add", "-A")
    git(root, "commit", "-qm", name)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def history(project) -> Project:
    git(project.root, "init", "-qb", "main")
    commit(project.root, "one")
    return project


def test_base_is_where_the_branch_left_main(history) -> None:
    root = history.root
    two = commit(root, "two")
    git(root, "checkout", "-qb", "topic")
    commit(root, "three")
    git(root, "checkout", "-q", "main")
    commit(root, "four")
    git(root, "checkout", "-q", "topic")
    assert default_base(history) == two


def test_base_on_main_is_what_is_published_else_the_commit_before(history) -> None:
    root = history.root
    with pytest.raises(UsageError):
        default_base(history)
    one = git(root, "rev-parse", "HEAD")
    commit(root, "two")
    assert default_base(history) == "HEAD~1"
    commit(root, "three")
    git(root, "update-ref", "refs/remotes/origin/main", one)
    assert default_base(history) == one


def test_base_where_only_origin_has_the_branch(history) -> None:
    root = history.root
    one = git(root, "rev-parse", "HEAD")
    git(root, "update-ref", "refs/remotes/origin/main", one)
    git(root, "checkout", "-qb", "topic")
    git(root, "branch", "-qD", "main")
    commit(root, "two")
    assert default_base(history) == one


def test_default_sides(history, versions) -> None:
    versions.add("HEAD", predictions([]), key="k")
    versions.add("workspace", None, "none", report=None)
    with pytest.raises(UsageError):
        default_sides(history, None, None)
    commit(history.root, "two")
    assert default_sides(history, None, None) == ("HEAD~1", "HEAD")
    versions.known["workspace"] = replace(versions.known["workspace"], state="ready", key="changed")
    assert default_sides(history, None, None) == ("HEAD", "workspace")
    assert default_sides(history, "main", None) == ("main", "workspace")
    versions.known["workspace"] = replace(versions.known["workspace"], key="k")
    assert default_sides(history, None, None) == ("HEAD~1", "HEAD")
    versions.known["HEAD"] = replace(versions.known["HEAD"], state="none")
    assert default_sides(history, None, None) == ("HEAD~1", "workspace")
    assert default_sides(history, "x", "y") == ("x", "y")


def test_ranges(history) -> None:
    root = history.root
    one = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-qb", "topic")
    commit(root, "two")
    assert default_sides(history, "main..topic", None) == ("main", "topic")
    assert default_sides(history, "main..", None) == ("main", "HEAD")
    git(root, "checkout", "-q", "main")
    commit(root, "three")
    assert default_sides(history, "main...topic", None) == (one, "topic")
    git(root, "checkout", "-q", "--orphan", "other")
    commit(root, "four")
    with pytest.raises(UsageError):
        default_sides(history, "main...other", None)


def labelled(bench) -> None:
    bench.records(
        {"id": "t1", "payloads": {"tokens": ["how", "tall"], "query": "how tall"},
         "tasks": {"Intent": {"weak": "height", "crowd": "age"}, "POS": {"tagger": [None, "ADJ"]},
                   "EntityType": {"linker": [[], ["title", "location"]]}}},
        {"id": "t2", "payloads": {"tokens": ["who"], "query": "who", "entities": [{"id": "a"}, {"id": "b"}]},
         "tasks": {"Intent": {"crowd": "president"}, "IntentArg": {"weak": 1}}},
    )
    bench.run("compile", "label")


def by_source(votes) -> dict[str, str | None]:
    return {vote.source: vote.label for vote in votes}


@pytest.mark.parametrize("where", ["workspace", "cache"])
def test_votes_on_an_item(bench, versions, where: str) -> None:
    labelled(bench)
    versions.add(where, None)
    versions.known[where] = replace(versions.known[where], report="workspace" if where == "workspace" else "tree")
    (versions.folder).mkdir(exist_ok=True)
    (versions.folder / where).symlink_to(bench.root)
    project = bench.project
    assert by_source(votes_on(project, where, "Intent", "t1")) == {"crowd": "age", "weak": "height"}
    assert by_source(votes_on(project, where, "Intent", "t2")) == {"crowd": "president", "weak": None}
    assert by_source(votes_on(project, where, "POS", "t1", 0)) == {"tagger": None}
    assert by_source(votes_on(project, where, "POS", "t1", 1)) == {"tagger": "ADJ"}
    assert by_source(votes_on(project, where, "EntityType", "t1", 0)) == {"linker": "[]"}
    assert by_source(votes_on(project, where, "EntityType", "t1", 1)) == {"linker": '["location","title"]'}
    assert by_source(votes_on(project, where, "IntentArg", "t2")) == {"weak": "1"}
    for task, record, position in (("Nope", "t1", 0), ("Intent", "t9", 0), ("Intent", "t1", 1), ("POS", "t2", 1)):
        with pytest.raises(UsageError):
            votes_on(project, where, task, record, position)
    assert not list((bench.root / ".ovt/scratch").glob("*"))


def test_votes_know_how_good_their_sources_are(bench, versions) -> None:
    labelled(bench)
    versions.add("workspace", None)
    (versions.folder).mkdir(exist_ok=True)
    (versions.folder / "workspace").symlink_to(bench.root)
    report = json.loads((bench.root / "reports/sources.json").read_text())
    expected = {row["source"]: row["accuracy"] for row in report["tasks"]["Intent"]["sources"]}
    found = {vote.source: vote.accuracy for vote in votes_on(bench.project, "workspace", "Intent", "t1")}
    assert found == expected


def test_nothing_heavy_is_imported_to_compare(project) -> None:
    import sys

    code = ("import sys, ovt.workflows.review.compare, ovt.workflows.checking.check, ovt.render.markdown, ovt.render.as_json;"
            "print(sorted({'torch', 'pandas', 'numpy', 'pyarrow', 'dvc', 'git', 'rich'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                          cwd=Path(checking.__file__).parents[2])
    assert done.stdout.strip() == "[]"
