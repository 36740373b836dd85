"""Votes drawn from known sources (`planted`), so that what is found can be compared with what was planted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ovt.data.votes import Votes
from ovt.supervision.label_models.ballots import Ballots, rectangular


def annotators(
    n: int, confusion: np.ndarray, share: np.ndarray, *, coverage: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Votes (n, m) of annotators with confusion (m, k, k) on items of a class balance (k,), and the truth."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(share), n, p=share)
    votes = np.empty((n, len(confusion)), np.int64)
    for source, rows in enumerate(confusion):
        votes[:, source] = (random.random(n)[:, None] > rows[truth].cumsum(axis=1)[:, :-1]).sum(axis=1)
    votes[random.random(votes.shape) > coverage] = -1
    return votes, truth


def coins(accuracies: list[float], k: int) -> np.ndarray:
    """Confusion matrices (m, k, k) of sources with even errors."""
    confusion = np.empty((len(accuracies), k, k))
    for source, accuracy in enumerate(accuracies):
        confusion[source] = (1 - accuracy) / max(k - 1, 1)
        confusion[source][np.diag_indices(k)] = accuracy
    return confusion


def functions(
    n: int, classes: list[int], precisions: list[float], share: np.ndarray, *, coverage: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Votes of labeling functions that each vote for one class with a given precision, and the truth."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(share), n, p=share)
    votes = np.full((n, len(classes)), -1)
    for source, (label, precision) in enumerate(zip(classes, precisions, strict=True)):
        hit, miss = coverage * precision / share[label], coverage * (1 - precision) / (1 - share[label])
        votes[random.random(n) < np.where(truth == label, hit, miss), source] = label
    return votes, truth


def ballots_of(votes: np.ndarray, k: int) -> Ballots:
    """Ballots of a dense array whose rows each have a vote."""
    items, sources = np.nonzero(votes >= 0)
    labels = votes[items, sources].astype(np.int32)
    return rectangular(items, sources.astype(np.int32), labels, votes.shape[1], (len(votes), k))


def votes_of(votes: np.ndarray, names: list[str] | None = None) -> Votes:
    """The long form of a dense array."""
    items, sources = np.nonzero(votes >= 0)
    kept = names or [f"s{i:02d}" for i in range(votes.shape[1])]
    return Votes.build(items, sources.astype(np.int32), votes[items, sources].astype(np.int32), kept, len(votes))


def gold_votes(items: np.ndarray, truth: np.ndarray, n_items: int) -> Votes:
    """Gold of some items in long form."""
    return Votes.build(items, np.zeros(len(items), np.int32), truth[items].astype(np.int32), ["gold"], n_items)


@pytest.fixture(scope="session")
def planted() -> SimpleNamespace:
    """The functions of this file; test modules cannot import one another."""
    return SimpleNamespace(
        annotators=annotators, coins=coins, functions=functions, ballots_of=ballots_of, votes_of=votes_of,
        gold_votes=gold_votes,
    )
