"""The bench of label models: it reads sets as ovt does, scores as scikit-learn does, and runs a method in its own process."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _benchmarks_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "peers"))


def module(name: str) -> Any:
    return importlib.import_module(name)


def written(folder: Path, schema: dict[str, Any], records: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "schema.json").write_text(json.dumps(schema), "utf-8")
    (folder / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return folder


def texts(name: str, tmp_path: Path) -> Path:
    schema = {"payloads": {"query": {"type": "singleton"}}, "tasks": {"Spam": {"payload": "query", "type": "multiclass"}}}
    records = [
        {"id": f"{split}-{n}", "payloads": {"query": "x"}, "tags": [split],
         "tasks": {"Spam": {"a": "ham" if n % 2 else "spam", "b": None, "gold": "ham"}}}
        for split in ("train", "dev", "test") for n in range(4)
    ]
    return written(tmp_path / name, schema, records)


def test_gold_of_test_is_scored_and_gold_of_dev_is_what_a_method_may_see(tmp_path: Path) -> None:
    exam = module("vote_sets").read_set(texts("short", tmp_path))

    assert exam.votes.n_sources == 1
    assert (exam.votes.dev >= 0).tolist() == [False] * 4 + [True] * 4 + [False] * 4
    assert (exam.truth >= 0).tolist() == [False] * 8 + [True] * 4
    assert exam.votes.items.tolist() == list(range(12))  # the source that always abstains is none
    assert exam.votes.classes == ["ham", "spam"]


def test_a_crowd_is_scored_on_all_items_but_dev(tmp_path: Path) -> None:
    exam = module("vote_sets").read_set(texts("crowd_made", tmp_path))

    assert (exam.truth >= 0).tolist() == [True] * 4 + [False] * 4 + [True] * 4


def test_tokens_and_candidates_are_items(tmp_path: Path) -> None:
    tokens = {"payloads": {"tokens": {"type": "sequence"}},
              "tasks": {"E": {"payload": "tokens", "type": "multiclass", "spans": "BIO"}}}
    said = [{"id": "1", "payloads": {"tokens": ["a", "b"]}, "tags": ["test"],
             "tasks": {"E": {"x": ["B-P", None], "gold": ["B-P", "O"]}}}]
    exam = module("vote_sets").read_set(written(tmp_path / "tokens", tokens, said))
    assert exam.votes.sequences.tolist() == [0, 2]
    assert exam.truth.tolist() == [0, 1]

    choice = {"payloads": {"e": {"type": "set"}}, "tasks": {"Arg": {"payload": "e", "type": "select"}}}
    asked = [{"id": str(n), "payloads": {"e": [{"id": "p"}] * (n + 1)}, "tags": ["test"], "tasks": {"Arg": {"x": n}}}
             for n in range(3)]
    chosen = module("vote_sets").read_set(written(tmp_path / "choice", choice, asked))
    assert chosen.votes.candidates.tolist() == [0, 1, 3, 6]
    assert chosen.votes.k == 3


def test_quality_is_that_of_scikit_learn() -> None:
    exam = module("vote_sets").copies(2000, m=6)
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(4), 2000).astype(np.float32)

    found = module("agreement").quality(exam, probabilities)

    assert found.quality == (probabilities.argmax(axis=1) == exam.truth).mean()
    assert found.log_loss == pytest.approx(log_loss(exam.truth, probabilities, labels=range(4)), abs=1e-4)
    assert found.ece is not None
    assert 0 < found.ece < 1


def test_an_item_without_an_opinion_gets_the_mean_one() -> None:
    agreement, exam = module("agreement"), module("vote_sets").copies(4, m=6)
    probabilities = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [np.nan] * 4, [np.nan] * 4], np.float32)

    assert agreement.fill(exam, probabilities)[2:].tolist() == [[0.75, 0.25, 0, 0]] * 2


@pytest.mark.parametrize(("labels", "expected"), [
    (["B-P", "I-P", "O", "B-L"], {(0, 2, "P"), (3, 4, "L")}),
    (["I-P", "I-P", "B-P"], {(0, 2, "P"), (2, 3, "P")}),
    (["B-P", "I-L"], {(0, 1, "P"), (1, 2, "L")}),
    (["O", "O"], set()),
])
def test_spans(labels: list[str], expected: set[tuple[int, int, str]]) -> None:
    assert module("agreement").spans(labels) == expected


def test_the_interval_of_a_method_against_itself_is_nothing_and_against_chance_is_above() -> None:
    agreement, exam = module("agreement"), module("vote_sets").copies(500, m=6)
    right = np.eye(4, dtype=np.float32)[exam.truth]
    chance = np.random.default_rng(0).dirichlet(np.ones(4), 500).astype(np.float32)

    assert agreement.paired_interval(exam, right, right) == [0.0, 0.0]
    low, high = agreement.paired_interval(exam, right, chance)
    assert 60 < low < high < 90


def test_the_made_matrix_is_what_it_says() -> None:
    exam = module("vote_sets").copies(20_000)
    matrix = exam.votes.dense()

    assert 0.68 < (matrix < 0).mean() < 0.72
    voted = matrix[:, 0] >= 0
    for copy in (17, 18, 19):
        assert 0.9 < (matrix[voted, copy] == matrix[voted, 0]).mean() < 0.95
    shares = np.bincount(exam.votes.items * 4 + exam.votes.labels, minlength=80_000).reshape(-1, 4)
    assert 0.80 < (shares.argmax(axis=1) == exam.truth).mean() < 0.86


def test_a_method_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    bench, exam = module("label_models"), module("vote_sets").copies(3000)
    for name in ("ovt", "majority vote"):
        method = next(method for method in bench.METHODS if method.name == name)
        result = bench._run(method, exam, tmp_path / "environments", tmp_path)
        assert result.why_not == ""
        assert result.probabilities is not None
        assert result.probabilities.shape == (3000, 4)
        assert result.seconds >= 0


def test_a_method_that_fails_says_why(tmp_path: Path) -> None:
    bench, exam = module("label_models"), module("vote_sets").copies(50)
    result = bench._run(bench.Method("no such method", "run_ovt", None), exam, tmp_path, tmp_path)

    assert result.why_not.startswith("fails: KeyError")


def test_bars_and_means_come_from_the_rows() -> None:
    tables, bench = module("label_tables"), module("label_models")
    rows = [{"method": "ovt", "quality": 0.9, "log_loss": 0.3, "ece": 0.1, "seconds": 1.0, "mb": 5.0},
            {"method": "majority vote", "quality": 0.8, "log_loss": 0.5, "ece": 0.1, "seconds": 2.0, "mb": 5.0,
             "ours_minus_this": [8.0, 12.0]}]
    sets = {"crowd_web": rows, "youtube": rows}
    over = {"crowds": bench.means(sets, "crowd_"), "all public sets": bench.means(sets, "")}
    bars, means, *each = tables.tables(sets, over)

    assert ["youtube: accuracy", "0.9", "≥ 0.856", "met"] in bars["rows"]
    assert ["majority vote", "80.00 %", "0.500", "80.00 %", "0.500"] in means["rows"]
    assert each[0]["rows"][1][-2:] == ["2.0 ×", "+8.00 … +12.00"]
    worse = [rows[0], rows[1] | {"quality": 0.95, "ours_minus_this": [-6.0, -4.0]}]
    lost = tables.tables({"youtube": worse}, {"all public sets": bench.means({"youtube": worse}, "")})[0]["rows"]
    assert lost[-1] == ["sets where it is significantly below majority vote", "1", "≤ 0", "missed"]


def test_peers_are_pinned() -> None:
    assert set(module("label_models").peers()) == {"snorkel", "torch", "crowd-kit", "skweak"}
    assert sys.version_info >= (3, 11)
