"""`ovt source list` and `ovt source show SOURCE`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from ovt.supervision.sources import SourceRow

app = verb_app()
HEADERS = ("task", "source", "votes", "coverage", "overlaps", "conflicts", "accuracy", "dev accuracy", "dev n", "says",
           "copies", "at")


@app.command("list")
def list_all(task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task.")] = None) -> None:
    """Coverage, overlaps, conflicts, estimated and dev accuracy of every source, and the label models tried."""
    from ovt.render.sources import label_models_table
    from ovt.supervision.sources import list_sources
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    found = project()
    rows = list_sources(found, task)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.source-list/1", "sources": [asdict(row) for row in rows]})
        return
    _table(rows)
    report = read_report(found, resolve(found, "workspace"), "sources.json")
    if report is None:
        OUTPUT.next("ovt run")
        return
    OUTPUT.note("\nlabel models, scored on dev:")
    OUTPUT.render(label_models_table(report, task))


@app.command("show")
def show(source: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """One source: its numbers on each task, and where it is defined."""
    from ovt.supervision.sources import list_sources

    rows = list_sources(project())
    chosen = [row for row in rows if row.source == source]
    if not chosen:
        raise UsageError(f"no source `{source}`", why=nearest(source, {row.source for row in rows}),
                         command="ovt source list")
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.source-list/1", "sources": [asdict(row) for row in chosen]})
        return
    _table(chosen)
    OUTPUT.next(f"ovt label --source {source} --sample 10")


def _table(rows: list[SourceRow]) -> None:
    from ovt.render.table import number

    OUTPUT.table(HEADERS, [(
        row.task, row.source, str(row.votes if row.votes is not None else "–"), number(row.coverage),
        number(row.overlaps), number(row.conflicts), number(row.accuracy), number(row.dev_accuracy), str(row.dev_n),
        " ".join(row.polarity[:4]) + (f" +{len(row.polarity) - 4}" if len(row.polarity) > 4 else ""),
        " ".join(row.copies), f"{row.at or ''}{' (not run yet)' if row.stale else ''}",
    ) for row in rows], right=frozenset(range(2, 9)), drop=(11, 9, 4, 8, 10, 2))
