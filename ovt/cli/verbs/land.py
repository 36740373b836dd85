"""`ovt land [BRANCH]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def land(
    branch: Annotated[str | None, typer.Argument(metavar="[BRANCH]", help="Default: the current one.")] = None,
) -> None:
    """Commit the results of a run (trained in the background or elsewhere) onto the branch with its inputs."""
    from ovt.workflows.sharing.landing import land as bring

    with progress() as listener:
        result = bring(project(), listener, branch)
    name = result.branch or "HEAD"
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.land/1", "branch": result.branch, "commit": result.commit,
                     "files": list(result.files), "key": result.version.key})
        return
    if result.commit is None:
        OUTPUT.data(f"nothing to land: {name} has the results of its inputs")
        return
    OUTPUT.data(f"{name} is at {result.commit[:10]}, with {', '.join(result.files)}")
    OUTPUT.next(f"git push origin {result.branch}" if result.branch else "git push origin HEAD:BRANCH")
