"""The gateway to a real project: Git history without a model, and a small one that was really trained twice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ovt.errors import MissingError, UsageError
from ovt.project import Project
from ovt_tui.app import SliceApp, run_app
from ovt_tui.gateway import ProjectGateway

SCHEMA = """{"payloads": {"query": {"type": "singleton"}},
 "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}
"""


def git(folder, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def ovt(folder, *arguments: str) -> None:
    """The command in a process of its own, so that training leaves nothing behind in this one."""
    command = [sys.executable, "-c", "from ovt.cli.main import run; run()", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path):
    """Two branches, no model."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "schema.json").write_text(SCHEMA)
    (tmp_path / "ovt.yaml").write_text("gold: {source: gold}\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text('{"id": "q-1", "payloads": {"query": "how tall"}}\n')
    (tmp_path / ".gitignore").write_text("/.ovt/\n/data/\n")
    commit(tmp_path, "first")
    git(tmp_path, "checkout", "-q", "-b", "crowd")
    (tmp_path / "README.md").write_text("crowd")
    commit(tmp_path, "try crowd")
    git(tmp_path, "checkout", "-q", "main")
    (tmp_path / "README.md").write_text("main")
    commit(tmp_path, "second")
    return Project(tmp_path)


def test_versions_are_the_workspace_and_the_commits_of_all_branches(project):
    versions = ProjectGateway(project).versions(10)
    assert versions[0].commit is None
    assert sorted(version.subject for version in versions[1:]) == ["first", "second", "try crowd"]
    assert {ref for version in versions for ref in version.refs} >= {"main", "crowd"}
    assert {version.state for version in versions} == {"none"}
    assert len(ProjectGateway(project).versions(2)) == 3


def test_a_lineage_leaves_other_branches_out(project):
    gateway = ProjectGateway(project)
    assert [version.subject for version in gateway.lineage("HEAD", 10)] == ["second", "first"]
    assert [version.subject for version in gateway.lineage("workspace", 2)] == ["", "second"]
    assert [version.subject for version in gateway.lineage("crowd", 1)] == ["try crowd"]


def test_without_a_model_there_is_no_report_and_no_comparison(project):
    gateway = ProjectGateway(project)
    assert gateway.report("HEAD", "quality.json") is None
    with pytest.raises(MissingError, match="has no model yet"):
        gateway.compare("HEAD~1", "HEAD")
    assert gateway.record("q-1") == {"id": "q-1", "payloads": {"query": "how tall"}}
    assert gateway.record("q-2") is None
    assert list(gateway.schema().tasks) == ["Intent"]


async def test_the_app_on_a_project_without_a_model_says_what_to_type(project):
    app = SliceApp(ProjectGateway(project), "HEAD", "workspace")
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(100):
            await pilot.pause(0.1)
            if "no model yet" in app.screen._say.text:
                break
        assert "has no model yet" in app.screen._say.text
        assert "ovt run" in app.screen._say.text


def test_a_repository_without_a_commit_has_a_workspace(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "schema.json").write_text(SCHEMA)
    (tmp_path / "ovt.yaml").write_text("gold: {source: gold}\n")
    assert [version.spec for version in ProjectGateway(Project(tmp_path)).versions(5)] == ["workspace"]


def test_without_a_terminal_the_app_says_so(project):
    with pytest.raises(UsageError, match="needs a terminal") as caught:
        run_app(project, "HEAD~1", "HEAD")
    assert caught.value.command == "ovt diff HEAD~1 HEAD"


@pytest.mark.slow
async def test_the_numbers_are_those_of_ovt_diff_and_a_new_labeling_function_is_seen_in_the_flips(tmp_path, open_app):
    from ovt.workflows.review.compare import compare, flips

    ovt(tmp_path, "init", "--template", "classify", "--no-hooks")
    project = Project(tmp_path)
    ovt(project.root, "run")
    commit(project.root, "first model")
    with (project.root / "labelers" / "words.yaml").open("a") as file:
        file.write("- {name: hasty, task: Topic, keyword: [refund, charged, parcel, return, fit], label: account}\n")
    ovt(project.root, "run")

    gateway = ProjectGateway(Project(project.root))
    diff = compare(project, "HEAD", "workspace")
    assert gateway.compare("HEAD", "workspace") == diff
    async with open_app(gateway, versions=("HEAD", "workspace")) as screen:
        assert len(screen.app.screen.table.rows) == len(diff.rows)
        assert [row.n for row in screen.app.screen.table.rows] == [row.n for row in diff.rows]
        screen.app.screen.table.cursor = next(at for at, row in enumerate(diff.rows) if row.slice is None)
        text = await screen.press("enter")
        found = flips(project, "HEAD", "workspace", "Topic", None)
        broken = sum(flip.kind == "broken" for flip in found)
        if found:
            text = await screen.rest()
            assert f"▼ {broken} broken  ▲ {len(found) - broken} fixed" in text
            assert "hasty" in text
            assert "not there" in text
        else:
            assert "No record of this slice changed" in text
        assert "+ new" in await screen.press("3")
        assert "rows gold, columns predicted" in await screen.press("2")
        text = await screen.press("q", "v")
        assert "first model" in text
        assert "ready" in text
