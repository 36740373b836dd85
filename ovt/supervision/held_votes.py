"""Choosing a label model without gold: by the votes it is not shown.

Each fold hides a fifth of the votes (near-copies together, since one gives the
other away), every candidate is fitted to the rest, and asked about the items
whose votes were hidden. Sources that know something agree with the truth more
often than with anything else, so of two models the one whose answers agree with
more of the hidden votes is nearer to the truth, whatever it believes about itself:
a model that has collapsed, or that explains the votes by a class that is not
there, agrees with fewer. Of models within one standard error of the best the
simplest is taken (Breiman et al. 1984), and majority vote is left only for a model
that also makes the hidden votes likelier: where sources vote for one class each, a
model that always answers the class with most sources agrees with many.

Agreement is blind to one thing: where all sources lean to the same side, the
answers that agree with them are not the right ones. If a richer model makes the
votes of an item together so much likelier than the one that agrees best
(`SPEAKS`), it knows how they lean, and is believed. That takes many votes an item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models.ballots import UNKNOWN, sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Ballots, Floats
    from ovt.supervision.label_models.candidates import LabelModel

FOLDS = 5
MOST_VOTES = 60_000
"""Votes looked at, plus VOTES_PER_SOURCE for each source: more do not tell more."""
VOTES_PER_SOURCE = 20
FEW_VOTES = 30_000
"""Votes from which on two folds are enough."""
SPEAKS = 0.5
"""Nats by item that a model must explain votes better by, to be believed against agreement."""
NEGLIGIBLE = 0.003
"""Difference in agreement for which no other model is taken, however surely it is there."""
TEMPERATURES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0)
"""What a model believes is tempered by one of these before its likelihood is compared: the best for it."""
MOST_CLASSES = 50
"""Classes up to which it is counted how often each is voted for where another is the answer."""
MOST_CELLS = 2_000_000
"""Items times classes, and hidden votes times classes, that are looked at."""


@dataclass(frozen=True)
class Heard:
    """A label model on votes that it was not shown."""

    agreement: float
    """Share of them that are its answers."""
    log_loss: float
    """Mean negative log of the probability that it gives to them, at the temperature that suits it best."""
    hits: Floats
    """(hidden votes,) whether each is its answer."""

    def rounded(self) -> dict[str, float]:
        """As a report shows it."""
        return {"agreement": round(self.agreement, 6), "log_loss": round(self.log_loss, 6)}


def hear(ballots: Ballots, models: Mapping[str, LabelModel], seed: int) -> dict[str, Heard]:
    """Every model on the same hidden votes; empty if no item has two voices."""
    few = _sampled(ballots, seed)
    fold = _folds(few, seed)
    used = FOLDS if len(few.items) <= FEW_VOTES else 2
    parts = [part for part in (_Part.of(few, fold == each) for each in range(used)) if len(part.hidden)]
    if not parts:
        return {}
    weight = np.concatenate([few.weights[part.hidden] for part in parts])
    found = {}
    for name, model in models.items():
        heard = [part.ask(few, model) for part in parts]
        hits = np.concatenate([part_hits for part_hits, _ in heard])
        loss = min(_log_loss(parts, few, [logits for _, logits in heard], t) for t in TEMPERATURES)
        found[name] = Heard(float(np.average(hits, weights=weight)), loss, hits)
    return found


def agreement_with(ballots: Ballots, model: LabelModel, judges: NDArray[np.bool_], seed: int) -> Floats:
    """(hidden votes of the judges,) whether each is the model's answer; judges (n_sources,) says whose votes count."""
    few = _sampled(ballots, seed)
    fold = _folds(few, seed)
    used = FOLDS if len(few.items) <= FEW_VOTES else 2
    hits = [np.empty(0)]
    for each in range(used):
        part = _Part.of(few, fold == each)
        if len(part.hidden):
            hits.append(part.ask(few, model)[0][judges[few.sources[part.hidden]]])
    return np.concatenate(hits)


