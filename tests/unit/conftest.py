"""A project of Overton's running example, to which tests add functions."""

from __future__ import annotations

import json
import shutil
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.store import Store
from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.files import scratch_folder, swap_in

if TYPE_CHECKING:
    from pathlib import Path

FIGURE_2A = {
    "payloads": {
        "tokens": {"type": "sequence", "max_length": 16},
        "query": {"type": "singleton", "base": ["tokens"]},
        "entities": {"type": "set", "range": "tokens"},
        "device": {"type": "singleton", "dtype": "category"},
        "age": {"type": "singleton", "dtype": "number"},
    },
    "tasks": {
        "POS": {"payload": "tokens", "type": "multiclass", "classes": ["ADJ", "NOUN", "VERB"]},
        "Slots": {"payload": "tokens", "type": "multiclass", "spans": "BIO", "classes": ["B-title", "I-title", "O"]},
        "EntityType": {"payload": "tokens", "type": "bitvector", "classes": ["location", "title"]},
        "Intent": {"payload": "query", "type": "multiclass", "classes": ["age", "height", "president"]},
        "Topics": {"payload": "query", "type": "bitvector", "classes": ["food", "people"]},
        "IntentArg": {"payload": "entities", "type": "select"},
        "Kind": {"payload": "entities", "type": "multiclass", "classes": ["measure", "person"]},
        "Traits": {"payload": "entities", "type": "bitvector", "classes": ["living", "office"]},
    },
}


OUTPUTS = ("build/store", "build/votes", "build/gold/dev", "build/gold/test", "build/slices", "build/tags.parquet",
           "build/labels", "reports/sources.json")


class Workbench:
    """A project folder that tests write files into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("schema.json", json.dumps(FIGURE_2A))

    @property
    def project(self) -> Project:
        """The project as it is now."""
        return Project(self.root)

    def records(self, *records: dict[str, Any]) -> None:
        """Write `data/records.jsonl`; a record without tags is of train."""
        lines = [json.dumps({"tags": ["train"], **record}) for record in records]
        self.write("data/records.jsonl", "\n".join(lines) + "\n")

    def run(self, *stages: str) -> list[str]:
        """Run stages and put their outputs in place; returns what they noted."""
        progress = Silent()
        for stage in stages:
            with scratch_folder(self.root / ".ovt", stage) as out:
                import_module(f"ovt.stages.{stage}").run(self.project, out, progress)
                for name in OUTPUTS:
                    if (out / name).exists():
                        swap_in(out / name, self.root / name)
        return progress.notes

    def compiled(self) -> Store:
        """Compile, and open the store."""
        self.run("compile")
        return Store.open(self.root / "build/store")

    def write(self, name: str, text: str) -> Path:
        """Write a file, dedented."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """An empty project with the schema of Figure 2a and a task of every other kind."""
    return Workbench(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test of a module leaves its project for the others."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def filled(bench: Workbench, kept: Path, request: pytest.FixtureRequest) -> Workbench:
    """The bench as the module's `build` fills it, once; copying that is fifty times faster than the stages."""
    if kept.exists():
        shutil.copytree(kept, bench.root, dirs_exist_ok=True)
    else:
        request.module.build(bench)
        shutil.copytree(bench.root, kept)
    return bench
