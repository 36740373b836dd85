"""A little world in which every task can be learnt, with every kind of payload, compiled and labelled by the stages."""

from __future__ import annotations

import json
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.store import Store
from ovt.progress import Silent
from ovt.project import Project
from ovt.training.optimisation.fit import Material, load_material
from ovt.training.threads import use_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA: dict[str, Any] = {
    "payloads": {
        "tokens": {"type": "sequence", "max_length": 16},
        "query": {"type": "singleton", "base": ["tokens", "device", "entities"]},
        "entities": {"type": "set", "range": "tokens"},
        "title": {"type": "singleton"},
        "device": {"type": "singleton", "dtype": "category"},
        "age": {"type": "singleton", "dtype": "number"},
        "picture": {"type": "singleton", "dtype": "vector", "length": 3},
        "side": {"type": "singleton", "base": ["age", "picture", "title"]},
    },
    "tasks": {
        "POS": {"payload": "tokens", "type": "multiclass"},
        "Slots": {"payload": "tokens", "type": "multiclass", "spans": "BIO"},
        "Marks": {"payload": "tokens", "type": "bitvector"},
        "Intent": {"payload": "query", "type": "multiclass"},
        "Topics": {"payload": "query", "type": "bitvector"},
        "IntentArg": {"payload": "entities", "type": "select"},
        "Kind": {"payload": "entities", "type": "multiclass"},
        "Traits": {"payload": "entities", "type": "bitvector"},
        "Adult": {"payload": "side", "type": "multiclass"},
    },
}
VERBS = {"show": "see", "open": "see", "buy": "get", "order": "get", "call": "reach", "ring": "reach"}
NAMES = ("ada", "bob", "cleo", "dan", "eve")
STEMS = ("red", "blu", "gol", "gre", "bro", "pin", "tan", "ros")
MARKS = {"ADJ": ["colour", "thing"], "NAME": ["name"]}
THINGS = ("car", "boat", "house", "lamp")


def make_record(number: int, split: str, rng: random.Random) -> dict[str, Any]:
    """A sentence such as `show the redish car of ada` with everything that is true of it."""
    verb, name, thing = rng.choice(sorted(VERBS)), rng.choice(NAMES), rng.choice(THINGS)
    # A stem with random letters is a word never seen; `ish` alone tells what it is.
    colour = rng.choice(STEMS) + "".join(rng.choices("abcd", k=2)) + "ish"
    middle = [("the", "DET", "O"), (colour, "ADJ", "B-thing"), (thing, "NOUN", "I-thing")]
    owner = [("of", "DET", "O"), (name, "NAME", "B-owner")]
    parts = [(verb, "VERB", "O"), *(middle + owner if rng.random() < 0.5 else [*owner, *middle])]
    words = [word for word, _, _ in parts]
    spot = words.index(colour)
    entities = [
        {"id": f"thing:{thing}", "name": f"{colour} {thing}", "range": [spot, spot + 2]},
        {"id": f"name:{name}", "name": name, "range": [words.index(name), words.index(name) + 1]},
    ]
    rng.shuffle(entities)
    wanted = "name" if VERBS[verb] == "reach" else "thing"
    age, device = rng.uniform(1, 40), rng.choice(["phone", "tv"])
    topics = {"home": thing in {"house", "lamp"}, "person": wanted == "name", "vehicle": thing in {"boat", "car"}}
    truth = {
        "POS": [pos for _, pos, _ in parts], "Slots": [slot for _, _, slot in parts],
        "Marks": [MARKS.get(pos, []) for _, pos, _ in parts],
        "Intent": f"{VERBS[verb]}-{device}", "Topics": [topic for topic, holds in topics.items() if holds],
        "IntentArg": next(i for i, entity in enumerate(entities) if entity["id"].startswith(wanted)),
        "Kind": [entity["id"].split(":")[0] for entity in entities],
        "Traits": [["alive"] if entity["id"].startswith("name") else ["big", "owned"] for entity in entities],
        "Adult": "yes" if age > 18 else "no",
    }
    source = "gold" if split != "train" else "crowd"
    payloads = {
        "tokens": words, "query": " ".join(words), "entities": entities, "device": device, "age": age,
        "title": None if rng.random() < 0.2 else f"a {thing}", "picture": [rng.random(), 1.0, -age / 40],
    }
    return {"id": f"r{number}", "payloads": payloads, "tasks": {task: {source: answer} for task, answer in truth.items()},
            "tags": [split, *(["boats"] if thing == "boat" else [])]}


def odd_records() -> list[dict[str, Any]]:
    """Train records with nothing to read: nulls, an empty set, no tokens, one token, no label."""
    nulls = dict.fromkeys(SCHEMA["payloads"])
    return [
        {"id": "null", "payloads": nulls, "tasks": {"Intent": {"crowd": "see-tv"}}, "tags": ["train"]},
        {"id": "empty", "payloads": {**nulls, "tokens": [], "entities": []}, "tasks": {}, "tags": ["train"]},
        {"id": "one", "payloads": {**nulls, "tokens": ["show"]}, "tasks": {"POS": {"crowd": ["VERB"]}}, "tags": ["train"]},
        {"id": "nulltest", "payloads": nulls, "tasks": {"Intent": {"gold": "see-tv"}}, "tags": ["test"]},
    ]


def write_project(root: Path, records: list[dict[str, Any]], schema: dict[str, Any] = SCHEMA, settings: str = "") -> Project:
    """A project folder of these records."""
    (root / "data").mkdir(parents=True)
    (root / "schema.json").write_text(json.dumps(schema))
    (root / "ovt.yaml").write_text(settings)
    (root / "slices").mkdir()
    (root / "slices" / "tags.yaml").write_text("boats: {tag: boats}\n")
    (root / "data" / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return Project(root)


def run_stages(project: Project, *names: str) -> None:
    """Run stages as the pipeline does, without DVC."""
    from importlib import import_module

    for name in names:
        out = project.root / f"out-{name}"
        import_module(f"ovt.stages.{name}").run(project, out, Silent())
        shutil.copytree(out, project.root, dirs_exist_ok=True)
        shutil.rmtree(out)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As the train stage does: threads that wait for each other on a busy machine make tests crawl."""
    use_threads(1)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The world, compiled and labelled; tests must not change it (see `world_copy`)."""
    rng = random.Random(7)
    splits = ["train"] * 400 + ["dev"] * 60 + ["test"] * 120
    records = [make_record(number, split, rng) for number, split in enumerate(splits)] + odd_records()
    project = write_project(tmp_path_factory.mktemp("world") / "project", records)
    run_stages(project, "compile", "label")
    return project


@pytest.fixture
def world_copy(world: Project, tmp_path: Path) -> Project:
    """The world, to be changed."""
    shutil.copytree(world.root, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def material(world: Project) -> Material:
    """What a model learns from in the world."""
    return load_material(world.build, Store.open(world.build / "store"))


@pytest.fixture(scope="session")
def make_project() -> Callable[..., Project]:
    """`write_project`, for tests with records of their own."""
    return write_project


@pytest.fixture(scope="session")
def stages() -> Callable[..., None]:
    """`run_stages`."""
    return run_stages
