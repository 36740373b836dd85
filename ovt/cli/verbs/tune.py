"""`ovt tune`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def tune(
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="How many (default: tuning.yaml).")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="How long (default: tuning.yaml).")] = None,
) -> None:
    """Search the choices of tuning.yaml and write tuning.lock.yaml."""
    from ovt.workflows.tune import tune as search

    found = project()
    with progress() as listener:
        search(found, listener, trials=trials, minutes=minutes)
    OUTPUT.data((found.root / "tuning.lock.yaml").read_text(encoding="utf-8").rstrip())
    OUTPUT.next("ovt run")
