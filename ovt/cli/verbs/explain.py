"""`ovt explain --record ID [--task T] [--position P]`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

if TYPE_CHECKING:
    from ovt.supervision.reporting.explain import Explanation, ItemExplanation, TaskExplanation
    from ovt.supervision.reporting.weighing import Ranked

app = verb_app()
TOP = 3


@app.command()
def explain(
    record: Annotated[str, typer.Option("--record", "-r", help="Id of the record.")],
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task, with each vote's weight.")] = None,
    position: Annotated[int | None, typer.Option("--position", help="Only this token or member.")] = None,
) -> None:
    """Why a record got its label: every vote, how far each is trusted, and what came of it."""
    from ovt.supervision.reporting.explain import explain as explain_record

    found = explain_record(project(), record, task, position)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.explain/1", **asdict(found)})
        return
    slices = f"; slices {', '.join(found.slices)}" if found.slices else ""
    OUTPUT.note(f"{found.id} ({found.split}{slices})")
    if task is None:
        _overview(found)
        return
    for about in found.tasks:
        for item in about.items:
            _one(about, item)


def _overview(found: Explanation) -> None:
    """A line for each item of each task."""
    OUTPUT.table(
        ("task", "item", "votes (accuracy of the source)", "label", "weight", "gold", "model says"),
        [(
            task.task, item.item.text or str(item.item.position),
            " ".join(_vote(name, said, task.accuracies.get(name)) for name, said in sorted(item.votes.items())) or "–",
            _chances(item.target), f"{item.weight:.2f}", _gold(item), _predicted(item),
        ) for task in found.tasks for item in task.items],
        right=frozenset({4}),
    )
    OUTPUT.next(f"ovt explain --record {found.id} --task {found.tasks[0].task}")


def _one(task: TaskExplanation, item: ItemExplanation) -> None:
    """One item in full: a line for each source."""
    weights = {weight.source: weight for weight in item.weighed.weights}
    place = f" item {item.item.position}" + (f" ({item.item.text})" if item.item.text else "")
    model = f" by {task.label_model}" if task.label_model else ""
    OUTPUT.note(f"\n{task.task}{place if item.item.text else ''}: {_chances(item.weighed.probabilities)}{model}")
    rows = []
    for source, label in sorted(item.votes.items()):
        weight = weights.get(source)
        rows.append((
            source, label, _number(task.accuracies.get(source), ".3f"),
            _number(weight.log_odds if weight else None, "+.2f"),
            (_chances(weight.without) if weight.without else "nobody else votes") if weight else "–",
            "decides" if weight and weight.decisive else "",
        ))
    OUTPUT.table(("source", "vote", "accuracy", "log-odds", "without it", ""), rows, right=frozenset({2, 3}))
    for correction in item.corrections:
        what = "taken back" if correction.label is None else f"corrected to {correction.label!r}"
        OUTPUT.note(f"{what} by {correction.source} ({correction.at}){'' if correction.counts else ', replaced since'}")
    OUTPUT.note(f"target {_chances(item.target)}, weight {item.weight:.2f}; gold {_gold(item)}; "
                f"model says {_predicted(item)}")


def _vote(source: str, said: str, accuracy: float | None) -> str:
    return f"{source}={said}" + (f" ({accuracy:.2f})" if accuracy is not None else "")


def _chances(chances: Ranked) -> str:
    return " ".join(f"{name} {chance:.2f}" for name, chance in chances[:TOP]) or "–"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _gold(item: ItemExplanation) -> str:
    return item.gold or "–"


def _predicted(item: ItemExplanation) -> str:
    return f"{item.predicted} {item.confidence:.2f}" if item.confidence is not None else "–"
