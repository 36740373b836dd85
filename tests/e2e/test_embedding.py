"""Vectors as a product: made, compared with the last, due again, pushed, and an embedding of the next model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from person import Person, make_records, write_inputs, write_records
from safetensors import safe_open


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """A project with a version and a data remote."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_inputs(folder)
    found = Person(folder)
    found.types("git", "init", "-q", "-b", "main")
    found.types("ovt", "init", ".")
    settings = (folder / "ovt.yaml").read_text()
    found.write("ovt.yaml", f"{settings}\nembeddings: {{tokens: {{every: 10d}}}}\n")
    found.types("ovt", "remote", "add", str(tmp_path / "store"))
    found.types("ovt", "commit", "-m", "one")
    return found


def test_a_product_of_vectors(person: Person, tmp_path: Path) -> None:
    assert "never made" in person.sees("ovt", "status").stderr
    (made,) = person.json("ovt", "embed")["products"]
    assert (made["payload"], made["kind"], made["overlap"]) == ("tokens", "words", None)
    assert "due every" not in person.sees("ovt", "status").stderr
    folder = person.folder / "embeddings"
    with safe_open(folder / "tokens.safetensors", framework="numpy") as file:
        names, vectors = json.loads(file.metadata()["names"]), file.get_tensor("vectors")
    table = pq.read_table(folder / "tokens.parquet")
    assert table["name"].to_pylist() == names
    assert table["vector"][0].as_py() == pytest.approx(vectors[0].tolist())
    person.types("git", "add", "embeddings")
    person.types("git", "commit", "-q", "-m", "vectors", OVT_SKIP="1")
    assert not any(path.endswith((".parquet", ".safetensors")) for path in person.types("git", "ls-files").split())

    person.types("ovt", "push")
    before = (folder / "tokens.safetensors").read_bytes()
    shutil.rmtree(person.folder / ".dvc/cache")
    (folder / "tokens.safetensors").unlink()
    person.types("ovt", "pull")
    assert (folder / "tokens.safetensors").read_bytes() == before

    # Another model: compared with the last vectors, which then become its embedding.
    write_records(person.folder / "data/questions.jsonl", make_records(seed=8))
    person.types("ovt", "run")
    (again,) = person.json("ovt", "embed")["products"]
    assert 0 < again["overlap"] <= 1
    assert again["distance"] > 0
    person.write("tuning.yaml", "payloads: {tokens: {embedding: learned+embeddings/tokens.safetensors}}\n")
    person.types("git", "add", "embeddings")
    person.types("ovt", "commit", "-m", "with the vectors of the last model")
    assert set(person.actions().values()) == {"unchanged"}
    assert person.json("ovt", "log")["versions"][0]["state"] == "ready"


def test_which_payload(person: Person) -> None:
    said = person.sees("ovt", "embed", "--payload", "tokn", code=2).stderr
    assert "no payload `tokn`" in said
    assert "tokens" in said
