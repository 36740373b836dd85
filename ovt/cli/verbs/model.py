"""`ovt model explain [--rev REV]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.callback()
def group() -> None:
    """The compiled network."""


@app.command()
def explain(
    rev: Annotated[str | None, typer.Option("--rev", help="A revision; by default what is here, else HEAD.")] = None,
) -> None:
    """The network as one would draw it: payloads, what reads what, tasks; what was fixed, pinned and found."""
    from ovt.render.network import network_json, network_text
    from ovt.workflows.review.network import explain_model

    drawing = explain_model(project(), rev)
    if OUTPUT.as_json:
        OUTPUT.json(network_json(drawing))
    else:
        OUTPUT.data(network_text(drawing))
