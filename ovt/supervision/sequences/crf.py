"""A linear-chain CRF over what sources say about a token and its neighbours, fitted on dev gold.

The label model judges tokens one by one. What it cannot see: that a source which
marked the token before, and not this one, ends its span here; that one source
tends to cut the last word off; that two spans of a type rarely touch. A CRF
(Lafferty, McCallum and Pereira 2001) adds that. Its scores are the log
probabilities of the label model plus weights for the votes on the token and on
either neighbour, and for pairs of labels; all weights are drawn to zero, where the
CRF is the label model restricted to valid sequences (see `shrinkage`).

Weights are tied over entity types: what a vote for `B-X` means for `O`, `B-X` and
`I-X` is learned once for each source, so dozens of types need no more gold than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.label_models import shrinkage
from ovt.supervision.label_models.ballots import sums
from ovt.supervision.sequences.spans import may_start, predecessors

if TYPE_CHECKING:

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats, Ints
    from ovt.supervision.sequences.lattice import Lattice

OFFSETS = (-1, 0, 1)
"""Which tokens' votes speak about a token: the one before it, its own, the next."""
RELATIONS = 3
"""A vote for a label of type X speaks about `O`, `B-X` and `I-X`."""
PAIRS = 9
"""Kinds of pairs of labels: what each begins with, and whether they are of one type."""
BELIEVED = (1.0, 8.0)
"""Precision expected of a weight (give or take one nat), and the weights' worth of that belief."""


@dataclass(frozen=True)
class Tags:
    """BIO classes by their parts."""

    names: tuple[str, ...]

    @cached_property
    def outside(self) -> int:
        """The class `O`."""
        return self.names.index("O")

    @cached_property
    def prefix(self) -> Ints:
        """(k,) 0 for `O`, 1 for `B-`, 2 for `I-`."""
        return np.array(["OBI".index(name[0]) for name in self.names])

    @cached_property
    def related(self) -> Ints:
        """(k, RELATIONS) the classes that a vote for each speaks about: `O`, `B-` and `I-` of its type; -1 if none."""
        index = {name: at for at, name in enumerate(self.names)}
        rows = [[self.outside, index.get("B-" + name[2:], -1), index.get("I-" + name[2:], -1)] if name != "O"
                else [self.outside, -1, -1] for name in self.names]
        return np.array(rows, np.int64)

    @cached_property
    def pair_kinds(self) -> Ints:
        """(k, k) the kind of each pair of labels, 0 … PAIRS - 1."""
        types = np.array([name[2:] for name in self.names])
        same = (types[:, None] == types[None, :]) & (self.prefix[:, None] > 0) & (self.prefix[None, :] > 0)
        before, after = np.minimum(self.prefix, 1)[:, None], self.prefix[None, :]
        return np.where(same, 6 + after - 1 + 0 * before, 3 * before + after)

    @cached_property
    def forbidden(self) -> Floats:
        """(k, k) 0 where a label may follow another, else -inf."""
        return np.where(predecessors(self.names), 0.0, -np.inf)

    @cached_property
    def starts(self) -> Floats:
        """(k,) 0 where a sequence may begin with the label, else -inf."""
        return np.where(may_start(self.names), 0.0, -np.inf)


@dataclass(frozen=True)
class Sentences:
    """Tokens of whole sequences, numbered from 0, with the votes on them."""

    lattice: Lattice
    base: Floats
    """(t, k) log probabilities of the label model; of silence where nobody voted."""
    silent: NDArray[np.bool_]
    """(t,) tokens without a vote."""
    tokens: Ints
    """(v,) the token of each vote."""
    sources: NDArray[np.int32]
    labels: NDArray[np.int32]
    sequence: Ints
    """(t,) the sequence of each token."""


@dataclass(frozen=True)
class Inputs:
    """Which weight adds to which cell."""

    cells: Ints
    """(e,) token * k + class."""
    kinds: Ints
    """(e,) number of a weight."""


