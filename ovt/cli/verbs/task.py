"""`ovt task list` and `ovt task labels TASK --output FILE`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.command("list")
def list_all() -> None:
    """The tasks, how many items they have and how many of them are labelled."""
    from ovt.workflows.labeling.tasklabels import list_tasks

    rows = list_tasks(project())
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.task-list/1", "tasks": [asdict(row) for row in rows]})
        return
    OUTPUT.table(
        ("task", "type", "payload", "a label is about", "classes", "train items", "labelled", "guideline"),
        [(row.task, row.type, row.payload, row.unit, _shown(row.classes), _shown(row.items.get("train")),
          _shown(row.labelled.get("train")), row.guideline or "") for row in rows], right=frozenset({4, 5, 6}),
    )
    OUTPUT.next(f"ovt task labels {rows[0].task} --output {rows[0].task}.parquet" if rows and rows[0].labelled
                else "ovt run")


@app.command("labels")
def labels(
    task: Annotated[str, typer.Argument(help="Which task.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="*.parquet, *.jsonl, or - for JSON lines here.")],
    split: Annotated[str | None, typer.Option(help="Only train, dev or test.")] = None,
    rev: Annotated[str, typer.Option(help="The version.")] = "workspace",
) -> None:
    """The label model's probabilities, for those who train elsewhere: a row per record, token or member."""
    from ovt.workflows.labeling.tasklabels import write_labels

    to_stdout = str(output) == "-"
    done = write_labels(project(), task, None if to_stdout else OUTPUT.folder / output, split=split, spec=rev,
                        out=sys.stdout)
    if to_stdout:
        return
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.task-labels/1", "output": str(output), **asdict(done)})
        return
    OUTPUT.data(f"{output}: {done.rows:,} labels of {task}")


def _shown(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