def prefer(heard: Mapping[str, Heard], voices: float) -> tuple[str, str]:
    """The model to take, and why, in words; `heard` is ordered from the simplest model on."""
    plain = heard.get("majority")
    able = {each: of for each, of in heard.items() if plain is None or of.log_loss <= plain.log_loss}
    best = max(able, key=lambda name: able[name].agreement)
    name = next(each for each in able
                if heard[best].agreement - heard[each].agreement <= max(_error(heard, best, each), NEGLIGIBLE))
    told = f"its answers are {heard[name].agreement:.1%} of the votes that it was not shown"
    if plain is not None and name != "majority":
        told += f", majority vote's {plain.agreement:.1%}"
    likelier = min(heard, key=lambda each: heard[each].log_loss)
    gain = (heard[name].log_loss - heard[likelier].log_loss) * voices
    if likelier != name and gain > SPEAKS:
        return likelier, f"it makes the votes on an item {np.exp(min(gain, 50)):.1f} times likelier than {name} does"
    return name, told


def _error(heard: Mapping[str, Heard], a: str, b: str) -> float:
    """Standard error of the difference of two agreements on the same votes."""
    apart = heard[a].hits - heard[b].hits
    return float(apart.std() / np.sqrt(len(apart)))


@dataclass(frozen=True)
class _Part:
    """One fold."""

    shown: Ballots
    """The same items with the votes that are not hidden."""
    hidden: NDArray[np.int64]
    """Numbers of the hidden votes on items that keep another voice."""

    @classmethod
    def of(cls, ballots: Ballots, out: NDArray[np.bool_]) -> _Part:
        shown = replace(ballots, items=ballots.items[~out], sources=ballots.sources[~out], labels=ballots.labels[~out])
        return cls(shown, np.flatnonzero(out & (shown.turnout > 0)[ballots.items]))

    def ask(self, ballots: Ballots, model: LabelModel) -> tuple[Floats, Floats]:
        """Whether each hidden vote is the model's answer, and the logits (cells,) of all items."""
        shown = self.shown
        logits = model.predict(model.fit(shown, np.full(shown.n, UNKNOWN, np.int64)), shown)
        hits = shown.answers(logits)[ballots.items[self.hidden]] == ballots.labels[self.hidden]
        return hits.astype(np.float64), logits


def _log_loss(parts: list[_Part], ballots: Ballots, logits: list[Floats], temperature: float) -> float:
    """Mean negative log probability of the hidden votes, whose reliability is that of all of them."""
    told = [_likelihood(part, ballots, found, temperature) for part, found in zip(parts, logits, strict=True)]
    return -float(np.log(np.concatenate(told)).mean())


def _likelihood(part: _Part, ballots: Ballots, logits: Floats, temperature: float) -> Floats:
    """(hidden votes,) probability of each."""
    chances = np.exp(ballots.normalise(logits / temperature))
    hidden = part.hidden
    if ballots.k is None or ballots.k > MOST_CLASSES:
        # One accuracy for all: candidates of one item are not those of another, and votes are too few for many classes.
        item, voted = ballots.items[hidden], chances[ballots.cells[hidden]]
        rate = np.clip(voted.mean(), 0.05, 0.95)
        return np.asarray(rate * voted + (1 - rate) * (1 - voted) / np.maximum(ballots.sizes[item] - 1, 1))
    hidden = hidden[:: int(np.ceil(len(hidden) * ballots.k / MOST_CELLS))]
    label, table = ballots.labels[hidden], chances.reshape(-1, ballots.k)[ballots.items[hidden]]
    given = np.stack([sums(label, table[:, c], ballots.k) for c in range(ballots.k)]) + 1.0
    given /= given.sum(axis=1, keepdims=True)
    return np.asarray((table * given[:, label].T).sum(axis=1))


def _sampled(ballots: Ballots, seed: int) -> Ballots:
    """Items with two voices or more, a random share of them if there are many votes."""
    several = ballots.turnout > 1
    total = float(ballots.turnout[several].sum())
    share = (MOST_VOTES + VOTES_PER_SOURCE * ballots.n_sources) / max(total, 1.0)
    share = min(share, MOST_CELLS / max(float(ballots.sizes[several].sum()), 1.0))
    lot = np.random.default_rng((seed, ballots.n)).random(ballots.n)
    return ballots.pick(several & (lot < share))


def _folds(ballots: Ballots, seed: int) -> NDArray[np.int64]:
    """(v,) the fold that hides each vote; near-copies on one item are in one fold."""
    source = ballots.sources if ballots.clusters is None else ballots.clusters[ballots.sources]
    key = ballots.items * (ballots.n_sources + 1) + source
    voice, number = np.unique(key, return_inverse=True)
    lot = np.random.default_rng((seed, len(voice))).integers(0, FOLDS, len(voice))
    return np.asarray(lot[number.reshape(-1)], np.int64)
