"""The metrics of subsets against scikit-learn on exactly those records."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.preprocessing import MultiLabelBinarizer

from ovt.quality import subset as module
from ovt.quality.evidence import evidence_of, ratio_parts
from ovt.quality.metrics import MEASURED, PRIMARY
from ovt.quality.subset import measure, measure_all, point_metrics


def some_records(rng, n: int, labels: list[str], longest: int) -> tuple[list[list[str]], list[list[str]]]:
    gold = [[str(label) for label in rng.choice(labels, size=rng.integers(1, longest + 1))] for _ in range(n)]
    found = [[label if rng.random() < 0.7 else str(rng.choice(labels)) for label in record] for record in gold]
    return gold, found


def values(part, rows) -> dict[str, float]:
    return {name: estimate.value for name, estimate in measure(evidence_of(part), np.asarray(rows, np.int64)).items()}


@pytest.mark.parametrize("longest", [1, 6])
def test_multiclass_is_scikit_learns_on_every_subset(graded, longest: int) -> None:
    rng = np.random.default_rng(longest)
    gold, found = some_records(rng, 80, list("abcdefg"), longest)
    part = graded("multiclass", gold, found)
    for size in (1, 2, 7, 40, 80):
        rows = np.sort(rng.choice(80, size, replace=False))
        truth = [label for row in rows for label in gold[row]]
        said = [label for row in rows for label in found[row]]
        ours = values(part, rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert ours["accuracy"] == pytest.approx(oracle.accuracy_score(truth, said), abs=1e-9)
            for name, function in (("precision", oracle.precision_score), ("recall", oracle.recall_score),
                                   ("f1", oracle.f1_score)):
                theirs = function(truth, said, average="macro", zero_division=0)
                assert ours[f"{name}_macro"] == pytest.approx(theirs, abs=1e-9)
        assert ours["f1_micro"] == pytest.approx(ours["accuracy"], abs=1e-9)


def test_bitvector_is_scikit_learns(graded, names) -> None:
    rng = np.random.default_rng(3)
    bits = np.asarray(list("pqrstu"))
    draw = lambda: [names(*bits[rng.random(6) < 0.3]) for _ in range(rng.integers(1, 5))]  # noqa: E731
    gold = [draw() for _ in range(50)]
    found = [[label if rng.random() < 0.5 else draw()[0] for label in record] for record in gold]
    part = graded("bitvector", gold, found)
    for rows in ([0], list(range(9)), list(range(50))):
        truth, said = ([json.loads(label) for row in rows for label in side[row]] for side in (gold, found))
        table = MultiLabelBinarizer(classes=list(bits))
        y_true, y_pred = table.fit_transform(truth), table.transform(said)
        occurs = np.flatnonzero(y_true.any(axis=0) | y_pred.any(axis=0))
        ours = values(part, rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = {
                "accuracy": oracle.accuracy_score(y_true, y_pred),
                "f1_micro": oracle.f1_score(y_true, y_pred, average="micro", zero_division=0),
                "f1_macro": oracle.f1_score(y_true, y_pred, labels=occurs, average="macro", zero_division=0),
                "recall_macro": oracle.recall_score(y_true, y_pred, labels=occurs, average="macro", zero_division=0),
            }
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, abs=1e-9)


def test_span_f1_of_an_example(graded) -> None:
    gold = [["B-x", "I-x", "O"], ["B-y", "O"]]
    found = [["B-x", "I-x", "O"], ["B-x", "B-y"]]
    ours = values(graded("BIO", gold, found), [0, 1])
    assert ours["span_f1"] == pytest.approx(2 * 1 / (3 + 2))
    assert ours["accuracy"] == pytest.approx(3 / 5)


def test_select_has_no_averages_over_positions(graded) -> None:
    part = graded("select", [["0"], ["2"], ["1"]], [["0"], ["1"], [None]])
    found = values(part, [0, 1, 2])
    assert set(found) == set(MEASURED["select"])
    assert found["accuracy"] == pytest.approx(1 / 3)


def test_records_and_items_without_gold_do_not_count(graded) -> None:
    part = graded("multiclass", [["a", None], [None, None], ["b", "b"]], [["a", "b"], ["a", "a"], ["b", "a"]],
                  gold_probability=[0.5, 0, 0, 0, 0.5, 0.5])
    found = values(part, [0, 1, 2])
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == pytest.approx(np.log(2))
    assert values(part, [1]) == {}
    assert values(part, []) == {}


@pytest.mark.parametrize("form", ["multiclass", "BIO", "bitvector", "select"])
def test_the_ratio_that_versions_are_compared_by_is_the_primary_metric(graded, names, form) -> None:
    rng = np.random.default_rng(8)
    labels = {"multiclass": list("abc"), "BIO": ["B-a", "I-a", "O"], "select": ["0", "1"],
              "bitvector": [names(), names("p"), names("p", "q")]}[form]
    gold, found = some_records(rng, 40, labels, 1 if form == "select" else 5)
    part = graded(form, gold, found)
    numerator, denominator = ratio_parts(part)
    rows = np.arange(5, 31)
    ours = numerator[rows].sum() / denominator[rows].sum()
    assert ours == pytest.approx(values(part, rows)[PRIMARY[form]], abs=1e-12)


def test_intervals_cover_the_truth(graded) -> None:
    """Accuracy over tokens whose mistakes come in whole records: an interval that ignored records would cover 60 %."""
    rng = np.random.default_rng(4)
    inside = trials = 0
    for _ in range(60):
        bad = rng.random(60) < 0.3
        gold = [["a"] * 6 for _ in range(60)]
        found = [["b" if wrong else "a"] * 6 for wrong in bad]
        estimate = measure(evidence_of(graded("multiclass", gold, found)), np.arange(60))["accuracy"]
        inside += estimate.low <= 0.7 <= estimate.high
        trials += 1
    assert inside / trials > 0.85


def test_every_estimate_lies_in_its_interval_and_is_repeatable(graded) -> None:
    rng = np.random.default_rng(6)
    gold, found = some_records(rng, 1500, list("abc"), 1)
    part = graded("multiclass", gold, found, confidence=rng.random(1500), gold_probability=rng.random(1500))
    for rows in (np.arange(1500), np.arange(3), np.asarray([7])):
        first, second = (measure(evidence_of(part), rows) for _ in range(2))
        assert first == second
        for estimate in first.values():
            assert estimate.low <= estimate.value <= estimate.high


def test_a_perfect_score_on_few_records_is_not_certainty(graded) -> None:
    part = graded("BIO", [["B-a", "O"]] * 10, [["B-a", "O"]] * 10)
    found = measure(evidence_of(part), np.arange(10))
    for name in ("span_f1", "accuracy", "f1_macro"):
        assert (found[name].value, found[name].high) == (1, 1)
        assert found[name].low == pytest.approx(0.7225, abs=1e-4)


@pytest.mark.parametrize("form", ["multiclass", "BIO", "bitvector", "select"])
def test_many_subsets_at_once_are_each_alone(graded, names, form, monkeypatch) -> None:
    rng = np.random.default_rng(9)
    labels = {"multiclass": list("abc"), "BIO": ["B-a", "I-a", "O"], "select": ["0", "1", None],
              "bitvector": [names(), names("p"), names("p", "q")]}[form]
    gold = [[labels[code] for code in rng.integers(0, len(labels), 1 if form == "select" else rng.integers(0, 5))]
            for _ in range(50)]
    found = [[labels[code] for code in rng.integers(0, len(labels), len(record))] for record in gold]
    items = sum(map(len, gold))
    evidence = evidence_of(graded(form, gold, found, confidence=rng.random(items), gold_probability=rng.random(items)))
    subsets = [np.arange(50), np.arange(0), np.asarray([7]), np.arange(10, 30), np.arange(0)]
    alone = [measure(evidence, rows) for rows in subsets]
    assert measure_all(evidence, subsets) == alone
    monkeypatch.setattr(module, "MEMBERS", 20)
    assert measure_all(evidence, subsets) == alone
    points = point_metrics(evidence, subsets)
    for place, estimates in enumerate(alone):
        for name, estimate in estimates.items():
            assert points[name][place] == estimate.value


def test_one_class_and_absent_classes(graded) -> None:
    found = values(graded("multiclass", [["a"]] * 4, [["a"]] * 4), range(4))
    assert [found[name] for name in ("accuracy", "precision_macro", "recall_macro", "f1_macro")] == [1, 1, 1, 1]
    found = values(graded("multiclass", [["a"]] * 4, [["b"]] * 4), range(4))
    assert [found[name] for name in ("accuracy", "precision_macro", "recall_macro", "f1_macro")] == [0, 0, 0, 0]


def test_log_loss_and_calibration_are_the_definitions(graded) -> None:
    rng = np.random.default_rng(10)
    probabilities = rng.dirichlet(np.ones(3), 300)
    gold, said = rng.integers(0, 3, 300), probabilities.argmax(1)
    names_ = np.asarray(list("abc"))
    sure = probabilities.max(1).astype(np.float32)
    part = graded("multiclass", [[label] for label in names_[gold]], [[label] for label in names_[said]], confidence=sure,
                  gold_probability=probabilities[np.arange(300), gold])
    ours = values(part, range(300))
    assert ours["log_loss"] == pytest.approx(oracle.log_loss(gold, probabilities, labels=range(3)), abs=1e-6)
    error = sum(abs(((gold == said)[inside] - sure.astype(float)[inside]).sum()) for inside in (
        (sure > edge / 15) & (sure <= (edge + 1) / 15) for edge in range(15))) / 300
    assert ours["ece"] == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize(("n", "least"), [(30, 0.88), (300, 0.90)])
def test_every_interval_covers_what_is_true_of_the_population(graded, n: int, least: float) -> None:
    """Draw many samples from a population whose metrics are known; macro averages of rare classes are the weak point."""
    rng = np.random.default_rng(n)
    size = 40_000
    gold = rng.choice(3, size, p=[0.5, 0.3, 0.2])
    sure = rng.uniform(0.4, 1, size)
    said = np.where(rng.random(size) < sure - 0.1, gold, (gold + 1) % 3)
    labels = list("abc")
    evidence = evidence_of(graded(
        "multiclass", [[labels[code]] for code in gold], [[labels[code]] for code in said], confidence=sure,
        gold_probability=np.where(gold == said, sure, (1 - sure) / 2 + 1e-3)))
    truth = {name: found[0] for name, found in point_metrics(evidence, [np.arange(size)]).items()}
    samples = measure_all(evidence, [rng.integers(0, size, n) for _ in range(300)])
    for name, value in truth.items():
        covered = np.mean([sample[name].low <= value <= sample[name].high for sample in samples])
        assert covered >= least, name
