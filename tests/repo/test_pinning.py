"""A revision that is used as a source is pinned by a person's command, and by nothing else."""

from __future__ import annotations

import pytest
from sandbox import commit_all, git, record

from ovt.errors import MissingError, ProjectError, UsageError
from ovt.functions.discover import discover
from ovt.functions.pins import LOCK, read_pins
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages.earlier_models import EarlierModels
from ovt.storage.objects import cache_folder
from ovt.versions.artifacts import output_hashes
from ovt.versions.history import resolve, workspace
from ovt.versions.needs import needed_objects
from ovt.workflows.sharing.pinning import pin_predictions

ENTRY = "- {name: old, task: Intent, predictions: main}\n"


@pytest.fixture
def using(recorded: Project) -> Project:
    """A branch whose labelers use predictions of `main`."""
    git(recorded.root, "checkout", "-q", "-b", "work")
    (recorded.root / "labelers/old.yaml").write_text(ENTRY)
    return recorded


def model_of(project: Project, revision: str) -> str:
    return output_hashes(project, resolve(project, revision))["model"]


def move_main(project: Project) -> None:
    """`main` gets another model."""
    git(project.root, "stash", "-q", "-u")
    git(project.root, "checkout", "-q", "main")
    (project.root / "labelers/height.yaml").write_text("- {name: tall, task: Intent, keyword: [high], label: height}\n")
    record(project)
    commit_all(project, "another model")
    git(project.root, "checkout", "-q", "work")
    git(project.root, "stash", "pop", "-q")


def test_a_branch_is_pinned_once_and_moves_only_when_asked(using: Project) -> None:
    progress = Silent()
    assert pin_predictions(using, progress)
    first = read_pins(using)["main"]
    assert first.model == model_of(using, "main")
    assert first.commit == git(using.root, "rev-parse", "main")
    assert progress.notes[0].startswith(f"predictions of main are those of model {first.model[:8]} ")
    key = discover(using, "labeling")[0].key
    move_main(using)
    assert not pin_predictions(using, Silent())
    assert read_pins(using)["main"] == first
    assert pin_predictions(using, Silent(), source="old", renew=True)
    second = read_pins(using)["main"]
    assert second.model == model_of(using, "main") != first.model
    assert next(one for one in discover(using, "labeling") if one.name == "old").key != key


def test_the_pin_is_in_key_and_among_what_a_version_needs(using: Project) -> None:
    before = workspace(using).key
    pin_predictions(using, Silent())
    assert workspace(using).key != before
    commit = commit_all(using, "uses main")
    version = resolve(using, commit)
    assert version.key == workspace(using).key
    assert model_of(using, "main") in needed_objects(using, version)


def test_a_pin_that_nothing_uses_any_more_goes_when_all_are_renewed(using: Project) -> None:
    pin_predictions(using, Silent())
    (using.root / "labelers/old.yaml").write_text(ENTRY.replace("main", "main~0"))
    pin_predictions(using, Silent())
    assert sorted(read_pins(using)) == ["main", "main~0"]
    pin_predictions(using, Silent(), renew=True)
    assert sorted(read_pins(using)) == ["main~0"]


def test_what_cannot_be_pinned_is_told_and_nothing_is_written(using: Project) -> None:
    for revision, kind, what in (("nowhere", UsageError, "no revision `nowhere`"), ("main~1", MissingError, "has no model yet"),
                                 ("workspace", ProjectError, "cannot be used")):
        (using.root / "labelers/old.yaml").write_text(ENTRY.replace("main", revision))
        with pytest.raises(kind, match=what):
            pin_predictions(using, Silent())
    assert not (using.root / LOCK).exists()


def test_a_project_that_uses_none_is_left_alone(recorded: Project) -> None:
    assert not pin_predictions(recorded, Silent())
    assert not (recorded.root / LOCK).exists()


def test_a_model_that_is_not_here_is_named_with_the_command_that_fetches_it(using: Project) -> None:
    pin_predictions(using, Silent())
    pin = read_pins(using)["main"]
    (cache_folder(using) / "files/md5" / pin.model[:2] / pin.model[2:]).unlink()
    with pytest.raises(MissingError) as caught:
        EarlierModels(using, Silent())(pin.model, None, None, "Intent")
    assert caught.value.command == f"ovt pull {pin.commit}"
