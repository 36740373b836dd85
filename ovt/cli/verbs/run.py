"""`ovt run [STAGE…]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.project import Project
    from ovt.training.transfer.tools import Tools
    from ovt.workflows.committing.staleness import StageResult

app = verb_app()


@app.command()
def run(
    stages: Annotated[list[str] | None, typer.Argument(help="Only these stages (all four if none is named).")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Run even what is up to date.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Allow no bad record.")] = False,
    rev: Annotated[str | None, typer.Option("--rev", help="Train this revision, beside the working tree.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="With --rev: push the result too.")] = False,
    tensorboard: Annotated[bool, typer.Option(
        "--tensorboard", help="Write event files of the training to .ovt/tensorboard.")] = False,
    tensorboard_dir: Annotated[Path | None, typer.Option(
        "--tensorboard-dir", metavar="DIR", help="Write them there instead.")] = None,
    profile: Annotated[bool, typer.Option(
        "--profile", help="Profile some steps of the training, to .ovt/profile.")] = False,
) -> None:
    """Bring labels, model and reports up to date, doing only what is needed."""
    from ovt.training.transfer.tools import Tools
    from ovt.workflows.run import run_all
    from ovt.workflows.sharing.pinning import pin_predictions
    from ovt.workflows.together import equipped, follow, is_follower

    found = project()
    if is_follower():
        follow(found)
        return
    tools = Tools(
        tensorboard_dir or (found.private / "tensorboard" if tensorboard else None),
        found.private / "profile" if profile else None,
    )
    if rev is not None:
        _run_revision(found, rev, publish=publish)
        return
    with progress() as listener, equipped(tools, found):
        pin_predictions(found, listener)
        result = run_all(found, listener, stages=stages, force=force, strict=strict)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.run/1", "stages": _stages(result.stages)})
        return
    for folder in result.added:
        OUTPUT.note(f"{folder}/ changed: tracked by DVC")
    if not result.did_something:
        OUTPUT.data("nothing to do: everything is up to date")
        return
    _table(result.stages)
    _tell_tools(tools, found, trained=any(stage.name == "train" and stage.action == "ran" for stage in result.stages))
    OUTPUT.next("ovt show   (then: ovt commit -m MESSAGE)")


def _tell_tools(tools: Tools, found: Project, *, trained: bool) -> None:
    """Where to look for what the tools wrote."""
    if (tools.tensorboard or tools.profile) and not trained:
        OUTPUT.note("nothing was trained, so there is nothing to look at (--force trains again)")
        return
    if tools.tensorboard:
        OUTPUT.note(f"event files: tensorboard --logdir {found.shown(tools.tensorboard)}")
    if tools.profile:
        OUTPUT.note(f"profile: {found.shown(tools.profile)}/*/operators.txt and trace.json (chrome://tracing)")


def _run_revision(found: Project, rev: str, *, publish: bool) -> None:
    """In a worktree of its own; the result is found by the inputs' key."""
    from ovt.workflows.sharing.revisions import run_revision
    from ovt.workflows.sharing.share import push

    _wait_for_job(found, rev)
    with progress() as listener:
        done = run_revision(found, rev, listener, publishing=publish)
        sent = push(found, listener, (rev,)) if publish else None
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.run/1", "key": done.version.key, "commit": done.version.commit,
                     "stages": _stages(done.result.stages if done.result else ()),
                     "pushed": {"objects": sent.objects, "runs": sent.runs} if sent else None})
        return
    if done.result is None:
        OUTPUT.data(f"nothing to do: {rev} has a model")
    else:
        _table(done.result.stages)
    if sent is not None:
        OUTPUT.note(f"{sent.objects} objects and {sent.runs} runs pushed")
    OUTPUT.next(f"ovt show {rev}")


def _wait_for_job(found: Project, rev: str) -> None:
    """The background may be training these inputs already."""
    from ovt.versions.history import resolve

    version = resolve(found, rev)
    if version.state == "pending":
        from ovt.workflows.background.jobs import wait

        with progress() as listener:
            listener.note(f"{rev} is being trained in the background: waiting for it · ovt status")
            wait(found, keys=(version.key,))


def _stages(stages: Iterable[StageResult]) -> list[dict[str, object]]:
    return [{"name": stage.name, "action": stage.action, "reason": stage.reason, "seconds": round(stage.seconds, 3)}
            for stage in stages]


def _table(stages: Iterable[StageResult]) -> None:
    OUTPUT.table(
        ("stage", "result", "why", "seconds"),
        [(stage.name, stage.action, stage.reason, f"{stage.seconds:.1f}") for stage in stages],
        right=frozenset({3}),
    )
