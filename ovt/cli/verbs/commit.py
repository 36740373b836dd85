"""`ovt commit -m MESSAGE`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import UsageError, nearest

app = verb_app()
MODES = ("wait", "background", "never")


@app.command()
def commit(
    message: Annotated[str, typer.Option("--message", "-m", help="What changed.")],
    train: Annotated[str, typer.Option("--train", metavar="wait|background|never", help="When to train.")] = "wait",
    strict: Annotated[bool, typer.Option("--strict", help="Allow no bad record.")] = False,
) -> None:
    """Run, and record inputs and results as one version."""
    from ovt.workflows.committing.commit import commit as commit_version

    if train not in MODES:
        raise UsageError(f"`--train {train}` is unknown", why=nearest(train, MODES), command="ovt commit --help")
    found = project()
    with progress() as listener:
        result = commit_version(found, message, listener, train=train, strict=strict)  # type: ignore[arg-type]
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.commit/1", "commit": result.commit, "files": list(result.files),
                     "queued": result.queued})
        return
    if result.commit is None:
        OUTPUT.data("nothing to commit: inputs and results are those of HEAD")
        return
    ran = [stage.name for stage in result.run.stages if stage.action != "unchanged"] if result.run else []
    OUTPUT.data(f"{result.commit[:10]} {message.splitlines()[0]}")
    OUTPUT.note(f"{len(result.files)} files; stages run: {', '.join(ran) or 'none'}")
    if result.queued:
        OUTPUT.next("ovt status")
    elif result.first:
        OUTPUT.next("ovt show")
    else:
        OUTPUT.next("ovt diff HEAD~1 HEAD" if result.run else "ovt run")
