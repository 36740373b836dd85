"""`ovt checkout REV`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def checkout(revision: Annotated[str, typer.Argument(metavar="REV", help="A branch, tag or commit.")]) -> None:
    """Bring a version's inputs, model and report into the working tree, together."""
    from ovt.workflows.sharing.checkout import checkout as bring

    with progress() as listener:
        result = bring(project(), revision, listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.checkout/1", "commit": result.version.commit, "model": result.model,
                     "restored": list(result.restored)})
        return
    OUTPUT.data(f"{revision} ({(result.version.commit or '')[:10]}) "
                + ("with its model and report" if result.model else "has no model yet"))
    if result.restored:
        OUTPUT.note(f"from the run of this version: {', '.join(result.restored)}")
    OUTPUT.next("ovt show" if result.model else "ovt run")
