"""From tokens to sequences: silent tokens read as `O`, then probabilities of labels that spell valid BIO.

Three decoders read the tokens of a sequence together: `tokens` takes each
token's probabilities as they are and only forbids what BIO forbids, `hmm` knows
how labels follow each other, `crf` also what votes on the neighbours mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.sequences import hmm
from ovt.supervision.sequences.crf import Layout, Sentences, Tags
from ovt.supervision.sequences.hmm import Chain
from ovt.supervision.sequences.lattice import Lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.supervision.label_models.ballots import Floats, Ints

LEAST = 1e-9
"""No label of a token is impossible on its own."""


@dataclass(frozen=True)
class Decoding:
    """How the tokens of a BIO task are read together."""

    decoder: str
    """`tokens`, `hmm` or `crf`."""
    classes: tuple[str, ...]
    """Names: `O`, `B-…`, `I-…`."""
    sources: int
    silent: Floats | None
    """(k,) what a token is that nobody marked, in a sequence where somebody marked one; None: it has no target."""
    silent_weight: float = 1.0
    """Of such a token in training."""
    share: Floats | None = None
    """hmm: (k,) how common labels are."""
    transitions: Floats | None = None
    """hmm: (k, k) log probability of a label (column) after another (row)."""
    starts: Floats | None = None
    """hmm: (k,) log probability of the first label."""
    weights: Floats | None = None
    """crf: laid out as `crf.Layout` says."""


@dataclass(frozen=True)
class Marked:
    """The tokens of all sequences in which somebody marked one, numbered from 0, and the votes on them."""

    sentences: Sentences
    items: Ints
    """(t,) the item of each token."""
    weights: NDArray[np.float32]
    """(t,) in training; 0 for tokens that have no target."""


@dataclass(frozen=True)
class Read:
    """Targets of the tokens of sequences that somebody marked."""

    items: Ints
    """(c,) ascending."""
    weights: NDArray[np.float32]
    """(c,)"""
    probabilities: NDArray[np.float32]
    """(c, k)"""


@dataclass(frozen=True)
class Tokens:
    """What is known about tokens before they are read together."""

    items: Ints
    """(c,) ascending."""
    probabilities: NDArray[np.floating]
    """(c, k)"""
    weights: NDArray[np.float32] | None = None
    """(c,) in training; None: 1."""


def decode(decoding: Decoding, votes: Votes, tokens: Tokens, sequences: Ints) -> Read:
    """Read tokens together with their neighbours.

    Args:
        decoding: how.
        votes: of the sources, numbered as when it was learned.
        tokens: what the label model says about those that were voted on.
        sequences: (s + 1,) where each sequence begins.
    """
    marked = mark(decoding, votes, tokens, sequences)
    found = marginals(decoding, marked.sentences)
    has_target = marked.weights > 0
    return Read(marked.items[has_target], marked.weights[has_target], found[has_target].astype(np.float32))


def mark(decoding: Decoding, votes: Votes, tokens: Tokens, sequences: Ints) -> Marked:
    """Lay out the sequences in which some token is known."""
    owner = np.searchsorted(sequences, tokens.items, side="right") - 1
    touched, k = np.unique(owner), len(decoding.classes)
    lengths = np.diff(sequences)[touched]
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(first[-1]) + np.repeat(sequences[touched] - first[:-1], lengths)
    place = np.searchsorted(items, tokens.items)
    base = np.full((len(items), k), 1.0 / k) if decoding.silent is None else np.tile(decoding.silent, (len(items), 1))
    base[place] = tokens.probabilities
    weights = np.full(len(items), 0.0 if decoding.silent is None else decoding.silent_weight, np.float32)
    weights[place] = 1.0 if tokens.weights is None else tokens.weights
    silent = np.ones(len(items), bool)
    silent[place] = False
    at = np.minimum(np.searchsorted(items, votes.items), max(len(items) - 1, 0))
    inside = items[at] == votes.items if len(items) else np.zeros(0, bool)
    sentences = Sentences(
        Lattice.of(lengths), np.log(np.maximum(base, LEAST)), silent, at[inside], votes.sources[inside],
        votes.labels[inside], np.repeat(np.arange(len(touched)), lengths),
    )
    return Marked(sentences, items, weights)


def marginals(decoding: Decoding, sentences: Sentences) -> Floats:
    """(t, k) probability of each label of each token."""
    tags = Tags(decoding.classes)
    if decoding.decoder == "crf":
        assert decoding.weights is not None
        return Layout(decoding.sources, tags).marginals(decoding.weights, sentences)
    if decoding.decoder == "hmm":
        assert decoding.transitions is not None
        assert decoding.starts is not None
        assert decoding.share is not None
        chain = Chain(decoding.share, decoding.transitions, decoding.starts)
        scores = hmm.emissions(sentences.base, informed(decoding, sentences), chain)
        return sentences.lattice.marginals(scores, chain.transitions, chain.starts).tokens
    return sentences.lattice.marginals(sentences.base, tags.forbidden, tags.starts).tokens


def informed(decoding: Decoding, sentences: Sentences) -> NDArray[np.bool_]:
    """(t,) tokens about which anything is known: all where silence is read, else those with a vote."""
    return ~sentences.silent | (decoding.silent is not None)
