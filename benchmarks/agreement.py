"""How well probabilities agree with the truth of an exam, and whether one method is surely better than another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from peers.protocol import UNKNOWN

if TYPE_CHECKING:
    from vote_sets import Exam

BINS = 15
SMALLEST = 1e-6
DRAWS = 2000


@dataclass(frozen=True)
class Quality:
    """Of one method on one set."""

    quality: float
    """Accuracy over all scored items; strict span F1 for BIO."""
    log_loss: float | None
    """Natural logarithm; None where a method says no probabilities."""
    ece: float | None

    def rounded(self) -> dict[str, Any]:
        """As it is kept."""
        return {name: None if value is None else round(value, 4) for name, value in vars(self).items()}


def quality(exam: Exam, probabilities: np.ndarray) -> Quality:
    """Score a method; where it says nothing, it is given its own mean opinion (tokens: `O`)."""
    filled = fill(exam, probabilities)
    scored = exam.truth != UNKNOWN
    truth, sure = exam.truth[scored], filled[scored].astype(np.float64)
    answers = sure.argmax(axis=1)
    hard = bool(np.isin(sure, (0.0, 1.0)).all())
    loss = None if hard else float(-np.log(np.clip(sure[np.arange(len(truth)), truth], SMALLEST, 1)).mean())
    ece = None if hard else calibration_error(sure.max(axis=1), answers == truth)
    return Quality(span_f1(exam, filled) if exam.votes.kind == "BIO" else float((answers == truth).mean()), loss, ece)


def fill(exam: Exam, probabilities: np.ndarray) -> np.ndarray:
    """(n, k) with a row for every item."""
    silent = np.isnan(probabilities).any(axis=1)
    if not silent.any():
        return probabilities
    filled = probabilities.copy()
    if exam.votes.kind == "BIO":
        filled[silent] = np.eye(exam.votes.k, dtype=np.float32)[exam.votes.classes.index("O")]
    else:
        filled[silent] = probabilities[~silent].mean(axis=0)
    return filled


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017)."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(bins, confidence, BINS) - np.bincount(bins, right.astype(float), BINS)
    return float(np.abs(gap).sum() / len(right))


def paired_interval(exam: Exam, ours: np.ndarray, theirs: np.ndarray) -> list[float]:
    """95 % bootstrap interval of our quality minus theirs, drawn by item (spans: by sequence); in percentage points."""
    random = np.random.default_rng(0)
    if exam.votes.kind == "BIO":
        a, b = (span_counts(exam, fill(exam, found)) for found in (ours, theirs))
        weights = random.multinomial(len(a), np.full(len(a), 1 / len(a)), DRAWS)
        differences = _f1(weights @ a) - _f1(weights @ b)
    else:
        scored = exam.truth != UNKNOWN
        right = [fill(exam, found)[scored].argmax(axis=1) == exam.truth[scored] for found in (ours, theirs)]
        change = right[0].astype(np.int8) - right[1].astype(np.int8)
        share = np.array([(change < 0).mean(), (change == 0).mean(), (change > 0).mean()])
        drawn = random.multinomial(len(change), share / share.sum(), DRAWS)  # a draw of items, counted by outcome
        differences = (drawn[:, 2] - drawn[:, 0]) / len(change)
    return [round(float(100 * value), 2) for value in np.quantile(differences, (0.025, 0.975))]


def span_f1(exam: Exam, probabilities: np.ndarray) -> float:
    """Strict micro F1 over spans: type, start and end are right."""
    return float(_f1(span_counts(exam, probabilities).sum(axis=0, keepdims=True))[0])


def span_counts(exam: Exam, probabilities: np.ndarray) -> np.ndarray:
    """(s, 3) per scored sequence: spans found, true, and both."""
    answers, counts = probabilities.argmax(axis=1), []
    for start, stop in zip(exam.votes.sequences[:-1], exam.votes.sequences[1:], strict=True):
        if exam.truth[start] == UNKNOWN:
            continue
        said, true = (spans([exam.votes.classes[label] for label in labels[start:stop]])
                      for labels in (answers, exam.truth))
        counts.append((len(said), len(true), len(said & true)))
    return np.array(counts, np.int64).reshape(-1, 3)


def spans(labels: list[str]) -> set[tuple[int, int, str]]:
    """Spans of BIO labels as (start, stop, type); an I that continues nothing begins one."""
    found, begun, kind = set(), 0, ""
    for position, label in enumerate([*labels, "O"]):
        prefix, _, name = label.partition("-")
        if kind and (prefix != "I" or name != kind):
            found.add((begun, position, kind))
            kind = ""
        if prefix in {"B", "I"} and not kind:
            begun, kind = position, name
    return found


def _f1(counts: np.ndarray) -> np.ndarray:
    said, true, both = counts.T
    return 2 * both / np.maximum(said + true, 1)
