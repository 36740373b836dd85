"""`ovt commit`: inputs and their results as one Git commit, and nothing else.

`git commit --only` does the committing: exactly the project's files go in,
whatever else is staged stays staged. ovt's own hooks return at once in that
inner commit, other people's run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.errors import ProjectError, UsageError
from ovt.stages.pipeline import TUNING_LOCK, keep_pipeline, pretrained
from ovt.workflows.background import estimate
from ovt.workflows.run import BULK, RunResult, run_all, track_bulk
from ovt.workflows.sharing.catching_up import catch_up
from ovt.workflows.sharing.pinning import pin_predictions
from ovt.workflows.sharing.resolving import settle

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.storage.git import Git

TrainMode = Literal["wait", "background", "never"]

INPUT_FILES = (
    "schema.json", "schema.yaml", "schema.yml", "ovt.yaml", "tuning.yaml", TUNING_LOCK, ".gitignore", ".dvcignore",
    ".gitattributes", *(f"{name}.dvc" for name in BULK), "dvc.yaml",
)
INPUT_FOLDERS = ("labelers", "slices", "examples", "waivers", "guidelines", ".dvc")
RESULTS = ("dvc.lock", "reports")


@dataclass(frozen=True)
class CommitResult:
    """What `ovt commit` recorded."""

    commit: str | None
    """The new commit; None where there was nothing to record."""
    files: tuple[str, ...]
    run: RunResult | None
    """None where nothing was trained in the foreground."""
    queued: bool = False
    """Whether training was handed to the background."""
    first: bool = False
    """Whether there is no commit before it to compare with."""


def commit(
    project: Project, message: str, progress: Progress, *, train: TrainMode = "wait", strict: bool = False,
) -> CommitResult:
    """Run what is stale and record inputs and results in one commit.

    Args:
        project: the project.
        message: the commit message.
        progress: hears what happens.
        train: `wait` for the result, leave it to the `background`, or `never`.
        strict: no bad record is allowed.

    Raises:
        UsageError: the message is empty.
        ProjectError: an input is partly staged, is wrong, or changed meanwhile.
    """
    from ovt.storage.git import Git
    from ovt.storage.git_locks import clear, noted
    from ovt.storage.lock import project_lock

    if not message.strip():
        raise UsageError("the commit message is empty", fix="say what changed", command='ovt commit -m "…"')
    with Git(project.root) as git, project_lock(project, "ovt commit", progress.note):
        for path in clear(project, git.layout):
            progress.note(f"{path.name}: left by a git that was killed together with ovt, removed")
        refuse_partly_staged(git, project)
        pin_predictions(project, progress)
        result = None
        if train == "wait":
            if told := estimate.warning(project):
                progress.note(told)
            result = run_all(project, progress, strict=strict)
        else:
            settle(project, progress)
            catch_up(project, progress)
            track_bulk(project)
            keep_pipeline(project)
        files = committable(git, project, with_results=train == "wait")
        first = git.resolve("HEAD") is None
        with noted(project, git.layout):
            made = _commit_only(git, files, message, first=first)
    queued = bool(made) and train == "background" and _queue(project, made)
    return CommitResult(made, tuple(files) if made else (), result, queued, first)


def input_paths(project: Project) -> tuple[str, ...]:
    """What a version is made from, as paths relative to the project; not all of them exist."""
    vectors = pretrained(project)
    beside = (f"{path}.dvc" for path in vectors), (f"{path.rpartition('/')[0] or '.'}/.gitignore" for path in vectors)
    return (*INPUT_FILES, *INPUT_FOLDERS, *project.settings.code, *vectors, *beside[0], *beside[1])


def refuse_partly_staged(git: Git, project: Project) -> None:
    """Stop where a person staged half of an input: we could only commit the wrong half.

    Raises:
        ProjectError: naming the files.
    """
    status = git.run("status", "--porcelain=v1", "-z", "--no-renames", "--", *input_paths(project))
    prefix = git.layout.prefix
    partly = [
        os.fsdecode(entry[3:]).removeprefix(prefix)
        for entry in status.split(b"\0")
        if entry and entry[:1] in b"MARC" and entry[1:2] in b"MD"
    ]
    if partly:
        raise ProjectError(
            f"{len(partly)} input{'s are' if len(partly) > 1 else ' is'} partly staged", at=", ".join(partly),
            why="the staged content differs from the file; results belong to one of them",
            fix="stage the rest or unstage it", command=f"git add {partly[0]}",
        )


def committable(git: Git, project: Project, *, with_results: bool) -> list[str]:
    """The project's files that differ from HEAD: changed, new and not ignored, or deleted."""
    paths = [*input_paths(project), *(RESULTS if with_results else ())]
    status = git.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", *paths)
    prefix = git.layout.prefix
    found = [os.fsdecode(entry[3:]) for entry in status.split(b"\0") if entry]
    return sorted(path.removeprefix(prefix) for path in found)


def _commit_only(git: Git, files: list[str], message: str, *, first: bool) -> str | None:
    """Commit exactly these files; in a repository without commits also what `ovt init` staged beside them."""
    if not files and not first:
        return None
    quiet = {"OVT_SKIP": "1", "GIT_LITERAL_PATHSPECS": "1"}
    from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
    announced = [path for path in files if (git.folder / path).exists()]
    # An untracked file is unknown to `commit --only` until it is announced.
    announce = ("add",) if first else ("add", "--intent-to-add")
    git.run(*announce, *from_stdin, content=_listing(announced))
    only = () if first or _merging(git) else ("--only", *from_stdin)
    if not first and not only:
        git.run("add", "--all", *from_stdin, content=_listing(files))
    git.run("commit", "--quiet", f"--message={message}", *only, content=_listing(files) if only else None,
            environment=quiet)
    return git.text("rev-parse", "HEAD")


def _merging(git: Git) -> bool:
    """Git refuses partial commits while a merge is being concluded: all that is staged belongs to it."""
    return (git.layout.git_dir / "MERGE_HEAD").exists()


def _listing(files: list[str]) -> bytes:
    return b"\0".join(os.fsencode(path) for path in files)


def _queue(project: Project, commit_id: str | None) -> bool:
    from ovt.workflows.background.jobs import queue_job

    return commit_id is not None and bool(queue_job(project, commit_id))
