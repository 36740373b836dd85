"""`ovt push [REV…]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def push(
    revisions: Annotated[list[str] | None, typer.Argument(metavar="[REV]…", help="Default: HEAD.")] = None,
    remote: Annotated[str | None, typer.Option("--remote", "-r", help="Default: the project's.")] = None,
) -> None:
    """Send data, models and runs of versions; commits are sent by `git push`."""
    from ovt.workflows.sharing.share import push as send

    with progress() as listener:
        result = send(project(), listener, tuple(revisions or ("HEAD",)), remote=remote)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.push/1", "objects": result.objects, "runs": result.runs})
        return
    OUTPUT.data(f"{result.objects} objects and {result.runs} runs pushed"
                if result.objects or result.runs else "nothing to push: the remote has it all")
    OUTPUT.next("git push")
