"""`ovt diff [A [B]]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import EXIT_FINDING

app = verb_app()


@app.command()
def diff(
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="Before; `A..B` and `A...B` work too.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="After (default: the workspace, or HEAD).")] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task.")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", "-s", help="Only this slice, with its flips.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 if a slice regressed or improved.")] = False,
) -> None:
    """What changed between two versions, slice by slice."""
    from ovt.render.as_json import diff_json, flips_json
    from ovt.render.diff import diff_table, flips_table, tally
    from ovt.workflows.compare import compare, default_sides, flips

    found = project()
    sides = default_sides(found, a, b)
    result = compare(found, *sides).only(task, slice_)
    listed = flips(found, *sides, task, slice_) if slice_ and task else []
    if OUTPUT.as_json:
        OUTPUT.json({**diff_json(result), **({"flips": flips_json(listed)["flips"]} if listed else {})})
    else:
        OUTPUT.note(f"{result.a.name} → {result.b.name}: {tally(result)}")
        OUTPUT.render(diff_table(result))
        if listed:
            OUTPUT.render(flips_table(listed))
        for note in result.notes:
            OUTPUT.note(f"note: {note}")
    if exit_code and any(row.verdict in {"regressed", "improved"} for row in result.rows):
        raise typer.Exit(EXIT_FINDING)
