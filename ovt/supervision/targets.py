"""The training targets of a task: the label model's probabilities, gold in its place, `O` where nobody spoke."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.supervision import fitting
from ovt.supervision.copies import named
from ovt.supervision.label_models.ballots import UNKNOWN, Floats, Ints
from ovt.supervision.silence import silence
from ovt.supervision.spans import is_bio, valid_bio
from ovt.supervision.tally import Kind, Tally, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEQUENCES = 1024
"""Sequences made valid at once."""


@dataclass(frozen=True)
class Combined:
    """The training targets of a task, and how they came about."""

    items: Ints
    """(c,) items with a target, ascending."""
    weights: NDArray[np.float32]
    """(c,) 1 for gold and for what the label model says: its doubt is in the probabilities, and counts once."""
    probabilities: NDArray[np.float32]
    """(c, k); for a bitvector one per class; for select (cells,), cut by `offsets`."""
    offsets: Ints | None
    """(c + 1,) where each item's candidates begin, for select."""
    chosen: str
    """Name of the label model; `gold` if gold is the only source, `none` if there is no vote at all."""
    reason: str
    """Why it was chosen."""
    candidates: dict[str, dict[str, float]] = field(default_factory=dict)
    """By label model: log_loss, accuracy, f1 and ece on dev items it has not seen; empty without enough gold."""
    accuracies: dict[str, float] = field(default_factory=dict)
    """By source, as the chosen model estimates it."""
    copies: tuple[tuple[str, ...], ...] = ()
    """Near-copies, which share one vote."""
    temperature: float = 1.0

    @property
    def majority(self) -> dict[str, float]:
        """What majority vote scores on dev; empty without gold."""
        return self.candidates.get("majority", {})


def combine_task(  # noqa: PLR0913 - a task is told in full here, and nowhere else
    votes: Votes,
    *,
    kind: Kind,
    n_classes: int,
    gold: Votes | None = None,
    gold_name: str = "gold",
    train_items: NDArray[np.bool_] | None = None,
    candidates: Ints | None = None,
    sequences: Ints | None = None,
    classes: Sequence[str] | None = None,
    spans: bool = False,
    seed: int = 0,
) -> Combined:
    """Combine a task's votes into training targets.

    Args:
        votes: of all splits; gold of train, where it may be used, is the source `gold_name`.
        kind: of the task.
        n_classes: k; unused for select.
        gold: of dev items: it chooses the label model, sets class balance and temperature.
        gold_name: the source that is the truth.
        train_items: (n_items,) which items the label model is fitted to, beside those of dev; None: all.
        candidates: (n_items + 1,) where each item's candidates begin, for select.
        sequences: (s + 1,) where each sequence begins, for tokens.
        classes: names, needed for spans.
        spans: labels are BIO.
        seed: of samples and folds.
    """
    truth = _of_source(votes, gold_name)
    counted = tally(votes.without(gold_name), kind, n_classes, candidates)
    base = _label_model(counted, votes.without(gold_name), gold, truth, train_items, seed)
    if kind == "select":
        assert candidates is not None
        return _select(base, truth, candidates)
    bits = _with_gold(base, truth, kind, n_classes)
    if base.chosen in {"gold", "none"} or not spans or classes is None or sequences is None or not is_bio(classes):
        return bits
    silent_o = not (votes.without(gold_name).labels == list(classes).index("O")).any()
    spoken = _sequences(bits, dense_gold(gold, votes.n_items) if silent_o else None, sequences, classes)
    return _with_gold(spoken, truth, kind, n_classes)


def _of_source(votes: Votes, name: str) -> Votes:
    """The votes of one source alone."""
    if name not in votes.names:
        return Votes.empty(votes.n_items)
    keep = votes.sources == votes.names.index(name)
    return Votes(votes.items[keep], votes.sources[keep], votes.labels[keep], votes.names, votes.n_items)


