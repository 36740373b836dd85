"""Which model training starts from, looked up by the commands that a person types and then left alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from sandbox import commit_all, git, record

from ovt.errors import MissingError, UsageError
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages.cached_models import parent_folder
from ovt.stages.pipeline import keep_pipeline
from ovt.storage.objects import cache_folder
from ovt.training.tuning.lock import LOCK_FILE, Lock, read_lock, write_lock
from ovt.versions.artifacts import output_hashes
from ovt.versions.history import resolve, workspace
from ovt.versions.needs import needed_objects
from ovt.workflows.tuning.parents import keep_parent

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "- {name: tall, task: Intent, keyword: [%s], label: height}\n"


def init_from(project: Project, what: str) -> Project:
    path = project.root / "ovt.yaml"
    text = path.read_text()
    path.write_text(text.replace("init: scratch", f"init: {what}"))
    return Project(project.root)


def edit(project: Project, word: str) -> None:
    (project.root / "labelers/height.yaml").write_text(OTHER % word)


def model_of(project: Project, revision: str) -> str:
    return output_hashes(project, resolve(project, revision))["model"]


def finished(project: Project, message: str) -> None:
    """What `ovt commit` leaves: a model of its own, and a commit of all."""
    keep_pipeline(project)  # the lock is an input of training now
    record(project)
    commit_all(project, message)


def test_from_scratch_nothing_is_written(recorded: Project) -> None:
    assert not keep_parent(recorded, Silent())
    assert not (recorded.root / LOCK_FILE).exists()


def test_the_parent_is_heads_model_and_stays_it_until_something_changes_after_a_commit(recorded: Project) -> None:
    project = init_from(recorded, "parent")
    first = model_of(project, "HEAD")
    heard = Silent()
    assert keep_parent(project, heard)
    lock = read_lock(project.root)
    assert lock is not None
    assert (lock.parent, lock.init) == (first, "parent")
    assert heard.notes == [f"training starts from model {first[:8]} (parent): {LOCK_FILE}"]
    assert not keep_parent(project, Silent())

    edit(project, "high")
    assert not keep_parent(project, Silent())  # still before the first commit
    finished(project, "second model")
    second = model_of(project, "HEAD")
    assert second != first
    assert not keep_parent(project, Silent())  # the commit itself asks for no new training
    assert workspace(project).state == "ready"

    edit(project, "higher")
    assert keep_parent(project, Silent())
    assert (read_lock(project.root) or lock).parent == second
    edit(project, "high")  # undone again
    assert keep_parent(project, Silent())
    assert (read_lock(project.root) or lock).parent == first
    assert workspace(project).state == "ready"


def test_other_tuned_values_are_a_change_too(recorded: Project) -> None:
    project = init_from(recorded, "parent")
    keep_parent(project, Silent())
    edit(project, "high")
    finished(project, "second model")
    first, second = (read_lock(project.root) or Lock("", {})).parent, model_of(project, "HEAD")
    write_lock(project.root, Lock(answers="x", values={"training": {"batch": 16}}, parent=first, init="parent"))
    assert keep_parent(project, Silent())
    found = read_lock(project.root)
    assert found is not None
    assert (found.parent, found.values) == (second, {"training": {"batch": 16}})


def test_a_version_without_a_model_passes_on_the_one_before(recorded: Project) -> None:
    project = init_from(recorded, "parent")
    first = model_of(project, "HEAD")
    edit(project, "high")
    commit_all(project, "inputs alone")
    edit(project, "higher")
    keep_parent(project, Silent())
    assert (read_lock(project.root) or Lock("", {})).parent == first


def test_the_first_version_starts_from_scratch_and_says_so(plain: Project) -> None:
    project, heard = init_from(plain, "parent"), Silent()
    assert keep_parent(project, heard)
    lock = read_lock(project.root)
    assert lock is not None
    assert (lock.parent, lock.init) == (None, "parent")
    assert heard.notes == [f"no earlier version has a model: training starts from scratch ({LOCK_FILE})"]
    assert not keep_parent(project, Silent())


def test_a_revision_means_what_it_meant_when_it_was_first_used(recorded: Project) -> None:
    git(recorded.root, "branch", "release")
    first = model_of(recorded, "release")
    project = init_from(recorded, "release")
    assert keep_parent(project, Silent())
    edit(project, "high")
    finished(project, "second model")
    git(project.root, "branch", "-f", "release", "HEAD")
    edit(project, "higher")
    assert not keep_parent(project, Silent())
    assert (read_lock(project.root) or Lock("", {})).parent == first


def test_back_to_scratch_forgets_the_parent(recorded: Project) -> None:
    keep_parent(init_from(recorded, "parent"), Silent())
    (recorded.root / "ovt.yaml").write_text((recorded.root / "ovt.yaml").read_text().replace("init: parent", "init: scratch"))
    assert keep_parent(Project(recorded.root), Silent())
    assert not (recorded.root / LOCK_FILE).exists()


def test_a_revision_that_is_none_or_has_no_model_is_refused(plain: Project) -> None:
    with pytest.raises(UsageError, match="no revision `nope`"):
        keep_parent(init_from(plain, "nope"), Silent())
    (plain.root / "ovt.yaml").write_text((plain.root / "ovt.yaml").read_text().replace("init: nope", "init: main"))
    with pytest.raises(MissingError, match="`main` has no model to start from"):
        keep_parent(Project(plain.root), Silent())


def test_the_parent_is_needed_laid_out_and_missed(recorded: Project, tmp_path: Path) -> None:
    project = init_from(recorded, "parent")
    keep_parent(project, Silent())
    parent = (read_lock(project.root) or Lock("", {})).parent
    assert parent is not None
    assert parent in needed_objects(project, workspace(project))
    with parent_folder(project, parent) as folder:
        assert folder is not None
        assert (folder / "weights.safetensors").read_bytes() == (project.model / "weights.safetensors").read_bytes()
    stand_in = Project(tmp_path / "elsewhere", project.cache)  # a folder that shares only the project's cache
    stand_in.root.mkdir()
    with parent_folder(stand_in, parent) as folder:
        assert folder is not None
    assert not list((project.private / "scratch").iterdir())
    shutil.rmtree(cache_folder(project))
    with pytest.raises(MissingError, match="is not on this machine") as error, parent_folder(project, parent):
        pass
    assert error.value.command == "ovt pull"
