"""The drawing of a model as text of at most 100 columns, payloads from the inputs down to the tasks."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ovt.training.explanation import Choice, Drawing, PayloadDrawing, TaskDrawing

WIDTH = 100
MARKS = {"searched": "*", "pinned": "="}
LEGEND = (
    "* found by `ovt tune`   = pinned in tuning.yaml   unmarked values are defaults that fit the data; "
    "what reads what, kinds, tasks and classes are the schema's"
)
TOLD = ("batch", "epochs", "learning_rate", "dropout")
"""Values of training that are always shown; others where someone chose them."""


def network_text(drawing: Drawing) -> str:
    """The drawing, and who decided what."""
    lines = [f"{drawing.parameters:,} parameters"]
    lines += [f"  word vectors, shared: {_vectors(drawing.words)}"] if drawing.words else []
    for payload in drawing.payloads:
        lines += ["", *_payload(payload)]
    if drawing.slices:
        lines += ["", *_slices(drawing)]
    shown = [choice for choice in drawing.training if choice.name in TOLD or choice.origin != "default"]
    lines += ["", *_wrapped("training  ", _choices(shown))]
    return "\n".join([*lines, "", *textwrap.wrap(LEGEND, WIDTH)])


def network_json(drawing: Drawing) -> dict[str, Any]:
    """The drawing as plain values."""
    return {"format": "ovt.model-explain/1", **asdict(drawing)}


def _vectors(words: dict[str, int]) -> str:
    return ", ".join(f"{part} {count:,}" for part, count in words.items())


def _payload(payload: PayloadDrawing) -> Iterator[str]:
    reads = f" ← {', '.join(payload.reads)}" if payload.reads else ""
    head = f"{payload.name}{reads}   {payload.kind}"
    yield f"{head:<54} [{payload.shape}]{payload.parameters:>{WIDTH - 68 - len(payload.shape)},} parameters"
    for number, step in enumerate(payload.steps):
        yield from _wrapped("  │ " if number < len(payload.steps) else "    ", step)
    yield from _wrapped("  │ ", _choices(payload.choices))
    for number, task in enumerate(payload.tasks):
        yield from _task(task, last=number == len(payload.tasks) - 1)


def _task(task: TaskDrawing, *, last: bool) -> Iterator[str]:
    classes = "its members" if task.classes is None else f"{task.classes} classes"
    per = f" per {task.per}" if task.per != "record" else ""
    head = f"{task.head.name} {_marked(task.head)}"
    stem, rest = ("  └─ ", "     ") if last else ("  ├─ ", "  │  ")
    text = f"{task.name}: {task.type}{per} of {classes} · {head} · loss: {task.loss} · answer: {task.decoder}"
    lines = textwrap.wrap(text, WIDTH - len(stem), break_long_words=False, break_on_hyphens=False)
    yield from (f"{stem if number == 0 else rest}{line}" for number, line in enumerate(lines))


def _slices(drawing: Drawing) -> Iterator[str]:
    yield f"slices   {len(drawing.slices)}, on every payload with a task   {drawing.slice_parameters:,} parameters"
    yield from _wrapped("  │ ", _choices(drawing.slice_choices))
    yield from _wrapped("  └─ ", ", ".join(drawing.slices))


def _choices(choices: Iterable[Choice]) -> str:
    return " · ".join(f"{choice.name} {_marked(choice)}" for choice in choices)


def _marked(choice: Choice) -> str:
    return f"{choice.value} {MARKS[choice.origin]}" if choice.origin in MARKS else str(choice.value)


def _wrapped(stem: str, text: str) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - len(stem), break_long_words=False, break_on_hyphens=False)
    rest = stem.replace("└─", "  ")
    return [f"{stem if number == 0 else rest}{line}" for number, line in enumerate(lines)]
