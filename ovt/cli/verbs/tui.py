"""`ovt tui [A [B]]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.session import project, verb_app

app = verb_app()


@app.command()
def tui(
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="Before (default: HEAD, or HEAD~1).")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="After (default: the workspace, or HEAD).")] = None,
) -> None:
    """See what changed between two versions in the terminal app."""
    from ovt.workflows.review.compare import default_sides
    from ovt_tui.app import run_app

    found = project()
    run_app(found, *default_sides(found, a, b))
