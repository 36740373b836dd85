"""`ovt pull [REV…]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def pull(
    revisions: Annotated[list[str] | None, typer.Argument(metavar="[REV]…", help="Default: HEAD.")] = None,
) -> None:
    """Fetch data, models and runs of versions; those of HEAD are put into the working tree."""
    from ovt.workflows.sharing.share import pull as fetch

    with progress() as listener:
        result = fetch(project(), listener, tuple(revisions or ("HEAD",)))
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.pull/1", "objects": result.objects, "runs": result.runs,
                     "restored": list(result.restored)})
        return
    OUTPUT.data(f"{result.objects} objects and {result.runs} runs fetched"
                if result.objects or result.runs else "nothing to fetch: it is all here")
    if result.restored:
        OUTPUT.note(f"from the run of this version: {', '.join(result.restored)}")
    OUTPUT.next("ovt show")
