"""`ovt slice list|lift`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import UsageError, nearest

app = verb_app()
COLLAPSED = 0.2
"""An indicator with an F1 below this says nothing about its slice."""


@app.callback()
def group() -> None:
    """The slices and their support."""


@app.command("list")
def list_all(
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task's quality.")] = None,
    indicators: Annotated[bool, typer.Option("--indicators", help="Ask the model if it knows them (on dev).")] = False,
) -> None:
    """Every slice: how many records of each split are in it, where it is defined, and its quality on test."""
    from ovt.workflows.slices import list_slices

    rows = list_slices(project(), task, indicators=indicators)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.slice-list/1", "slices": [
            {"name": row.name, "at": row.at, **row.support, "quality": row.quality,
             "overlap": {"slice": row.overlap[0], "share": round(row.overlap[1], 6)} if row.overlap else None,
             **({"indicators": row.indicators, "shut": row.shut} if indicators else {})} for row in rows]})
        return
    tasks = sorted({name for row in rows for name in row.quality})
    asked = ("indicator F1",) if indicators else ()
    OUTPUT.table(
        ("slice", "train", "dev", "test", *tasks, *asked, "overlaps", "at"),
        [(row.name, *(str(row.support.get(split, "–")) for split in ("train", "dev", "test")),
          *(f"{row.quality[name]:.3f}" if name in row.quality else "–" for name in tasks),
          *((_indicator(row.indicators),) if indicators else ()),
          f"{100 * row.overlap[1]:.0f} % in {row.overlap[0]}" if row.overlap else "–", row.at) for row in rows],
        right=frozenset(range(1, 4 + len(tasks))), drop=(4 + len(tasks) + len(asked),),
    )
    if indicators and not any(row.indicators for row in rows):
        OUTPUT.note("the model has no slice experts (`slices: {form: none}`), or no slice has a dev record: there are "
                    "no indicators")
    for row in rows:
        for payload, why in sorted(row.shut.items()):
            OUTPUT.note(f"note: the expert of `{row.name}` ({payload}) is {why}")
        weakest = 1.0 if row.shut else min(row.indicators.values(), default=1.0)
        if weakest < COLLAPSED:
            OUTPUT.note(f"note: the indicator of `{row.name}` hardly ever fires rightly: its expert is dead weight; "
                        "more train records, or a definition that the payloads show, would help")


@app.command()
def lift(
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task.")] = None,
) -> None:
    """What slices gain by their experts on dev, beside the reweight-only control; trains up to three networks."""
    from ovt.workflows.slice_lift import slice_lift

    found = project()
    if task is not None and task not in found.schema.tasks:
        raise UsageError(f"no task `{task}`", why=nearest(task, found.schema.tasks))
    with progress() as listener:
        result = slice_lift(found, listener, task)
    if OUTPUT.as_json:
        rows = [{**asdict(row), "lift": round(row.lift, 6)} for row in result.rows]
        OUTPUT.json({"format": "ovt.slice-lift/1", "form": result.form, "weight": result.weight, "split": "dev",
                     "metrics": result.metrics, "rows": rows})
        return
    OUTPUT.table(
        ("task", "slice", "n", "none", "reweight", result.form, "lift", "indicator F1"),
        [(row.task, "(outside)" if row.slice is None else row.slice, str(row.n),
          *(f"{value:.3f}" for value in (row.none, row.reweight, row.form)), f"{row.lift:+.3f}",
          "–" if row.indicator is None else f"{row.indicator:.2f}" + row.shut * " shut") for row in result.rows],
        right=frozenset(range(2, 7)),
    )
    OUTPUT.note(f"on dev; reweight: no experts, members of rare slices count {result.weight:g} times")


def _indicator(found: dict[str, float]) -> str:
    """F1 by payload, the worst first."""
    shown = sorted(found.items(), key=lambda pair: (pair[1], pair[0]))
    return ", ".join(f"{value:.2f} {payload}" for payload, value in shown) or "–"
