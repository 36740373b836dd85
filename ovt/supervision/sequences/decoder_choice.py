"""Which decoder reads the sequences of a task: cross-validated on dev sentences, never below majority vote's spans.

The label model's probabilities of dev tokens are those of folds that had not
seen their gold, the CRF is fitted on other folds of sentences than it is judged
on, and the HMM sees no gold at all. Of the decoders whose span F1 is not below
majority vote's, the one with the best log-loss over all tokens is taken. Without
gold it is the HMM, unless that contradicts the label model on tokens that sources
agree about: then what it learned is not how labels follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.calibration import FLOOR, ece, log_loss
from ovt.supervision.choice import Score
from ovt.supervision.label_models.ballots import UNKNOWN
from ovt.supervision.sequences import crf, hmm
from ovt.supervision.sequences.crf import Layout, Sentences, Tags
from ovt.supervision.sequences.decoding import Decoding, Marked, Tokens, informed, marginals, mark
from ovt.supervision.sequences.lattice import Lattice
from ovt.supervision.sequences.spans import span_f1

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.supervision.label_models.ballots import Floats, Ints
    from ovt.supervision.silence import Silence

FOLDS = 5
ENOUGH = 50
"""Sentences with gold from which on decoders are compared, and sentences from which on transitions are learned."""
MOST = 4_000
"""Sentences that are always enough to learn from."""
CONTRADICTED = 0.03
"""Share of the tokens with a vote whose answer an HMM may change where no gold says that it is right to."""


@dataclass(frozen=True)
class Corpus:
    """What decoders learn from."""

    votes: Votes
    """Without gold."""
    tokens: Tokens
    """Of all splits, by the label model."""
    held: Tokens
    """Of dev, by label models that had not seen their gold; empty without gold."""
    majority: Tokens
    """Of dev, by majority vote."""
    gold: Ints
    """(n_items,) of dev, UNKNOWN elsewhere."""
    fitting: NDArray[np.bool_]
    """(n_items,) items of train."""
    sequences: Ints
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Decided:
    """A decoder, and how the others did."""

    decoding: Decoding
    scores: dict[str, Score]
    """By decoder, on dev sentences it has not seen; `f1` is that of spans. Empty without gold."""
    reason: str


def decide(corpus: Corpus, quiet: Silence | None, seed: int) -> Decided:
    """Learn every decoder that can be learned, and choose one."""
    plain = Decoding("tokens", corpus.classes, len(corpus.votes.names), None)
    if quiet is not None:
        plain = replace(plain, silent=quiet.probabilities, silent_weight=float(quiet.weight))
    learned = {"tokens": plain} | _hmm(corpus, plain)
    exam = _exam(corpus, plain)
    if exam is None:
        return _unjudged(corpus, learned)
    found = {name: marginals(each, exam.marked.sentences) for name, each in learned.items()}
    learned["crf"], found["crf"] = _crf(exam, plain, seed)
    scores = {name: exam.score(each, corpus) for name, each in found.items()}
    floor = exam.score(_majority(corpus, plain, exam), corpus).f1
    able = [name for name, score in scores.items() if score.f1 >= floor] or ["tokens"]
    name = min(able, key=lambda each: scores[each].log_loss)
    told = (f"sequences read by {name}: best log-loss on {exam.n} sentences with gold, span F1 {scores[name].f1:.3f}, "
            f"majority vote {floor:.3f}")
    return Decided(learned[name], scores, told)


@dataclass(frozen=True)
class _Exam:
    """Dev sentences whose every token has gold."""

    marked: Marked
    truth: Ints
    """(t,)"""
    n: int

    def score(self, found: Floats, corpus: Corpus) -> Score:
        """Of probabilities (t, k)."""
        rows = np.arange(len(self.truth))
        answers = found.argmax(axis=1)
        right = (answers == self.truth).astype(np.float64)
        sentence = self.marked.sentences.sequence
        starts = np.append(np.flatnonzero(np.diff(sentence, prepend=-1)), len(sentence))
        f1 = span_f1(self.truth, answers, starts, corpus.classes)
        told = np.maximum(found[rows, self.truth], FLOOR)
        return Score(log_loss(told), float(right.mean()), f1, ece(found.max(axis=1), right))


def _exam(corpus: Corpus, plain: Decoding) -> _Exam | None:
    if not len(corpus.held.items):
        return None
    marked = mark(plain, corpus.votes, corpus.held, corpus.sequences)
    truth = corpus.gold[marked.items]
    sentence = marked.sentences.sequence
    # Sources that say `O` leave silent tokens without a target; gold that is not there cannot be judged by.
    whole = np.bincount(sentence, truth == UNKNOWN) == 0
    if whole.sum() < ENOUGH:
        return None
    return _Exam(*_kept(marked, whole[sentence], truth), int(whole.sum()))


def _kept(marked: Marked, keep: NDArray[np.bool_], truth: Ints) -> tuple[Marked, Ints]:
    """The sentences whose tokens are kept."""
    old = marked.sentences
    number = np.cumsum(keep) - 1
    sequence = np.unique(old.sequence[keep], return_inverse=True)[1]
    voted = keep[old.tokens]
    sentences = Sentences(
        Lattice.of(np.bincount(sequence)), old.base[keep], old.silent[keep], number[old.tokens[voted]],
        old.sources[voted], old.labels[voted], sequence,
    )
    return Marked(sentences, marked.items[keep], marked.weights[keep]), truth[keep]


def _hmm(corpus: Corpus, plain: Decoding) -> dict[str, Decoding]:
    """An HMM over the sentences of train, where there are enough."""
    inside = corpus.fitting[corpus.tokens.items]
    owner = np.searchsorted(corpus.sequences, corpus.tokens.items, side="right") - 1
    touched = np.unique(owner[inside])
    if len(touched) < ENOUGH:
        return {}
    few = touched[:: int(np.ceil(len(touched) / MOST))]
    keep = inside & np.isin(owner, few)
    chosen = Tokens(corpus.tokens.items[keep], corpus.tokens.probabilities[keep])
    sentences = mark(plain, corpus.votes, chosen, corpus.sequences).sentences
    tags = Tags(corpus.classes)
    chain = hmm.fit(sentences.lattice, sentences.base, informed(plain, sentences), tags.forbidden, tags.starts)
    return {"hmm": replace(plain, decoder="hmm", share=chain.share, transitions=chain.transitions,
                           starts=chain.starts)}


def _crf(exam: _Exam, plain: Decoding, seed: int) -> tuple[Decoding, Floats]:
    """A CRF on all sentences, and what CRFs that have not seen them say about each."""
    layout = Layout(plain.sources, Tags(plain.classes))
    whole = crf.fit(layout, exam.marked.sentences, exam.truth)
    fold = (np.random.default_rng((seed, exam.n)).permutation(exam.n) % FOLDS)[exam.marked.sentences.sequence]
    found = np.empty(exam.marked.sentences.base.shape)
    for each in range(FOLDS):
        others, truth = _kept(exam.marked, fold != each, exam.truth)
        here, _ = _kept(exam.marked, fold == each, exam.truth)
        part = crf.fit(layout, others.sentences, truth, warm=whole)
        found[fold == each] = layout.marginals(part.weights, here.sentences)
    return replace(plain, decoder="crf", weights=whole.weights), found


def _majority(corpus: Corpus, plain: Decoding, exam: _Exam) -> Floats:
    """(t, k) what majority vote says where somebody voted, `O` elsewhere."""
    table = np.zeros((len(exam.truth), len(plain.classes)))
    table[:, plain.classes.index("O")] = 1e-3
    keep = np.isin(corpus.majority.items, exam.marked.items)
    at = np.searchsorted(exam.marked.items, corpus.majority.items[keep])
    table[at] = corpus.majority.probabilities[keep]
    return table


def _unjudged(corpus: Corpus, learned: dict[str, Decoding]) -> Decided:
    """Without gold: the HMM if it lets stand what tokens say by themselves."""
    if "hmm" not in learned:
        return Decided(learned["tokens"], {}, f"tokens read one by one: fewer than {ENOUGH} sentences are marked")
    marked = mark(learned["tokens"], corpus.votes, corpus.tokens, corpus.sequences)
    voted = ~marked.sentences.silent
    before = marginals(learned["tokens"], marked.sentences)[voted].argmax(axis=1)
    after = marginals(learned["hmm"], marked.sentences)[voted].argmax(axis=1)
    changed = float((before != after).mean())
    if changed > CONTRADICTED:
        return Decided(learned["tokens"], {}, f"tokens read one by one: an HMM would change {changed:.1%} of their "
                                              "answers, and no gold says that it may")
    return Decided(learned["hmm"], {}, f"sequences read by an HMM, which changes {changed:.1%} of the tokens' answers")
