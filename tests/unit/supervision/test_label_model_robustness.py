"""Whatever the votes look like: finite probabilities, and the same answer for what is the same."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ovt
from ovt.errors import ProjectError
from ovt.supervision.combine import combine, combine_task
from ovt.supervision.label_models import candidates as registry
from ovt.supervision.label_models.candidates import LABEL_MODELS, needs_gold
from ovt.supervision.posterior import load, posterior, save

EVEN = np.array([0.5, 0.5])


def fine(found, n, k):
    assert found.probabilities.shape == (n, k)
    assert np.isfinite(found.probabilities).all()
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-4)
    assert np.isfinite(found.accuracies).all()
    assert ((found.accuracies >= 0) & (found.accuracies <= 1)).all()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_matrix_gives_finite_probabilities(data):
    n, m, k = (data.draw(st.integers(1, most)) for most in (40, 6, 5))
    votes = data.draw(arrays(np.int64, (n, m), elements=st.integers(-1, k - 1)))
    gold = data.draw(st.none() | arrays(np.int64, (n,), elements=st.integers(-1, k - 1)))
    fine(combine(votes, k, gold=gold), n, k)


def odd_matrices():
    random = np.random.default_rng(0)
    alternating = np.full((60, 2), -1)
    alternating[::2, 0], alternating[1::2, 1] = 0, 1
    contrary = random.integers(0, 2, (80, 1))
    yield "one class", np.zeros((50, 3), np.int64), 1
    yield "one source", random.integers(0, 3, (50, 1)), 3
    yield "nobody votes", np.full((50, 3), -1), 2
    yield "sources that never meet", alternating, 2
    yield "constant sources", np.tile([0, 1, 1, 0], (60, 1)), 2
    yield "one constant source among others", np.column_stack([np.zeros(80, np.int64), random.integers(0, 2, (80, 3))]), 2
    yield "more classes than items", random.integers(0, 500, (20, 4)), 500
    yield "more sources than items", random.integers(0, 2, (5, 40)), 2
    yield "contrary sources", np.column_stack([contrary, 1 - contrary, contrary]), 2
    yield "all the same", np.tile(contrary, (1, 6)), 2
    yield "a single row", np.array([[0, 1, -1]]), 2
    yield "a class nobody votes for", random.integers(0, 2, (60, 4)), 4


@pytest.mark.parametrize(("votes", "k"), [pytest.param(*rest, id=name) for name, *rest in odd_matrices()])
@pytest.mark.parametrize("with_gold", [False, True])
def test_odd_matrices(votes, k, with_gold):
    gold = np.where(np.arange(len(votes)) % 2 == 0, votes.max(axis=1) % k, -1) if with_gold else None
    fine(combine(votes, k, gold=gold), len(votes), k)


@pytest.mark.parametrize("name", sorted(LABEL_MODELS))
def test_no_model_makes_a_nan_of_an_odd_matrix(planted, name):
    model = LABEL_MODELS[name]
    for _, votes, k in odd_matrices():
        covered = votes[(votes >= 0).any(axis=1)]
        if not len(covered):
            continue
        ballots = planted.ballots_of(covered, k)
        known = np.where(np.arange(len(covered)) % 3 == 0, covered.max(axis=1), -1)
        logs = model.predict(model.fit(ballots, known), ballots)
        assert not np.isnan(logs).any()
        assert ballots.item_sums(np.exp(logs)) == pytest.approx(np.ones(ballots.n))
        assert np.isfinite(model.accuracies(model.fit(ballots, known))).all()


@pytest.fixture
def crowd(planted):
    votes, truth = planted.annotators(500, planted.coins([0.9, 0.8, 0.7, 0.6, 0.55], 3), np.array([0.5, 0.3, 0.2]),
                                      coverage=0.7)
    return votes, truth


MODELS = [name for name in LABEL_MODELS if not needs_gold(name)]


def answers(model, ballots):
    found = LABEL_MODELS[model].fit(ballots, np.full(ballots.n, -1))
    return np.exp(LABEL_MODELS[model].predict(found, ballots)).reshape(ballots.n, -1)


@pytest.mark.parametrize("model", MODELS)
def test_the_order_of_items_sources_and_classes_changes_nothing(planted, crowd, model):
    votes = crowd[0][(crowd[0] >= 0).any(axis=1)]
    random = np.random.default_rng(0)
    items, sources, classes = random.permutation(len(votes)), random.permutation(5), np.array([2, 0, 1])
    plain = answers(model, planted.ballots_of(votes, 3))
    assert answers(model, planted.ballots_of(votes[items], 3)) == pytest.approx(plain[items], abs=2e-3)
    assert answers(model, planted.ballots_of(votes[:, sources], 3)) == pytest.approx(plain, abs=2e-3)
    renamed = np.where(votes >= 0, classes[votes], -1)
    assert answers(model, planted.ballots_of(renamed, 3))[:, classes] == pytest.approx(plain, abs=2e-3)


def test_saying_everything_twice_is_no_news(crowd):
    votes, truth = crowd
    gold = np.where(np.arange(500) < 100, truth, -1)
    once, twice = combine(votes, 3, gold=gold), combine(np.tile(votes, (2, 1)), 3, gold=np.tile(gold, 2))
    agree = once.probabilities.argmax(axis=1) == twice.probabilities[:500].argmax(axis=1)
    assert agree.mean() > 0.95
    assert (twice.probabilities[:500] == twice.probabilities[500:]).all()


def test_thousands_of_sources_and_classes_without_a_dense_table_of_both():
    random = np.random.default_rng(0)
    truth = random.integers(0, 1000, 400)
    votes = np.full((400, 1200), -1, np.int32)
    for item in range(400):
        asked = random.permutation(1200)[:8]
        votes[item, asked] = np.where(random.random(8) < 0.7, truth[item], random.integers(0, 1000, 8))
    found = ovt.combine(votes, 1000)
    assert (found.probabilities.argmax(axis=1) == truth).mean() > 0.97
    assert np.isfinite(found.probabilities).all()


# Label models of other packages.


class Oracle:
    """Trusts the first source alone; stands for a model of another package."""

    from ovt.supervision.label_models.majority import Parameters

    @staticmethod
    def fit(ballots, gold):
        del gold
        return Oracle.Parameters(None, np.full(ballots.n_sources, 0.5))

    @staticmethod
    def predict(parameters, ballots):
        del parameters
        return ballots.normalise(ballots.cell_sums(np.where(ballots.sources == 0, 4.0, 0.0)))

    @staticmethod
    def accuracies(parameters):
        return parameters.accuracy


@pytest.fixture
def installed(monkeypatch):
    found = EntryPoint("oracle", f"{__name__}:Oracle", "ovt.label_models")
    monkeypatch.setattr(EntryPoint, "load", lambda self: Oracle if self.name == "oracle" else None)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([found]).select(group=group))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()


@pytest.mark.usefixtures("installed")
def test_an_installed_package_brings_a_label_model_that_competes(planted, tmp_path):
    votes, truth = planted.annotators(400, planted.coins([0.99, 0.4, 0.4], 2), EVEN)
    votes[:, 2] = votes[:, 1]
    gold = planted.gold_votes(np.arange(150), truth, 400)
    found = combine_task(planted.votes_of(votes), kind="multiclass", n_classes=2, gold=gold)
    assert "oracle" in found.candidates
    if found.chosen == "oracle":
        save(found.learned, tmp_path / "m")
        again = posterior(load(tmp_path / "m"), planted.votes_of(votes))
        assert again.probabilities == pytest.approx(found.probabilities, abs=1e-6)
    assert found.candidates[found.chosen]["log_loss"] <= found.candidates["oracle"]["log_loss"]


def test_a_label_model_that_is_no_longer_installed_is_told():
    with pytest.raises(ProjectError, match="no label model `orakel`"):
        registry.label_model("orakel")
