"""`ovt stage NAME`: what `dvc.yaml` calls."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="compile, label, train or evaluate.")],
    number: Annotated[int, typer.Option("--format", help="The format that `dvc.yaml` was written for.")] = 1,
) -> None:
    """Run one stage; DVC records it. A person types `ovt run` instead."""
    from ovt.errors import ProjectError
    from ovt.stages.execution import run_stage
    from ovt.stages.pipeline import FORMATS

    found = project()
    if number != FORMATS.get(name, number):
        raise ProjectError("`dvc.yaml` was written for another ovt", at=f"dvc.yaml, stage {name}",
                           why=f"it asks for format {number}, this ovt makes {FORMATS[name]}",
                           fix="let ovt bring it up to date", command="ovt run")
    with progress() as listener:
        run_stage(name, found, listener)
