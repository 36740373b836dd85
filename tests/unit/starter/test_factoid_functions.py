"""The two labeling functions left to try: one mends `nutrition`, one breaks `disambiguation`, by the votes alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.functions.discover import Function, discover
from ovt.progress import Silent
from ovt.project import Project
from ovt.schema.spec import SPLITS
from ovt.stages import compile as compile_stage
from ovt.supervision.combine import combine

GOOD, BAD = "answer_unit", "telling_word"


@dataclass(frozen=True)
class Bench:
    """Votes on `Intent` by source, gold, and who is in which slice."""

    classes: list[str]
    votes: dict[str, NDArray[np.int64]]
    gold: NDArray[np.int64]
    splits: NDArray[np.int8]
    slices: dict[str, NDArray[np.bool_]]

    def labels(self, *names: str) -> NDArray[np.int64]:
        """What the label model makes of the sources of the data and the functions named."""
        used = [name for name in self.votes if name not in {GOOD, BAD} or name in names]
        matrix = np.stack([self.votes[name] for name in used], axis=1)
        dev = np.where(self.splits == SPLITS.index("dev"), self.gold, -1)
        found = combine(matrix, len(self.classes), gold=dev, names=used, seed=0)
        return np.where((matrix >= 0).any(axis=1), found.probabilities.argmax(axis=1), -1)

    def accuracy(self, labels: NDArray[np.int64], slice_name: str | None = None) -> float:
        """Of the labels that there are, on test."""
        rows = (self.splits == SPLITS.index("test")) & (labels >= 0)
        if slice_name:
            rows &= self.slices[slice_name]
        return float((labels[rows] == self.gold[rows]).mean())


@pytest.fixture(scope="module")
def bench(
    projects: dict[str, Path], factoid: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory,
) -> Bench:
    root = tmp_path_factory.mktemp("trial") / "factoid"
    shutil.copytree(projects["factoid"], root)
    for path in (root / "labelers_to_try").glob("*.py"):
        shutil.copy(path, root / "labelers")
    out = root / "out"
    out.mkdir()
    compile_stage.run(Project(root), out, Silent())
    store = Store.open(out / "build/store")
    rows = [store.row_of(f"q-{number:05d}") for number in range(1, 8001)]
    assert rows == list(range(8000))
    functions = [found for found in discover(Project(root), "labeling") if found.task == "Intent"]
    sources = _inline(Votes.load(out / "build/votes/Intent.arrow", store.n))
    gold = np.full(store.n, -1)
    for split in ("dev", "test"):
        for labels in _inline(Votes.load(out / f"build/gold/{split}/Intent.arrow", store.n)).values():
            gold = np.where(labels >= 0, labels, gold)
    classes = store.classes["Intent"]
    votes = sources | {function.name: _applied(function, store, classes) for function in functions}
    tags = [set(record["tags"]) for record in factoid]
    slices = {name: np.array([name in found for found in tags]) for name in ("nutrition", "disambiguation")}
    return Bench(classes, votes, gold, store.splits, slices)


def _inline(votes: Votes) -> dict[str, NDArray[np.int64]]:
    columns = {}
    for index, name in enumerate(votes.names):
        column = np.full(votes.n_items, -1)
        mine = votes.sources == index
        column[votes.items[mine]] = votes.labels[mine]
        columns[name] = column
    return columns


def _applied(function: Function, store: Store, classes: list[str]) -> NDArray[np.int64]:
    answers = [function.call(view) for shard in store.shards for view in store.views(shard)]
    return np.array([classes.index(answer) if isinstance(answer, str) else -1 for answer in answers])


def test_the_good_function_mends_nutrition_and_breaks_nothing(bench: Bench) -> None:
    before, after = bench.labels(), bench.labels(GOOD)

    assert bench.accuracy(before, "nutrition") < 0.70
    assert bench.accuracy(after, "nutrition") > 0.90
    assert bench.accuracy(after) > bench.accuracy(before)
    assert bench.accuracy(after, "disambiguation") > bench.accuracy(before, "disambiguation") - 0.05


def test_the_bad_function_breaks_disambiguation_and_looks_good_on_the_whole(bench: Bench) -> None:
    before, after = bench.labels(GOOD), bench.labels(GOOD, BAD)
    votes = bench.votes[BAD]
    dev = (bench.splits == SPLITS.index("dev")) & (votes >= 0)

    assert (votes[dev] == bench.gold[dev]).mean() > 0.9
    assert bench.accuracy(after, "disambiguation") < bench.accuracy(before, "disambiguation") - 0.20
    assert bench.accuracy(after) > bench.accuracy(before) - 0.01


def test_the_functions_of_the_first_version_are_right_nearly_always(bench: Bench) -> None:
    for name in ("days_until", "residents", "square_miles"):
        said = (bench.votes[name] >= 0) & (bench.gold >= 0)
        assert (bench.votes[name][said] == bench.gold[said]).mean() > 0.9, name
