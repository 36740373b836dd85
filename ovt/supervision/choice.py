"""Which label model to believe: cross-validated on dev gold, never below majority vote.

Every candidate is scored by the log-loss of its probabilities on dev items that
neither its parameters (where they are fitted to gold) nor its temperature have
seen. The best one wins: training learns from probabilities, so their log-loss
is what matters, and on public data preferring another candidate within one
standard error cost the model 4 points where it mattered at all. Of equals the
simplest is taken. Where there is too little gold the sources themselves decide
(`structure`). A model that answers fewer dev items right than majority vote is never chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.supervision import calibration
from ovt.supervision.calibration import (
    FLOOR,
    Calibration,
    calibrate,
    ece,
    expected_temperature,
    log_loss,
    macro_f1,
)
from ovt.supervision.label_models.ballots import UNKNOWN, Ballots, Floats, Ints
from ovt.supervision.label_models.candidates import LabelModel, candidates, needs_gold, refit
from ovt.supervision.structure import ENOUGH_GOLD, by_structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.supervision.held_votes import Heard

FOLDS = 10
FEWER_FOLDS = 5
MANY = 2_000
"""Items with gold from which on fewer folds tell as much."""
MOST_JUDGED = 3_000
"""Items with gold that candidates are judged on; the others are anchors still."""
LEAST_JUDGED, SLACK = 500, 1.5
"""Items that are judged in any case, and how many times too many are not worth a draw."""
MOST_CELLS = 4_000_000
"""Cells of judged items: with thousands of classes fewer items are judged."""
TIE = 1e-12
"""Accuracies this close are equal."""


@dataclass(frozen=True)
class Score:
    """A candidate on dev items it has not seen."""

    log_loss: float
    accuracy: float
    f1: float
    """Macro F1 over the classes that occur; equal to accuracy for select."""
    ece: float

    def rounded(self) -> dict[str, float]:
        """As a report shows it."""
        return {name: round(value, 6) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Chosen:
    """The label model of a task, fitted."""

    name: str
    reason: str
    model: LabelModel
    parameters: Any
    calibration: Calibration
    scores: dict[str, Score]
    """By candidate; empty without enough gold."""
    above_floor: bool = True
    """No candidate could be had that answers as many dev items right as majority vote, if false."""
    judged: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """(d,) the dev items, by their number in the ballots, that it was chosen on."""
    held: Floats = field(default_factory=lambda: np.empty(0))
    """(their cells,) log probabilities of them by fits that had not seen their gold."""
    heard: dict[str, Heard] = field(default_factory=dict)
    """By candidate, how it did on votes it was not shown, where those chose; empty with enough gold."""

    def log_probabilities(self, ballots: Ballots) -> Floats:
        """(cells,) calibrated where there was gold."""
        return calibration.apply(ballots, self.model.predict(self.parameters, ballots), self.calibration)


@dataclass(frozen=True)
class Truth:
    """Gold of the ballots' items, UNKNOWN where there is none."""

    dev: Ints
    """(n,) chooses, calibrates and anchors."""
    train: Ints
    """(n,) where gold of train may be used: anchors, and chooses where dev has too little."""
    floor: float = 0.0
    """Dev accuracy of majority vote with one vote for each source."""
    blocks: Ints | None = None
    """(n,) items of one block (tokens of a sequence) are not independent, and are held out together."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) dev items."""
        known: NDArray[np.bool_] = self.dev != UNKNOWN
        return known

    @property
    def anchors(self) -> Ints:
        """(n,) all gold."""
        return np.where(self.known, self.dev, self.train)


def choose(ballots: Ballots, truth: Truth, seed: int = 0) -> Chosen:
    """Fit every candidate to the ballots of train and dev, and choose one; seed is that of the folds."""
    models = candidates(ballots, truth.anchors)
    found = int(truth.known.sum())
    if found < ENOUGH_GOLD <= int((truth.anchors != UNKNOWN).sum()):
        truth = replace(truth, dev=truth.anchors)
    truth = judged(ballots, truth, seed)
    if truth.known.sum() >= ENOUGH_GOLD:
        return _by_dev(ballots, truth, models, seed)
    spoken = by_structure(ballots, seed)
    model = models[spoken.model]
    parameters = model.fit(ballots, truth.anchors)
    guess = Calibration(1.0 if spoken.model == "majority" else expected_temperature(ballots))
    reason = f"{found or 'no'} dev items with gold: {spoken.model} by structure, {spoken.why}"
    return Chosen(spoken.model, reason, model, parameters, guess, {}, heard=spoken.heard)


@dataclass(frozen=True)
class _Trial:
    """A candidate in cross-validation."""

    losses: Floats
    """(dev items,) negative log of the probability of the truth."""
    score: Score
    calibration: Calibration
    """Fitted to all of dev."""
    parameters: Any
    held: Floats
    """(dev cells,) calibrated log probabilities that have seen none of their gold."""