@dataclass(frozen=True)
class Layout:
    """Where each weight lies in the vector."""

    sources: int
    tags: Tags

    @property
    def votes(self) -> int:
        """Weights of votes: source, what its label begins with, offset, relation."""
        return self.sources * 3 * len(OFFSETS) * RELATIONS

    @property
    def size(self) -> int:
        """All weights: of votes, of classes on silent and on other tokens, of pairs, and one that scales the base."""
        return self.votes + 2 * len(self.tags.names) + PAIRS + 1

    def inputs(self, sentences: Sentences) -> Inputs:
        """Each vote speaks about three classes of its token and of both neighbours."""
        k = len(self.tags.names)
        cells, kinds = [np.arange(len(sentences.base) * k)], [self._biases(sentences)]
        prefix, related = self.tags.prefix[sentences.labels], self.tags.related[sentences.labels]
        last = len(sentences.base) - 1
        for place, offset in enumerate(OFFSETS):
            # The vote on the token before (offset -1) speaks about the token after it.
            token = sentences.tokens - offset
            inside = (token >= 0) & (token <= last)
            inside &= sentences.sequence[np.clip(token, 0, last)] == sentences.sequence[sentences.tokens]
            for relation in range(RELATIONS):
                keep = inside & (related[:, relation] >= 0)
                cells.append(token[keep] * k + related[keep, relation])
                kind = ((sentences.sources * 3 + prefix) * len(OFFSETS) + place) * RELATIONS + relation
                kinds.append(kind[keep])
        return Inputs(np.concatenate(cells), np.concatenate(kinds).astype(np.int64))

    def _biases(self, sentences: Sentences) -> Ints:
        k = len(self.tags.names)
        return (self.votes + np.where(sentences.silent, k, 0)[:, None] + np.arange(k)).reshape(-1)

    def transitions(self, weights: Floats) -> Floats:
        """(k, k) log potentials of pairs."""
        ours = weights[self.size - PAIRS - 1 : self.size - 1]
        return np.asarray(ours[self.tags.pair_kinds] + self.tags.forbidden)

    def scores(self, weights: Floats, sentences: Sentences, inputs: Inputs) -> Floats:
        """(t, k) log potentials of labels."""
        added = sums(inputs.cells, weights[inputs.kinds], sentences.base.size)
        return np.asarray((1 + weights[-1]) * sentences.base + added.reshape(sentences.base.shape))

    def marginals(self, weights: Floats, sentences: Sentences) -> Floats:
        """(t, k) probabilities of labels in valid sequences."""
        scores = self.scores(weights, sentences, self.inputs(sentences))
        return sentences.lattice.marginals(scores, self.transitions(weights), self.tags.starts).tokens


@dataclass(frozen=True)
class _Gold:
    """The likelihood of sentences whose labels are known."""

    layout: Layout
    sentences: Sentences
    inputs: Inputs
    truth: Ints
    """(t,)"""
    valid: Floats
    """(k, k) how often each valid pair follows in gold."""

    def slope(self, weights: Floats) -> tuple[float, Floats]:
        scores = self.layout.scores(weights, self.sentences, self.inputs)
        transitions, tags = self.layout.transitions(weights), self.layout.tags
        found = self.sentences.lattice.marginals(scores, transitions, tags.starts)
        rows = np.arange(len(self.truth))
        told = float(scores[rows, self.truth].sum()) + float((self.valid * np.where(
            np.isfinite(transitions), transitions, 0.0)).sum())
        wrong = found.tokens.copy()
        wrong[rows, self.truth] -= 1.0
        slope = sums(self.inputs.kinds, wrong.reshape(-1)[self.inputs.cells], len(weights))
        slope[-PAIRS - 1 : -1] = sums(tags.pair_kinds.reshape(-1), (found.pairs - self.valid).reshape(-1), PAIRS)
        slope[-1] = float((wrong * self.sentences.base).sum())
        return found.log_z - told, slope

    def curvature(self, weights: Floats) -> Floats:
        scores = self.layout.scores(weights, self.sentences, self.inputs)
        found = self.sentences.lattice.marginals(scores, self.layout.transitions(weights), self.layout.tags.starts)
        doubt = found.tokens * (1 - found.tokens)
        curved = sums(self.inputs.kinds, doubt.reshape(-1)[self.inputs.cells], len(weights))
        share = found.pairs / np.maximum(found.pairs.sum(axis=1, keepdims=True), 1e-9)
        curved[-PAIRS - 1 : -1] = sums(self.layout.tags.pair_kinds.reshape(-1),
                                       (found.pairs * (1 - share)).reshape(-1), PAIRS)
        curved[-1] = float((doubt * self.sentences.base**2).sum())
        return curved


def fit(
    layout: Layout, sentences: Sentences, truth: Ints, *, warm: shrinkage.Shrunk | None = None
) -> shrinkage.Shrunk:
    """Weights from sentences whose every token has gold.

    Args:
        layout: of the weights.
        sentences: with probabilities that have not seen this gold.
        truth: (t,) class of each token.
        warm: weights to begin with, and the strength to take as it is.
    """
    followed = np.zeros((len(layout.tags.names),) * 2)
    inner = sentences.sequence[1:] == sentences.sequence[:-1]
    np.add.at(followed, (truth[:-1][inner], truth[1:][inner]), 1.0)
    # Gold may spell what is not valid (a span that begins with I-): such a pair tells nothing about weights.
    followed[~np.isfinite(layout.tags.forbidden)] = 0.0
    judged = _Gold(layout, sentences, layout.inputs(sentences), truth, followed)
    return shrinkage.fit(judged, np.zeros(layout.size), 1.0, BELIEVED, warm=warm)
