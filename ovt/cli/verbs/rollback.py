"""`ovt rollback ALIAS`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def rollback(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="e.g. production.")],
    to: Annotated[str | None, typer.Option("--to", metavar="REV|N", help="Default: the version before.")] = None,
    publish: Annotated[bool, typer.Option(
        "--publish/--no-publish", help="Also move the alias where `publish.to` of ovt.yaml says.")] = True,
) -> None:
    """Let production mean what it meant before, at once: no check, no training."""
    from ovt.cli.verbs.promote import promotion_json
    from ovt.workflows.shipping.promoting import rollback as move
    from ovt.workflows.shipping.publishing import follow

    found = project()
    made = move(found, alias, to)
    place = None
    if publish:
        with progress() as listener:
            place = follow(found, made, listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.rollback/1", "published": place, "promotion": promotion_json(made)})
        return
    OUTPUT.data(f"{alias} means {made.commit[:12]} again ({made.tag})")
    if place:
        OUTPUT.data(f"published: {place}")
    OUTPUT.next(f"git push origin {made.tag}")