def _label_model(
    counted: Tally, votes: Votes, gold: Votes | None, truth: Votes, train_items: NDArray[np.bool_] | None, seed: int
) -> Combined:
    """Targets of the items that sources other than gold cover."""
    ballots = counted.ballots
    if not ballots.n:
        empty = np.empty(0 if ballots.k is None else (0, counted.classes), np.float32)
        name, why = ("gold", "gold is the only source") if len(truth.items) else ("none", "no source votes")
        return Combined(counted.covered, np.empty(0, np.float32), empty, np.zeros(1, np.int64), name, why)
    dev, anchors = counted.gold_of(gold), counted.gold_of(truth)
    fitting_items = np.ones(votes.n_items, bool) if train_items is None else train_items
    mask = counted.of_items(fitting_items) | (dev != UNKNOWN)
    if not mask.any():
        mask[:] = True
    keep = (dev != UNKNOWN) | (anchors != UNKNOWN)
    mask[mask] = fitting.sample(ballots.turnout[mask], keep[mask], len(votes.names), seed)
    fitted = fitting.fit(ballots.pick(mask), dev[mask], anchors[mask], seed)
    chosen = fitted.chosen
    flat = fitted.probabilities(ballots)
    shaped = flat if ballots.k is None else flat.reshape(len(counted.covered), counted.width, -1)
    if counted.kind == "bitvector":
        shaped = shaped[:, :, 1]
    elif counted.kind == "multiclass":
        shaped = shaped[:, 0]
    accuracies = chosen.model.accuracies(chosen.parameters).reshape(len(votes.names), -1)
    share = np.bincount(ballots.sources, minlength=ballots.n_sources).reshape(accuracies.shape) + 1e-9
    by_source = (accuracies * share).sum(axis=1) / share.sum(axis=1)
    return Combined(
        counted.covered, np.ones(len(counted.covered), np.float32), shaped, ballots.offsets, chosen.name,
        chosen.reason, {name: score.rounded() for name, score in chosen.scores.items()},
        dict(zip(votes.names, by_source.tolist(), strict=True)), named(fitted.clusters, votes.names),
        chosen.calibration.temperature,
    )


def _with_gold(base: Combined, truth: Votes, kind: Kind, k: int) -> Combined:
    """Gold of train replaces what the sources say: probabilities 0 and 1, weight 1."""
    known = np.unique(truth.items)
    items = np.union1d(base.items, known)
    probabilities = np.zeros((len(items), k), np.float32)
    probabilities[np.searchsorted(items, base.items)] = base.probabilities
    at = np.searchsorted(items, truth.items)
    probabilities[at] = 0.0
    positive = truth.labels >= 0
    probabilities[at[positive], truth.labels[positive]] = 1.0
    if kind != "bitvector":
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-9)
    weights = np.ones(len(items), np.float32)
    weights[np.searchsorted(items, base.items)] = base.weights
    weights[at] = 1.0
    return replace(base, items=items, weights=weights, probabilities=probabilities, offsets=None)


def _select(base: Combined, truth: Votes, candidates: Ints) -> Combined:
    """Probabilities over the candidates of each item, with gold of train in its place."""
    assert base.offsets is not None
    items = np.union1d(base.items, truth.items)
    sizes = np.diff(candidates)[items]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values = np.zeros(int(offsets[-1]), np.float32)
    values[np.repeat(np.isin(items, base.items), sizes)] = base.probabilities
    known = np.isin(items, truth.items)
    values[np.repeat(known, sizes)] = 0.0
    values[offsets[np.searchsorted(items, truth.items)] + truth.labels] = 1.0
    return replace(base, items=items, weights=np.ones(len(items), np.float32), probabilities=values, offsets=offsets)


def dense_gold(gold: Votes | None, n_items: int) -> Ints:
    """(n_items,) the gold class of each item, UNKNOWN where there is none."""
    answers = np.full(n_items, UNKNOWN, np.int64)
    if gold is not None:
        answers[gold.items] = gold.labels
    return answers


def _sequences(base: Combined, silent_o: Ints | None, sequences: Ints, classes: Sequence[str]) -> Combined:
    """Silent tokens as `O` (silent_o: gold to measure it by, None if sources say `O`), then valid sequences."""
    n, k = int(sequences[-1]), len(classes)
    whole = np.full((n, k), 1.0 / k)
    whole[base.items] = base.probabilities
    weights = np.zeros(n, np.float32)
    weights[base.items] = base.weights
    if silent_o is not None:
        quiet = silence(weights > 0, silent_o, sequences, classes)
        whole[quiet.items], weights[quiet.items] = quiet.probabilities, quiet.weight
    valid = _valid_where_spoken(whole, weights, sequences, classes)
    items = np.flatnonzero(weights)
    return replace(base, items=items, weights=weights[items], probabilities=valid[items].astype(np.float32))


def _valid_where_spoken(whole: Floats, weights: NDArray[np.float32], sequences: Ints, classes: Sequence[str]) -> Floats:
    """`valid_bio` on the sequences with a target, sorted by length so that padding stays small."""
    spoken = np.concatenate([[0], np.cumsum(weights > 0)])[sequences]
    chosen = np.flatnonzero(np.diff(spoken) > 0)
    chosen = chosen[np.argsort(np.diff(sequences)[chosen], kind="stable")]
    out = whole.copy()
    for start in range(0, len(chosen), SEQUENCES):
        batch = chosen[start : start + SEQUENCES]
        lengths = np.diff(sequences)[batch]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        tokens = np.arange(offsets[-1]) + np.repeat(sequences[batch] - offsets[:-1], lengths)
        out[tokens] = valid_bio(whole[tokens], offsets, classes)
    return out
