"""The compile stage on whole projects: its files, its notes, what stops it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.store import Store
from ovt.data.tags import TagTable
from ovt.data.votes import Votes
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages import compile as stage

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = {
    "payloads": {"tokens": {"type": "sequence", "max_length": 4}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Intent": {"payload": "query", "type": "multiclass"}, "POS": {"payload": "tokens", "type": "multiclass"}},
}


class Bench:
    """A project whose data are given line by line."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root / ".ovt/scratch/x"
        self.notes: list[str] = []
        self.write("schema.json", json.dumps(SCHEMA))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def data(self, *lines: Any, name: str = "data/r.jsonl") -> None:
        self.write(name, "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))

    def run(self, *, strict: bool = False, out: str = "out") -> Store:
        progress = Silent()
        self.out = self.root / out
        stage.run(Project(self.root), self.out, progress, strict=strict)
        self.notes = progress.notes
        return Store.open(self.out / "build/store")

    def votes(self, path: str, store: Store, task: str) -> list[tuple[int, str, str]]:
        found = Votes.load(self.out / path, store.n_items(task))
        return [(item, found.names[source], store.classes[task][label])
                for item, source, label in zip(found.items.tolist(), found.sources, found.labels, strict=True)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def query(name: str, split: str, text: str = "how tall is it", **tasks: Any) -> dict[str, Any]:
    return {"id": name, "payloads": {"query": text}, "tasks": tasks, "tags": [split]}


GOOD = [
    query("a", "train", Intent={"crowd": "height", "gold": "height"}),
    query("b", "dev", Intent={"gold": "age"}, POS={"gold": ["ADV", None, "VERB", "PRON"]}),
    query("c", "test", "how old is the king now", Intent={"crowd": "age", "gold": "age"},
          POS={"lf": ["ADV", "ADJ", "VERB", "DET", "NOUN", "ADV"]}),
]


def test_every_output_is_written(bench: Bench) -> None:
    bench.data(*GOOD)
    store = bench.run()
    assert store.ids.to_pylist() == ["a", "b", "c"]
    assert store.classes == {"Intent": ["age", "height"], "POS": ["ADJ", "ADV", "DET", "PRON", "VERB"]}
    assert bench.votes("build/votes/Intent.arrow", store, "Intent") == [
        (0, "crowd", "height"), (0, "gold", "height"), (2, "crowd", "age")]
    assert bench.votes("build/gold/dev/Intent.arrow", store, "Intent") == [(1, "gold", "age")]
    assert bench.votes("build/gold/test/Intent.arrow", store, "Intent") == [(2, "gold", "age")]
    assert bench.votes("build/gold/dev/POS.arrow", store, "POS") == [(4, "gold", "ADV"), (6, "gold", "VERB"), (7, "gold", "PRON")]
    assert bench.votes("build/votes/POS.arrow", store, "POS") == [
        (8, "lf", "ADV"), (9, "lf", "ADJ"), (10, "lf", "VERB"), (11, "lf", "DET")]
    assert TagTable.load(bench.out / "build/tags.parquet").rows(0, 3) == [["train"], ["dev"], ["test"]]
    assert json.loads((bench.out / "build/slices/slices.json").read_text()) == []
    assert bench.notes[0] == "3 records: train 1 · dev 1 · test 1"
    assert "`tokens` of 1 record was cut to max_length 4" in bench.notes


def test_nothing_else_is_left_in_the_output_folder(bench: Bench) -> None:
    bench.data(*GOOD)
    bench.run()
    assert [path.name for path in bench.out.iterdir()] == ["build"]
    assert sorted(path.name for path in (bench.out / "build").iterdir()) == ["gold", "slices", "store", "tags.parquet", "votes"]


def test_records_without_a_split_get_a_stable_one_and_it_is_said(bench: Bench) -> None:
    bench.data(*({"id": f"q-{number}", "payloads": {"query": "x"}} for number in range(12)))
    assert bench.run().splits.tolist() == [2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]
    assert "no split tag on 12 records: split 80/10/10 by a stable hash of the id" in bench.notes


def test_files_are_read_in_the_order_of_their_paths(bench: Bench) -> None:
    bench.data(query("3", "train"), name="data/b.jsonl")
    bench.data(query("1", "train"), name="data/a/z.jsonl")
    bench.data(query("2", "train"), name="data/a/zz.jsonl")
    bench.data(query("no", "train"), name="data/.hidden/r.jsonl")
    bench.data(query("no", "train"), name="data/readme.txt")
    assert bench.run().ids.to_pylist() == ["1", "2", "3"]


def test_tag_sets_give_splits_and_tags(bench: Bench) -> None:
    bench.data({"id": "a", "payloads": {}}, {"id": "b", "payloads": {}, "tags": ["x"]})
    bench.data({"id": "a", "tags": ["test", "odd"]}, {"id": "b", "tags": ["dev", "odd"]}, {"id": "gone", "tags": ["y"]},
               name="tags/t.jsonl")
    assert bench.run().splits.tolist() == [2, 1]
    assert TagTable.load(bench.out / "build/tags.parquet").rows(0, 2) == [["test", "odd"], ["dev", "odd", "x"]]


def contents(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_inputs_give_the_same_bytes(bench: Bench) -> None:
    bench.data(*GOOD)
    bench.run(out="one")
    bench.run(out="two")
    assert contents(bench.root / "one") == contents(bench.root / "two")


def test_labels_and_tags_leave_the_store_as_it_was(bench: Bench) -> None:
    bench.data(*GOOD)
    bench.run(out="one")
    bench.data({**GOOD[0], "tasks": {"Intent": {"new": "height"}}, "tags": ["train", "date:2019-09"]}, *GOOD[1:])
    bench.run(out="two")
    assert contents(bench.root / "one/build/store") == contents(bench.root / "two/build/store")


@pytest.fixture
def mostly_good(bench: Bench) -> Bench:
    """299 good records and one that is broken."""
    bench.data(*(query(f"q{number}", "train") for number in range(299)), '{"id": "x", "payloads": ')
    return bench


def test_a_few_bad_records_are_set_aside_and_named(mostly_good: Bench) -> None:
    assert mostly_good.run().n == 299
    [note] = [note for note in mostly_good.notes if "bad" in note]
    assert "set aside in .ovt/quarantine/: 1 bad record\n" in note
    assert "data/r.jsonl:300: broken JSON" in note
    [kept] = (mostly_good.root / ".ovt/quarantine/r.jsonl").read_text().splitlines()
    assert json.loads(kept)["line"] == 300


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_strict_allows_none(mostly_good: Bench, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "variable":
        monkeypatch.setenv("OVT_STRICT", "1")
    with pytest.raises(ProjectError, match="--strict allows none"):
        mostly_good.run(strict=how == "argument")
    assert (mostly_good.root / ".ovt/quarantine/r.jsonl").is_file()


def test_the_limit_is_that_of_the_settings(mostly_good: Bench) -> None:
    mostly_good.write("ovt.yaml", "errors: {bad_records: 0.1%}")
    with pytest.raises(ProjectError, match=r"more than the 0\.10%") as caught:
        mostly_good.run()
    assert caught.value.at == "data/r.jsonl:300"


def test_a_bad_test_record_stops_the_run(bench: Bench) -> None:
    bench.data(*(query(f"q{number}", "train") for number in range(999)), query("t", "test", Intent={"gold": 1}))
    with pytest.raises(ProjectError, match="dev or test") as caught:
        bench.run()
    assert "data/r.jsonl:1000: tasks.Intent.gold: found number 1" in str(caught.value)


@pytest.mark.parametrize("lines", [None, [], ["", "  "]])
def test_a_project_without_records_is_told_what_to_do(bench: Bench, lines: list[str] | None) -> None:
    if lines is not None:
        bench.data(*lines)
    with pytest.raises(ProjectError, match=r"no data|no records"):
        bench.run()


def test_many_shards_are_one_store(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.data(*(query(f"q{number}", ("train", "dev", "test")[number % 3], f"w{number} w{number % 7}",
                       Intent={"gold": str(number % 5), "lf": str(number % 4)}) for number in range(60)))
    whole = bench.run(out="whole")
    monkeypatch.setattr(stage, "ends_shard", lambda record_id, records, size: records == 7)
    parts = bench.run(out="parts")
    assert (len(whole.shards), len(parts.shards)) == (1, 9)
    kept = {name: digest for name, digest in contents(bench.root / "whole/build").items() if "text.arrow" not in name}
    cut = contents(bench.root / "parts/build")
    assert {name for name, digest in kept.items() if cut[name] != digest} == {"store/id.arrow", "store/store.json", "tags.parquet"}
    assert parts.texts("query", 5, 20) == whole.texts("query", 5, 20)
    assert [view.id for shard in parts.shards for view in parts.views(shard)] == whole.ids.to_pylist()
