"""`ovt diff [A [B]]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import patient_progress, project, verb_app
from ovt.errors import EXIT_FINDING, UsageError, nearest

if TYPE_CHECKING:
    from ovt.project import Project

app = verb_app()


@app.command()
def diff(
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="Before; `A..B` and `A...B` work too.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="After (default: the workspace, or HEAD).")] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task.")] = None,
    slice_: Annotated[str | None, typer.Option("--slice", "-s", help="Only this slice, with its flips.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 if a slice regressed or improved.")] = False,
    by_cause: Annotated[bool, typer.Option("--flips", help="The flips, each with the source behind it.")] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="source|cause", help="Group the flips.")] = None,
    more: Annotated[bool, typer.Option("--confirm", help="Train both with two more seeds, compare those.")] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="Time for --confirm.")] = 20,
    data: Annotated[bool, typer.Option("--data", help="What changed in the data; -v: what did not, too.")] = False,
) -> None:
    """What changed between two versions, slice by slice."""
    from ovt.render.as_json import diff_json, flips_json
    from ovt.render.diff import diff_table, flips_table, tally
    from ovt.workflows.review.compare import compare, confirm, default_sides, flips

    found = project()
    if data:
        _data(found, a, b, exit_code=exit_code)
        return
    sides = default_sides(found, a, b)
    if by_cause or by:
        _flips(found, sides, (task, slice_), by)
        return
    with patient_progress() as listener:
        whole = confirm(found, *sides, minutes, listener) if more else compare(found, *sides, progress=listener)
    result = whole.only(task, slice_)
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


def _data(found: Project, a: str | None, b: str | None, *, exit_code: bool) -> None:
    """The data of two versions; `--exit-code` is about problems alone."""
    from ovt.render.datadiff import data_table, datadiff_json, findings_table, headline
    from ovt.workflows.review.datadiff import data_diff, default_data_sides

    result = data_diff(found, *default_data_sides(found, a, b))
    if OUTPUT.as_json:
        OUTPUT.json(datadiff_json(result))
    else:
        OUTPUT.note(f"{result.a.name} → {result.b.name}: {headline(result)}")
        OUTPUT.render(data_table(result, everything=OUTPUT.verbose))
        if result.findings:
            OUTPUT.render(findings_table(result))
        for note in result.notes:
            OUTPUT.note(f"note: {note}")
    if exit_code and result.worst() == "problem":
        raise typer.Exit(EXIT_FINDING)


def _flips(found: Project, sides: tuple[str, str], where: tuple[str | None, str | None], by: str | None) -> None:
    """The flips of a task and slice with their causes, one by one or grouped."""
    from ovt.render.causes import causes_json, flip_table, group_table, summary
    from ovt.workflows.attribution.causes import all_causes

    if by not in {None, "source", "cause"}:
        raise UsageError(f"flips cannot be grouped by `{by}`", why=nearest(str(by), ("source", "cause")),
                         command="ovt diff --flips --by source")
    listed = all_causes(found, *sides, *where)
    merge = by == "source"
    if OUTPUT.as_json:
        OUTPUT.json(causes_json(listed, merge=merge))
        return
    OUTPUT.note(f"{sides[0]} → {sides[1]}" + ("" if listed else ": nothing flipped"))
    if listed:
        OUTPUT.render(group_table(listed, merge=merge) if by else flip_table(listed))
    for line in summary(listed):
        OUTPUT.note(line)
