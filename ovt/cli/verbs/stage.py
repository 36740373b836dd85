"""`ovt stage NAME`: what `dvc.yaml` calls."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def stage(name: Annotated[str, typer.Argument(help="compile, label, train or evaluate.")]) -> None:
    """Run one stage; DVC records it. A person types `ovt run` instead."""
    from ovt.stages.execution import run_stage

    found = project()
    with progress() as listener:
        run_stage(name, found, listener)
