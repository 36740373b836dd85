"""`ovt remote add URL`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError

app = verb_app()


@app.callback()
def group() -> None:
    """Where data and models are pushed to."""


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="A folder, s3://bucket/prefix, gs://… or ssh://…")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")] = "storage",
    option: Annotated[list[str] | None, typer.Option("--option", help="KEY=VALUE of DVC, e.g. endpointurl=…")] = None,
) -> None:
    """Name where data and models are pushed to, and make it the default."""
    from ovt.workflows.sharing.share import remote_add

    pairs = {}
    for text in option or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"`--option {text}` has no value", fix="KEY=VALUE", command="ovt remote add --help")
        pairs[key] = value
    added = remote_add(project(), url, name=name, options=pairs or None)
    OUTPUT.data(f"remote {added}: {url}")
    OUTPUT.next("git add .dvc/config && ovt push")
