"""`ovt run [STAGE…]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

if TYPE_CHECKING:
    from ovt.project import Project

app = verb_app()


@app.command()
def run(
    stages: Annotated[list[str] | None, typer.Argument(help="Only these stages (all four if none is named).")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Run even what is up to date.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Allow no bad record.")] = False,
    rev: Annotated[str | None, typer.Option("--rev", help="Train this revision, beside the working tree.")] = None,
    publish: Annotated[bool, typer.Option("--publish", help="With --rev: push the result too.")] = False,
) -> None:
    """Bring labels, model and reports up to date, doing only what is needed."""
    from ovt.workflows.run import run_all
    from ovt.workflows.sharing.pinning import pin_predictions

    found = project()
    if rev is not None:
        _run_revision(found, rev, publish=publish)
        return
    with progress() as listener:
        pin_predictions(found, listener)
        result = run_all(found, listener, stages=stages, force=force, strict=strict)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.run/1", "stages": [
            {"name": stage.name, "action": stage.action, "reason": stage.reason, "seconds": round(stage.seconds, 3)}
            for stage in result.stages
        ]})
        return
    for folder in result.added:
        OUTPUT.note(f"{folder}/ changed: tracked by DVC")
    if not result.did_something:
        OUTPUT.data("nothing to do: everything is up to date")
        return
    OUTPUT.table(
        ("stage", "result", "why", "seconds"),
        [(stage.name, stage.action, stage.reason, f"{stage.seconds:.1f}") for stage in result.stages],
        right=frozenset({3}),
    )
    OUTPUT.next("ovt show   (then: ovt commit -m MESSAGE)")


def _run_revision(found: Project, rev: str, *, publish: bool) -> None:
    """In a worktree of its own, as the background does it; the result is found by the inputs' key."""
    from ovt.cli.verbs.jobs import wait_and_show
    from ovt.workflows.background.jobs import queue_job
    from ovt.workflows.sharing.share import push

    job = queue_job(found, rev)
    if job is None:
        OUTPUT.data(f"nothing to do: {rev} has a model")
    else:
        wait_and_show(found, keys=(job.key,))
    if publish:
        with progress() as listener:
            result = push(found, listener, (rev,))
        OUTPUT.note(f"{result.objects} objects and {result.runs} runs pushed")
    OUTPUT.next(f"ovt show {rev}")
