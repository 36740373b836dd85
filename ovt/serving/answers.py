"""From the network's outputs to answers in the words of a record: labels, and how sure the model is of each.

One class per kind of task; each gives, for every record of a batch, the plain
values that become JSON. A class is named, a candidate is a position, so that an
answer's `label` is what the record format calls a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ovt.training.decoding import THRESHOLD, Chain, decode_chain, decode_spans, valid_transitions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.schema.spec import Schema, Task

    Arrays = dict[str, NDArray[Any]]
    Floats = NDArray[np.float32]
    Answer = dict[str, Any]

DIGITS = 6
"""Of a probability in an answer."""
PROBABILITIES, LOGITS = "probabilities", "logits"
COUNTS = {"sequence": "length", "set": "count"}
"""The input that says how many elements a row of a payload has, by the payload's type."""


class Answers(Protocol):
    """Reads one task's output."""

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """An answer per record of the batch."""


def output_name(task: str, *, chain: bool) -> str:
    """Of the network's output about a task: logits where transitions are still to be weighed, else probabilities."""
    return f"{task}/{LOGITS if chain else PROBABILITIES}"


def answers_of(schema: Schema, name: str, classes: Sequence[str], chain: Chain | None) -> Answers:
    """How a task's output is read."""
    task = schema.tasks[name]
    counts = f"{task.payload}/{COUNTS.get(schema.payloads[task.payload].type, '')}"
    output = output_name(name, chain=chain is not None)
    if task.type == "select":
        return SelectAnswers(output, counts)
    if schema.granularity(name) == "record":
        kind = RecordClasses if task.type == "bitvector" else RecordClass
        return kind(output, classes)
    if task.type == "bitvector":
        return ItemClasses(output, counts, classes)
    return ItemClass(output, counts, classes, task, chain)


class RecordClass:
    """One class per record."""

    def __init__(self, output: str, classes: Sequence[str]) -> None:
        self._output, self._classes = output, list(classes)

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """See `Answers`."""
        del inputs
        found: Floats = outputs[self._output]  # (B, k)
        best, sure, classes = found.argmax(1).tolist(), rounded(found.max(1)), self._classes
        return [{"label": classes[place], "confidence": chance} for place, chance in zip(best, sure, strict=True)]


class RecordClasses:
    """Any number of classes per record."""

    def __init__(self, output: str, classes: Sequence[str]) -> None:
        self._output, self._classes = output, list(classes)

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """See `Answers`."""
        del inputs
        labels, sure = several(outputs[self._output], self._classes)
        return [{"label": label, "confidence": chance} for label, chance in zip(labels, sure, strict=True)]


class ItemClasses:
    """Any number of classes per token or member."""

    def __init__(self, output: str, counts: str, classes: Sequence[str]) -> None:
        self._output, self._counts, self._classes = output, counts, list(classes)

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """See `Answers`."""
        found: Floats = outputs[self._output]  # (B, T, k)
        counts = inputs[self._counts]
        inside = np.arange(found.shape[1]) < counts[:, None]
        labels, sure = several(found[inside], self._classes)
        answers, start = [], 0
        for count in counts.tolist():
            answers.append({"label": labels[start:start + count], "confidence": sure[start:start + count]})
            start += count
        return answers


class ItemClass:
    """One class per token or member; where they spell spans or form a chain, the best sequence."""

    def __init__(self, output: str, counts: str, classes: Sequence[str], task: Task, chain: Chain | None) -> None:
        self._output, self._counts, self._classes = output, counts, list(classes)
        self._spans, self._chain = task.spans is not None, chain
        self._starts, self._follows = valid_transitions(self._classes)

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """See `Answers`."""
        counts = inputs[self._counts]
        found, best = self._decoded(outputs[self._output], counts)
        chosen = np.take_along_axis(found, best[:, :, None].astype(np.int64), 2)[:, :, 0]
        rows = zip(best.tolist(), rounded(chosen), counts.tolist(), strict=True)
        classes = self._classes
        answers: list[Answer] = [
            {"label": [classes[place] for place in places[:count]], "confidence": sure[:count]}
            for places, sure, count in rows
        ]
        if self._spans:
            for answer in answers:
                answer["spans"] = spans_of(answer["label"])
        return answers

    def _decoded(self, found: Floats, counts: NDArray[np.int64]) -> tuple[Floats, NDArray[Any]]:
        """(B, T, k) probabilities and (B, T) classes."""
        if self._chain is not None:
            return decode_chain(found, counts, self._chain, self._classes if self._spans else None)
        best = found.argmax(2)
        if self._spans:
            odd = np.flatnonzero(~self._valid(best, counts))
            if len(odd):
                best[odd] = decode_spans(found[odd], counts[odd], self._classes)
        return found, best

    def _valid(self, best: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B,) whether the most probable classes already spell spans: mostly they do, and then are the best path."""
        steps = self._follows[best[:, :-1], best[:, 1:]] | (np.arange(1, best.shape[1]) >= counts[:, None])
        return np.asarray(steps.all(1) & (self._starts[best[:, 0]] | (counts == 0)))


class SelectAnswers:
    """The position of one candidate, null where there is none."""

    def __init__(self, output: str, counts: str) -> None:
        self._output, self._counts = output, counts

    def __call__(self, outputs: Arrays, inputs: Arrays) -> list[Answer]:
        """See `Answers`; beyond a row's candidates probabilities are zero."""
        found: Floats = outputs[self._output]  # (B, M)
        rows = zip(found.argmax(1).tolist(), rounded(found.max(1)), inputs[self._counts].tolist(), strict=True)
        return [{"label": place, "confidence": sure} if count else {"label": None, "confidence": 0.0}
                for place, sure, count in rows]


def several(found: Floats, classes: Sequence[str]) -> tuple[list[list[str]], list[float]]:
    """(n, k) probabilities as the classes that hold, and the probability of exactly these."""
    holds = found >= THRESHOLD
    sure = np.where(holds, found, 1 - found).prod(1)
    labels = [[classes[place] for place, said in enumerate(row) if said] for row in holds.tolist()]
    return labels, rounded(sure)


def rounded(found: Floats) -> list[Any]:
    """Probabilities as numbers of few digits: what is beyond is noise of the arithmetic."""
    plain: list[Any] = np.round(found.astype(np.float64), DIGITS).tolist()
    return plain


def spans_of(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Valid BIO labels as half-open token spans."""
    spans: list[dict[str, Any]] = []
    for place, label in enumerate(labels):
        if label.startswith("B-"):
            spans.append({"type": label[2:], "range": [place, place + 1]})
        elif label.startswith("I-") and spans:
            spans[-1]["range"][1] = place + 1
    return spans
