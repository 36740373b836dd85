"""The training targets of a task: the label model's probabilities, gold in its place, `O` where nobody spoke."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.data.votes import Votes
from ovt.supervision import fitting
from ovt.supervision.copies import named
from ovt.supervision.label_models import majority
from ovt.supervision.label_models.ballots import UNKNOWN, Ints
from ovt.supervision.posterior import Learned, shaped
from ovt.supervision.sequences.decoder_choice import Corpus, decide
from ovt.supervision.sequences.decoding import Tokens, decode
from ovt.supervision.sequences.spans import is_bio
from ovt.supervision.silence import silence
from ovt.supervision.tally import Kind, Tally, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
    decoders: dict[str, dict[str, float]] = field(default_factory=dict)
    """For BIO tasks, by decoder, the same on sentences it has not seen; there f1 is that of spans."""
    heard: dict[str, dict[str, float]] = field(default_factory=dict)
    """Without gold, by label model: agreement with votes it was not shown, and their log_loss."""
    learned: Learned | None = None
    """What was learned, to be asked again (`ovt.supervision.posterior`); None without a label model."""

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
    truth, cast = _of_source(votes, gold_name), votes.without(gold_name)
    fitting_items = np.ones(votes.n_items, bool) if train_items is None else train_items
    spell = spans and classes is not None and sequences is not None and is_bio(classes)
    counted = tally(cast, kind, n_classes, candidates)
    task = _Task(cast, counted, gold, fitting_items, sequences if spell else None, seed)
    base, fitted = _label_model(task, truth)
    if kind == "select":
        assert candidates is not None
        return _select(base, truth, candidates)
    bits = _with_gold(base, truth, kind, n_classes)
    if fitted is None or task.sequences is None or classes is None:
        return bits
    return _with_gold(_read(task, bits, fitted, tuple(classes)), truth, kind, n_classes)


@dataclass(frozen=True)
class _Task:
    """What the steps below share."""

    votes: Votes
    """Without gold."""
    counted: Tally
    gold: Votes | None
    """Of dev."""
    fitting_items: NDArray[np.bool_]
    """(n_items,)"""
    sequences: Ints | None
    """(s + 1,) if the labels spell spans."""
    seed: int


def _of_source(votes: Votes, name: str) -> Votes:
    """The votes of one source alone."""
    if name not in votes.names:
        return Votes.empty(votes.n_items)
    keep = votes.sources == votes.names.index(name)
    return Votes(votes.items[keep], votes.sources[keep], votes.labels[keep], votes.names, votes.n_items)


def _label_model(task: _Task, truth: Votes) -> tuple[Combined, _FittedTo | None]:
    """Targets of the items that sources other than gold cover, and the model they come from."""
    counted, votes = task.counted, task.votes
    ballots = counted.ballots
    if not ballots.n:
        empty = np.empty(0 if ballots.k is None else (0, counted.classes), np.float32)
        name, why = ("gold", "gold is the only source") if len(truth.items) else ("none", "no source votes")
        return Combined(counted.covered, np.empty(0, np.float32), empty, np.zeros(1, np.int64), name, why), None
    found = _fit(task, truth)
    chosen = found.fitted.chosen
    flat = found.fitted.probabilities(ballots)
    learned = Learned(chosen.name, counted.kind, counted.classes, votes.names, chosen.parameters, chosen.calibration,
                      found.fitted.clusters, found.fitted.ties)
    accuracies = chosen.model.accuracies(chosen.parameters).reshape(len(votes.names), -1)
    share = np.bincount(ballots.sources, minlength=ballots.n_sources).reshape(accuracies.shape) + 1e-9
    by_source = (accuracies * share).sum(axis=1) / share.sum(axis=1)
    return Combined(
        counted.covered, np.ones(len(counted.covered), np.float32), shaped(flat, counted), ballots.offsets, chosen.name,
        chosen.reason, {name: score.rounded() for name, score in chosen.scores.items()},
        dict(zip(votes.names, by_source.tolist(), strict=True)), named(found.fitted.clusters, votes.names),
        chosen.calibration.temperature, learned=learned,
        heard={name: heard.rounded() for name, heard in chosen.heard.items()},
    ), found


@dataclass(frozen=True)
class _FittedTo:
    """A label model, and which ballot items it was fitted to."""

    fitted: fitting.Fitted
    used: Ints
    """(u,) ascending."""


def _fit(task: _Task, truth: Votes) -> _FittedTo:
    """Choose and fit on the items of train and those with gold, or on a sample of them."""
    counted, ballots = task.counted, task.counted.ballots
    dev, anchors = counted.gold_of(task.gold), counted.gold_of(truth)
    keep = (dev != UNKNOWN) | (anchors != UNKNOWN)
    mask = counted.of_items(task.fitting_items) | (dev != UNKNOWN)
    if not mask.any():
        mask[:] = True
    width = int(ballots.offsets[-1]) / ballots.n
    mask[mask] = fitting.sample(ballots.turnout[mask], keep[mask], len(task.votes.names), width, task.seed)
    used = np.flatnonzero(mask)
    blocks = None if task.sequences is None else np.searchsorted(task.sequences, counted.covered[used], side="right")
    fitted = fitting.fit(ballots.pick(mask), dev[mask], anchors[mask], task.seed, blocks=blocks)
    return _FittedTo(fitted, used)


def _with_gold(base: Combined, truth: Votes, kind: Kind, k: int) -> Combined:
    """Gold of train replaces what the sources say: probabilities 0 and 1, weight 1."""
    if not len(truth.items):
        return base if kind == "select" else replace(base, offsets=None)
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


def _read(task: _Task, base: Combined, found: _FittedTo, classes: tuple[str, ...]) -> Combined:
    """Silent tokens as `O` unless sources say `O` themselves, then sequences as the best decoder reads them."""
    assert task.sequences is not None
    gold = dense_gold(task.gold, task.votes.n_items)
    quiet = None
    if not (task.votes.labels == classes.index("O")).any():
        heavy = np.zeros(task.votes.n_items, bool)
        heavy[base.items] = True
        quiet = silence(heavy, gold, task.sequences, classes)
    tokens = Tokens(base.items, base.probabilities, base.weights)
    held, plain = _held(task, found, len(classes))
    corpus = Corpus(task.votes, tokens, held, plain, gold, task.fitting_items, task.sequences, classes)
    decided = decide(corpus, quiet, task.seed)
    read = decode(decided.decoding, task.votes, tokens, task.sequences)
    learned = None if base.learned is None else replace(base.learned, decoding=decided.decoding)
    return replace(
        base, items=read.items, weights=read.weights, probabilities=read.probabilities, learned=learned,
        reason=f"{base.reason}; {decided.reason}",
        decoders={name: score.rounded() for name, score in decided.scores.items()},
    )


def _held(task: _Task, found: _FittedTo, k: int) -> tuple[Tokens, Tokens]:
    """Dev tokens as the chosen model sees them without their gold, and as majority vote does."""
    chosen, counted = found.fitted.chosen, task.counted
    at = found.used[chosen.judged]
    mask = np.zeros(counted.ballots.n, bool)
    mask[at] = True
    few = counted.ballots.pick(mask)
    votes_alone = np.full(few.n, UNKNOWN, np.int64)
    plain = np.exp(majority.predict(majority.fit(few, votes_alone), few)) if few.n else np.empty(0)
    items = counted.covered[at]
    return Tokens(items, np.exp(chosen.held).reshape(-1, k)), Tokens(items, plain.reshape(-1, k))