def judged(ballots: Ballots, truth: Truth, seed: int) -> Truth:
    """As many dev items as tell enough, in whole blocks; the gold of the others is an anchor still."""
    found, width = int(truth.known.sum()), int(ballots.offsets[-1]) / max(ballots.n, 1)
    most = min(MOST_JUDGED, max(LEAST_JUDGED, int(MOST_CELLS / max(width, 1.0))))
    if found <= SLACK * most:
        return truth
    block = np.arange(len(truth.dev)) if truth.blocks is None else truth.blocks
    lot = np.random.default_rng((seed, found)).random(int(block.max()) + 1)
    drawn = truth.known & (lot[block] < most / found)
    return replace(truth, dev=np.where(drawn, truth.dev, UNKNOWN), train=truth.anchors)


def _by_dev(
    ballots: Ballots, truth: Truth, models: dict[str, LabelModel], seed: int
) -> Chosen:
    folds = _folds(truth, seed)
    trials = {name: _trial(ballots, truth, name, model, folds) for name, model in models.items()}
    floor = max(truth.floor, trials["majority"].score.accuracy)
    name, reason = _pick(trials, floor)
    scores = {each: trial.score for each, trial in trials.items()}
    won = trials[name]
    above = won.score.accuracy >= truth.floor - TIE
    return Chosen(name, reason, models[name], won.parameters, won.calibration, scores, above,
                  np.flatnonzero(truth.known), won.held)


def _trial(ballots: Ballots, truth: Truth, name: str, model: LabelModel, folds: Ints) -> _Trial:
    """Logits that have not seen their gold, calibrated by folds that have not either."""
    few, gold = ballots.pick(truth.known), truth.dev[truth.known]
    parameters = model.fit(ballots, truth.anchors)
    logits = model.predict(parameters, few)
    if needs_gold(name):
        logits = _held_out(ballots, truth, (model, parameters), folds)
    plain = name == "majority"
    expected = 1.0 if plain else expected_temperature(ballots)
    held = np.empty_like(logits)
    for fold in range(int(folds.max()) + 1):
        others = folds != fold
        inside = few.spread((~others).astype(np.float64)) > 0
        learned = calibrate(few.pick(others), logits[~inside], gold[others], expected, biased=not plain)
        held[inside] = calibration.apply(few.pick(~others), logits[inside], learned)
    whole = calibrate(few, logits, gold, expected, biased=not plain)
    losses = -np.maximum(held[few.offsets[:-1] + gold], np.log(FLOOR))
    return _Trial(losses, _score(few, held, gold), whole, parameters, held)


def _score(few: Ballots, logs: Floats, gold: Ints) -> Score:
    answers = few.answers(logs)
    right = (answers == gold).astype(np.float64)
    truths, confidence = np.exp(logs[few.offsets[:-1] + gold]), np.exp(few.item_peaks(logs))
    f1 = macro_f1(answers, gold) if few.k is not None else float(right.mean())
    return Score(log_loss(truths), float(right.mean()), f1, ece(confidence, right))


def _folds(truth: Truth, seed: int) -> Ints:
    """(dev items,) a fold for each, equal in size; a block is in one fold."""
    found = np.flatnonzero(truth.known)
    blocks = np.arange(len(found)) if truth.blocks is None else _numbered(truth.blocks[found])
    n = int(blocks.max()) + 1
    order = np.random.default_rng((seed, n)).permutation(n)
    return (order % min(FOLDS if n < MANY else FEWER_FOLDS, n)).astype(np.int64)[blocks]


def _numbered(keys: Ints) -> Ints:
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _held_out(ballots: Ballots, truth: Truth, fitted: tuple[LabelModel, Any], folds: Ints) -> Floats:
    """(dev cells,) each fold predicted by a model that was fitted without its gold."""
    model, whole = fitted
    dev = np.flatnonzero(truth.known)
    few = ballots.pick(truth.known)
    logits = np.zeros(int(few.offsets[-1]))
    for fold in range(int(folds.max()) + 1):
        hidden = truth.anchors.copy()
        hidden[dev[folds == fold]] = UNKNOWN
        inside = few.spread((folds == fold).astype(np.float64)) > 0
        logits[inside] = model.predict(refit(model, whole, ballots, hidden), few.pick(folds == fold))
    return logits


def _pick(trials: dict[str, _Trial], floor: float) -> tuple[str, str]:
    """The best log-loss above the floor, of equals the simplest; in words too."""
    able = [name for name, trial in trials.items() if trial.score.accuracy >= floor - TIE] or ["majority"]
    least = min(trials[name].score.log_loss for name in able)
    name = next(name for name in able if trials[name].score.log_loss <= least + TIE)
    told = f"best log-loss on {len(trials[name].losses)} items with gold that it had not seen"
    return name, f"{told}; accuracy {trials[name].score.accuracy:.3f}, majority vote {floor:.3f}"
