"""`ovt source list` and `ovt source show SOURCE`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli import making
from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.supervision.reporting.sourcedetail import SourceDetail

app = verb_app()


@app.command("list")
def list_all(
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task.")] = None,
    sort: Annotated[str, typer.Option(help="name votes coverage overlaps conflicts accuracy dev commit.")] = "name",
) -> None:
    """Coverage, overlaps, conflicts, estimated and dev accuracy of every source, and the label models tried."""
    from ovt.render.sourcelist import source_rows
    from ovt.render.sources import label_models_table
    from ovt.supervision.reporting.sources import list_sources
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    found = project()
    rows = list_sources(found, task, sort)
    if OUTPUT.as_json:
        from ovt.workflows.labeling.augmenters import list_augmenters

        OUTPUT.json({"format": "ovt.source-list/1", "sources": [asdict(row) for row in rows],
                     "generators": [asdict(row) for row in list_augmenters(found)]})
        return
    OUTPUT.render(source_rows(rows))
    making.listed(found)
    report = read_report(found, resolve(found, "workspace"), "sources.json")
    if report is None:
        OUTPUT.next("ovt run")
        return
    OUTPUT.note("\nlabel models, scored on dev:")
    OUTPUT.render(label_models_table(report, task))


@app.command("show")
def show(
    source: Annotated[str, typer.Argument(help="Its name.")],
    lift: Annotated[bool, typer.Option("--lift", help="Of a maker of records: train with and without them.")] = False,
) -> None:
    """One source: its numbers on each task, its definition, its confusions on dev, and how it was collected."""
    from ovt.supervision.reporting.sourcedetail import source_detail

    if making.shown(project(), source, lift=lift):
        return
    if lift:
        raise UsageError(f"`{source}` makes no records", why="--lift is for transformation functions and generators",
                         command="ovt source list")
    detail = source_detail(project(), source)
    if OUTPUT.as_json:
        told = asdict(detail)
        OUTPUT.json({"format": "ovt.source-list/1", "sources": told.pop("rows"), **told})
        return
    _detail(detail)
    OUTPUT.next(f"ovt label --source {detail.rows[0].source} --sample 10" if detail.rows[0].kind != "crowd"
                else "ovt source list")


def _detail(detail: SourceDetail) -> None:
    from ovt.render.sourcelist import confusion_rows, origin, source_rows

    OUTPUT.render(source_rows(detail.rows))
    for worker in detail.worker:
        rate = f", accuracy {worker.accuracy:.3f}" if worker.accuracy is not None else ""
        OUTPUT.note(f"{worker.source} on {worker.task}: {worker.votes:,} votes{rate}")
    lineage = detail.rows[0].lineage
    if lineage is not None:
        OUTPUT.note(f"\n{detail.rows[0].at}\n  brought in by {origin(lineage.brought)}")
        if lineage.changed != lineage.brought:
            OUTPUT.note(f"  last changed by {origin(lineage.changed)}")
    if detail.definition:
        OUTPUT.note("\n" + "\n".join(f"  {line}".rstrip() for line in detail.definition.splitlines()))
    if detail.confusions:
        OUTPUT.note("\non dev, beside gold:")
        OUTPUT.render(confusion_rows(detail))
    for batch in detail.batches:
        told = f": {batch.note}" if batch.note else ""
        rule = f", guideline {batch.guideline}" + (
            " (CHANGED since)" if batch.changed else "") if batch.guideline else ""
        OUTPUT.note(f"batch {batch.name} ({batch.at}), {batch.rows:,} rows{rule}{told}")

