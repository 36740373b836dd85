"""The compile stage on public data: every value of every record is found again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovt.data.imports import import_files
from ovt.data.store import Store
from ovt.data.votes import Votes
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages import compile as stage

DATA = os.environ.get("OVT_REAL_DATA")
pytestmark = [pytest.mark.real_data, pytest.mark.skipif(not DATA, reason="OVT_REAL_DATA is not set")]
SETS = ["snips", "webquestions", "youtube", "bc5cdr"]


@pytest.fixture(scope="module", params=SETS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store, list[dict[str, Any]]]:
    """A project of one data set, compiled, and its raw records."""
    source, root = Path(str(DATA)) / request.param, tmp_path_factory.mktemp(request.param)
    (root / "data").mkdir()
    shutil.copy(source / "schema.json", root)
    shutil.copy(source / "data.jsonl", root / "data")
    stage.run(Project(root), root, Silent())
    raw = [json.loads(line) for line in (root / "data/data.jsonl").read_text("utf-8").splitlines()]
    return root, Store.open(root / "build/store"), raw


def test_every_payload_comes_back(compiled: tuple[Path, Store, list[dict[str, Any]]]) -> None:
    _, store, raw = compiled
    views = [view for shard in store.shards for view in store.views(shard)]
    assert [view.id for view in views] == [record["id"] for record in raw]
    for name, payload in store.schema.payloads.items():
        for view, record in zip(views, raw, strict=True):
            expected = record["payloads"][name]
            found = [member.fields for member in view[name]] if payload.type == "set" else view[name]
            assert found == (expected[: payload.max_length] if payload.type == "sequence" else expected)


def test_every_label_is_a_vote_or_gold(compiled: tuple[Path, Store, list[dict[str, Any]]]) -> None:
    root, store, raw = compiled
    for task, spec in store.schema.tasks.items():
        offsets = store.item_offsets(task)
        expected: dict[str, set[tuple[int, str, Any]]] = {"votes": set(), "gold/dev": set(), "gold/test": set()}
        for row, record in enumerate(raw):
            for source, label in record["tasks"].get(task, {}).items():
                split = record["tags"][0]
                to = f"gold/{split}" if source == "gold" and split != "train" else "votes"
                first = row if offsets is None else int(offsets[row])
                labels = [label] if offsets is None else label[: int(offsets[row + 1] - offsets[row])]
                expected[to].update((first + at, source, one) for at, one in enumerate(labels) if one is not None)
        for to, triples in expected.items():
            votes = Votes.load(root / f"build/{to}/{task}.arrow", store.n_items(task))
            names = votes.labels.tolist() if spec.type == "select" else np.array(store.classes[task])[votes.labels].tolist()
            sources = [votes.names[source] for source in votes.sources]
            assert set(zip(votes.items.tolist(), sources, names, strict=True)) == triples
            assert len(votes.items) == len(triples)


@pytest.mark.parametrize("name", SETS)
def test_the_schema_is_inferred_but_for_its_lengths(name: str, tmp_path: Path) -> None:
    folder = Path(str(DATA)) / name
    found = import_files([folder / "data.jsonl"], tmp_path).schema
    expected = json.loads((folder / "schema.json").read_text())
    for schema in (found, expected):
        for payload in schema["payloads"].values():
            payload.pop("max_length", None)
    assert found == expected
