"""`ovt explain --record ID`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()
TOP = 3


@app.command()
def explain(record: Annotated[str, typer.Option("--record", "-r", help="Id of the record.")]) -> None:
    """Why a record got its label: every vote, how far each is trusted, and what came of it."""
    from ovt.supervision.explain import explain as explain_record

    found = explain_record(project(), record)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.explain/1", **asdict(found)})
        return
    slices = f"; slices {', '.join(found.slices)}" if found.slices else ""
    OUTPUT.note(f"{found.id} ({found.split}{slices})")
    OUTPUT.table(
        ("task", "item", "votes (accuracy of the source)", "label", "weight", "gold", "model says"),
        [(
            task.task, item.item.text or str(item.item.position),
            " ".join(_vote(name, said, task.accuracies.get(name)) for name, said in sorted(item.votes.items())) or "–",
            " ".join(f"{name} {chance:.2f}" for name, chance in item.target[:TOP]) or "–", f"{item.weight:.2f}",
            item.gold or "–", f"{item.predicted} {item.confidence:.2f}" if item.confidence is not None else "–",
        ) for task in found.tasks for item in task.items],
        right=frozenset({4}),
    )


def _vote(source: str, said: str, accuracy: float | None) -> str:
    return f"{source}={said}" + (f" ({accuracy:.2f})" if accuracy is not None else "")
