"""`ovt merge-driver KIND BASE OURS THEIRS PATH`: what Git calls to merge one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import verb_app

app = verb_app()


@app.command()
def merge_driver(
    kind: Annotated[str, typer.Argument()], base: Annotated[Path, typer.Argument()],
    ours: Annotated[Path, typer.Argument()], theirs: Annotated[Path, typer.Argument()],
    path: Annotated[str, typer.Argument()],
) -> None:
    """Merge three versions of a file into the second; exit code 1 where a person has to decide."""
    from ovt.workflows.sharing.merging import run_driver

    result = run_driver(kind, (base, ours, theirs), path)
    for line in result.lines:
        OUTPUT.note(line)
    if not result.clean:
        raise typer.Exit(1)
