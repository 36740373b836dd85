"""`ovt annotate export`, `import` and `correct`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError

app = verb_app()
Task = Annotated[str, typer.Option("--task", "-t", help="What is labelled.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The sheet to write.")]


@app.command("export")
def export(
    task: Task,
    output: Output,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many records.")] = 200,
    strategy: Annotated[str, typer.Option(help="random (fit for gold), disagreement or uncertain.")] = "random",
    slice_name: Annotated[str | None, typer.Option("--slice", help="Only records of this slice.")] = None,
    split: Annotated[str | None, typer.Option(help="train, dev or test; default dev for random, else train.")] = None,
    kind: Annotated[str | None, typer.Option("--format", help="csv or jsonl; default by the file's name.")] = None,
    layout: Annotated[str | None, typer.Option(help="A row for each of: records, items (tokens or members).")] = None,
    show_votes: Annotated[bool, typer.Option(help="Show what the sources say; it sways who fills it.")] = False,
    seed: Annotated[int, typer.Option(help="Of the random order.")] = 0,
) -> None:
    """Write records for people to label into a sheet: CSV for a spreadsheet, JSON lines for a labelling tool."""
    from ovt.supervision.annotation.choosing import Wanted
    from ovt.workflows.labeling.annotate import export_sheet

    _one_of("--format", kind, ("csv", "jsonl"))
    _one_of("--layout", layout, ("records", "items"))
    wanted: Any = Wanted(task, n, strategy, slice_name, split, seed)  # type: ignore[arg-type]
    done = export_sheet(project(), wanted, OUTPUT.folder / output, kind=kind, layout=layout, show_votes=show_votes)  # type: ignore[arg-type]
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.annotate-export/1", **asdict(done), "path": str(done.path)})
        return
    OUTPUT.data(f"{output}: {done.records} of {done.of} records of {done.split}, chosen by {done.sample}")
    if done.records < n:
        OUTPUT.note(f"there are no more than {done.records} to choose")
    gold = strategy == "random"
    OUTPUT.note("fill the column `label`; an empty cell is no opinion" + (
        "" if gold else f"; chosen by {strategy}, these records are no fair sample and not fit to be gold"))
    OUTPUT.next(f"ovt annotate import {output} --source {'gold' if gold else 'YOUR-NAME'}")


@app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="A filled sheet.")],
    source: Annotated[str, typer.Option("--source", "-s", help="Whose labels these are; `gold` for the truth.")],
    task: Annotated[str | None, typer.Option("--task", "-t", help="Where the sheet does not say it.")] = None,
    note: Annotated[str | None, typer.Option(help="How they were collected, kept with the labels.")] = None,
    force: Annotated[bool, typer.Option(help="Take as gold what was not drawn at random.")] = False,
) -> None:
    """Check a filled sheet record by record, and add its labels to supervision/: all of them, or none."""
    from ovt.workflows.labeling.annotate import import_sheet

    done = import_sheet(project(), OUTPUT.folder / file, source, task=task, note=note, force=force)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.annotate-import/1", **asdict(done)})
        return
    OUTPUT.data(f"{done.file}: {done.written} labels added, {done.unchanged} there already, {done.blank} left empty")
    for told in done.notes:
        OUTPUT.note(told)
    OUTPUT.next("ovt run" if done.written else "ovt source list")


@app.command("correct")
def correct(
    record: Annotated[str, typer.Argument(help="Id of the record.")],
    task: Task,
    label: Annotated[str | None, typer.Option("--label", "-l", help="What is right; `a; b` for several.")] = None,
    position: Annotated[int | None, typer.Option(help="The token or member; default the record.")] = None,
    undo: Annotated[bool, typer.Option(help="Take your correction back.")] = False,
) -> None:
    """Say what a label should be: outvotes every source on train, is gold on dev and test."""
    from ovt.workflows.labeling.corrections import record_correction

    if (label is None) != undo:
        raise UsageError("a correction needs a label" if label is None else "a label or --undo, not both",
                         fix="--label LABEL, or --undo", command="ovt annotate correct --help")
    done = record_correction(project(), task, record, label, position)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.correction/1", **asdict(done)})
        return
    role = "the target" if done.split == "train" else "the gold"
    place = f"{done.id}" + (f" item {done.position}" if done.position is not None else "")
    what = "taken back" if undo else f"{done.label!r} is {role} from the next run on"
    OUTPUT.data(f"{place} ({done.split}) {done.task}: {what}")
    OUTPUT.note(f"signed {done.source}, in {done.file}")
    OUTPUT.next("ovt run")


def _one_of(option: str, value: str | None, known: tuple[str, ...]) -> None:
    if value not in {None, *known}:
        raise UsageError(f"`{option} {value}` is not known", fix=f"one of {', '.join(known)}",
                         command="ovt annotate export --help")
