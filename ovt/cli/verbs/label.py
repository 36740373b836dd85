"""`ovt label --source S [--record ID | --sample N]`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli import making
from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import EXIT_PROJECT

if TYPE_CHECKING:
    from ovt.supervision.trial import Trial

app = verb_app()


@app.command()
def label(
    source: Annotated[str, typer.Option("--source", "-s", help="A labeling function, or a source of the data.")],
    record: Annotated[str | None, typer.Option("--record", "-r", help="Id of one record.")] = None,
    sample: Annotated[int, typer.Option("--sample", "-n", min=1, help="How many records it votes on.")] = 10,
    pin: Annotated[bool, typer.Option("--pin", help="Pin the revisions it uses to where they are now.")] = False,
) -> None:
    """Try a source on records: its votes beside the other sources and gold. No vote is kept."""
    from ovt.workflows.labeling.trying import try_out

    found = project()
    if making.tried(found, source, record, sample):
        return
    with progress() as listener:
        trials, pinned = try_out(found, source, listener, record=record, sample=sample, pin=pin)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.label/1", "trials": [asdict(trial) for trial in trials]})
    for trial in trials if not OUTPUT.as_json else ():
        _show(trial)
    if pinned:
        OUTPUT.next("ovt run label")
    if any(found.problem for trial in trials for found in trial.records):
        raise typer.Exit(EXIT_PROJECT)


def _show(trial: Trial) -> None:
    where = f" ({trial.at})" if trial.at else ""
    counts = f"votes on {trial.hits:,} of {trial.scanned:,} records looked at"
    OUTPUT.note(f"{trial.source}{where} on {trial.task}: {counts}")
    rows = []
    for found in trial.records:
        if found.problem:
            rows.append((found.id, found.split, "", f"failed: {found.problem}", found.at or "", ""))
        rows.extend(
            (found.id, found.split, str(tried.item.position), tried.vote or "–",
             " ".join(f"{name}={said}" for name, said in sorted(tried.others.items())), tried.gold or "–")
            for tried in found.items if tried.vote is not None or len(trial.records) == 1
        )
    OUTPUT.table(("record", "split", "item", "vote", "other sources", "gold"), rows)
    for found in trial.records:
        if found.traceback:
            OUTPUT.note(f"traceback on {found.id}:")
            OUTPUT.note("\n".join(f"  {line}" for line in found.traceback.splitlines()))
    if trial.printed:
        OUTPUT.note("it printed:")
        OUTPUT.note("\n".join(f"  {line}" for line in trial.printed.rstrip().splitlines()))
