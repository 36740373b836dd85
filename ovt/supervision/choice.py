"""Which label model to believe: cross-validated on dev gold, never below majority vote.

Every candidate is scored by the log-loss of its probabilities on dev items that
neither its parameters (where they are fitted to gold) nor its temperature have
seen. The best one wins: training learns from probabilities, so their log-loss
is what matters, and on public data preferring another candidate within one
standard error cost the model 4 points where it mattered at all. The structure
of the sources decides between equals, and alone where there is too little gold.
A model that answers fewer dev items right than majority vote is never chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from ovt.supervision.label_models.candidates import NEEDS_GOLD, LabelModel, candidates
from ovt.supervision.label_models.dawid_skene import restricted
from ovt.supervision.label_models.priors import balance

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 10
ENOUGH_GOLD = 10
"""Dev items with gold below which nothing is chosen by them."""
HARDLY = 0.02
"""Share of contested items below which nothing can be learned from conflicts."""
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
    preferred, why = by_structure(ballots, truth.anchors)
    found = int(truth.known.sum())
    if found < ENOUGH_GOLD <= int((truth.anchors != UNKNOWN).sum()):
        truth = replace(truth, dev=truth.anchors)
    if truth.known.sum() >= ENOUGH_GOLD:
        return _by_dev(ballots, truth, models, (preferred, why), seed)
    parameters = models[preferred].fit(ballots, truth.anchors)
    guess = Calibration(1.0 if preferred == "majority" else expected_temperature(ballots))
    reason = f"{found or 'no'} dev items with gold: {preferred} by structure, {why}"
    return Chosen(preferred, reason, models[preferred], parameters, guess, {})


def by_structure(ballots: Ballots, gold: Ints) -> tuple[str, str]:
    """The model that the sources' structure speaks for, and why, in words.

    Without gold it decides alone, so it says majority vote wherever agreement is
    no evidence of truth: few votes an item, no conflicts, or sources that vote
    for some classes only, whose precisions depend on a class balance that their
    votes do not show.
    """
    voices = float(ballots.voices.mean()) if ballots.n else 0.0
    if voices < 1.5:
        return "majority", f"{voices:.1f} independent votes an item leave little to learn accuracies from"
    if contested(ballots) < HARDLY:
        return "majority", "sources hardly ever disagree, so nothing tells them apart"
    if ballots.k is None or "dawid_skene" not in candidates(ballots, gold):
        return "one_coin", f"{voices:.1f} sources vote on an item, and its answers are too many for confusions"
    limited = restricted(ballots, balance(ballots, gold))
    share = float(limited[ballots.sources].mean())
    if share > 0.5:
        name = "dawid_skene" if (gold != UNKNOWN).sum() >= ENOUGH_GOLD else "majority"
        return name, f"{share:.0%} of the votes come from sources that vote for some classes only"
    per_class = len(ballots.items) / max(ballots.n_sources, 1) / ballots.k
    if per_class >= 10 and voices >= 3:
        return "dawid_skene", f"{per_class:.0f} votes a source and class, {voices:.1f} an item, show confusions"
    return "one_coin", f"{per_class:.0f} votes a source and class are too few for confusions"


def contested(ballots: Ballots) -> float:
    """Share of the items with several votes whose votes differ."""
    several = ballots.turnout > 1
    if not several.any():
        return 0.0
    tops = ballots.item_peaks(ballots.cell_sums(np.ones(len(ballots.items))))
    return float((tops < ballots.turnout)[several].mean())


@dataclass(frozen=True)
class _Trial:
    """A candidate in cross-validation."""

    losses: Floats
    """(dev items,) negative log of the probability of the truth."""
    score: Score
    calibration: Calibration
    """Fitted to all of dev."""
    parameters: Any


def _by_dev(
    ballots: Ballots, truth: Truth, models: dict[str, LabelModel], structure: tuple[str, str], seed: int
) -> Chosen:
    folds = _folds(int(truth.known.sum()), seed)
    trials = {name: _trial(ballots, truth, name, model, folds) for name, model in models.items()}
    floor = max(truth.floor, trials["majority"].score.accuracy)
    name, reason = _pick(trials, structure, floor)
    scores = {each: trial.score for each, trial in trials.items()}
    won = trials[name]
    above = won.score.accuracy >= truth.floor - TIE
    return Chosen(name, reason, models[name], won.parameters, won.calibration, scores, above)


def _trial(ballots: Ballots, truth: Truth, name: str, model: LabelModel, folds: Ints) -> _Trial:
    """Logits that have not seen their gold, calibrated by folds that have not either."""
    few, gold = ballots.pick(truth.known), truth.dev[truth.known]
    parameters = model.fit(ballots, truth.anchors)
    logits = _held_out(ballots, truth, model, folds) if name in NEEDS_GOLD else model.predict(parameters, few)
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
    return _Trial(losses, _score(few, held, gold), whole, parameters)


def _score(few: Ballots, logs: Floats, gold: Ints) -> Score:
    answers = few.answers(logs)
    right = (answers == gold).astype(np.float64)
    truths, confidence = np.exp(logs[few.offsets[:-1] + gold]), np.exp(few.item_peaks(logs))
    f1 = macro_f1(answers, gold) if few.k is not None else float(right.mean())
    return Score(log_loss(truths), float(right.mean()), f1, ece(confidence, right))


def _folds(n: int, seed: int) -> Ints:
    """(n,) a fold for each item, equal in size."""
    order = np.random.default_rng((seed, n)).permutation(n)
    return (order % min(FOLDS, n)).astype(np.int64)


def _held_out(ballots: Ballots, truth: Truth, model: LabelModel, folds: Ints) -> Floats:
    """(dev cells,) each fold predicted by a model that was fitted without its gold."""
    dev = np.flatnonzero(truth.known)
    few = ballots.pick(truth.known)
    logits = np.zeros(int(few.offsets[-1]))
    for fold in range(int(folds.max()) + 1):
        hidden = truth.anchors.copy()
        hidden[dev[folds == fold]] = UNKNOWN
        inside = few.spread((folds == fold).astype(np.float64)) > 0
        logits[inside] = model.predict(model.fit(ballots, hidden), few.pick(folds == fold))
    return logits


def _pick(trials: dict[str, _Trial], structure: tuple[str, str], floor: float) -> tuple[str, str]:
    """The best log-loss above the floor, in words too."""
    able = [name for name, trial in trials.items() if trial.score.accuracy >= floor - TIE] or ["majority"]
    least = min(trials[name].score.log_loss for name in able)
    equal = [name for name in able if trials[name].score.log_loss <= least + TIE]
    name = structure[0] if structure[0] in equal else equal[0]
    told = f"best log-loss on {len(trials[name].losses)} items with gold that it had not seen"
    if len(equal) > 1 and name == structure[0]:
        told += f", and {structure[1]}"
    return name, f"{told}; accuracy {trials[name].score.accuracy:.3f}, majority vote {floor:.3f}"
