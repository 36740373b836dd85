"""`ovt slice list`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.callback()
def group() -> None:
    """The slices and their support."""


@app.command("list")
def list_all(
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task's quality.")] = None,
) -> None:
    """Every slice: how many records of each split are in it, where it is defined, and its quality on test."""
    from ovt.workflows.slices import list_slices

    rows = list_slices(project(), task)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.slice-list/1", "slices": [
            {"name": row.name, "at": row.at, **row.support, "quality": row.quality} for row in rows]})
        return
    tasks = sorted({name for row in rows for name in row.quality})
    OUTPUT.table(
        ("slice", "train", "dev", "test", *tasks, "at"),
        [(row.name, *(str(row.support.get(split, "–")) for split in ("train", "dev", "test")),
          *(f"{row.quality[name]:.3f}" if name in row.quality else "–" for name in tasks), row.at) for row in rows],
        right=frozenset(range(1, 4 + len(tasks))),
    )
