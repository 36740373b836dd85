"""Every kind of embedding trains, is written and read back alike, and makes the same arrays for rows and for records."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.errors import OvtError
from ovt.progress import Silent
from ovt.serving.arrays import ArrayMaker
from ovt.serving.requests import RequestReader
from ovt.training.inference import infer
from ovt.training.lexicon_files import load_lexicon
from ovt.training.model_files import load_model, save_model
from ovt.training.optimisation.fit import Fitted, Material, fit
from ovt.training.predict import predict
from ovt.training.reader import Reader
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from ovt.project import Project

_spec = importlib.util.spec_from_file_location("pretrained_files", Path(__file__).parents[1] / "pretrained.py")
assert _spec is not None
assert _spec.loader is not None
files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(files)

QUICK: dict[str, Any] = {"training": {"epochs": 1, "batch": 64, "patience": 1}}
KINDS: dict[str, dict[str, Any]] = {
    "characters": {"tokens": {"embedding": "characters"}},
    "pieces": {"tokens": {"embedding": "subwords"}, "entities": {"embedding": "words"}, "title": {"embedding": "hashed"}},
    "vectors": {"tokens": {"embedding": "glove.txt"}, "title": {"embedding": "learned+glove.txt"}},
    "tuned": {"tokens": {"embedding": "glove.txt", "fine_tune": True}, "entities": {"ids": "ids.vec", "fine_tune": True}},
    "members": {"entities": {"ids": "learned+ids.vec"}},
    "folder": {"tokens": {"embedding": "models/bert+learned"}},
    "encoder": {"tokens": {"embedding": "models/bert", "encoder": "pretrained"},
                "title": {"embedding": "models/bert", "encoder": "pretrained", "pieces": "first", "fine_tune": True}},
}


@pytest.fixture(scope="module")
def home(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pretrained files: of every second word, and of members seen once or in test alone."""
    root = tmp_path_factory.mktemp("pretrained")
    words = material.store.vocabulary("tokens").strings
    files.write_vectors(root / "glove.txt", [*words[::2], "never-seen"], 12)
    files.write_vectors(root / "ids.vec", [*material.store.vocabulary("entities.id").strings[:5], "q1"], 6)
    files.write_bert(root / "models" / "bert", words)
    return root


def trained(material: Material, root: Path, changes: dict[str, Any]) -> Fitted:
    store = material.store
    values = overlay(default_values(store.schema, measure(store)), {**QUICK, "payloads": changes})
    return fit(replace(material, root=root), values, 0, Silent())


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_embedding(kind: str, material: Material, home: Path, tmp_path: Path, world: Project) -> None:
    fitted = trained(material, home, KINDS[kind])
    save_model(tmp_path / "model", fitted)
    store, rows = material.store, np.arange(400, 440)
    direct = infer(fitted.network, Reader(store, fitted.lexicon), rows)
    again = predict(tmp_path / "model", store, rows)  # the pretrained files are needed no more
    assert all(np.array_equal(direct[task].probabilities, again[task].probabilities) for task in direct)
    _same_arrays(tmp_path / "model", store, world)


def _same_arrays(model: Path, store: Store, world: Project) -> None:
    """What serving makes of a record without torch is what the reader makes of its row."""
    lexicon = load_lexicon(model, json.loads((model / "config.json").read_text()))
    lines = (world.root / "data" / "records.jsonl").read_text().splitlines()[410:413]
    requests = RequestReader(store.schema)
    records: list[Any] = [requests.from_mapping(json.loads(line)) for line in lines]
    made = ArrayMaker(store.schema, lexicon, requests.codec.payload_fields).make([found.payloads for found in records])
    read = Reader(store, lexicon).read(np.asarray([store.row_of(found.id) for found in records], np.int64))
    assert set(made) == set(read)
    for name in read:
        if name.endswith("/words"):  # places in a list of distinct words, whose order is free
            continue
        same = np.sort(read[name], axis=0) if name.startswith("words/") else read[name]
        other = np.sort(made[name], axis=0) if name.startswith("words/") else made[name]
        assert np.array_equal(same, other), name


def test_frozen_vectors_stay_and_tuned_ones_move(material: Material, home: Path) -> None:
    for fine_tune in (False, True):
        fitted = trained(material, home, {"tokens": {"embedding": "glove.txt", "fine_tune": fine_tune}})
        table = fitted.network.others.parts["@glove%2Etxt"].table.detach().numpy()
        moved = np.abs(table - fitted.lexicon.embeddings.matrices["glove.txt"]).max(1)
        assert bool(moved.max() > 0) is fine_tune
        assert moved[0] == 0


def test_a_frozen_encoder_keeps_the_folder_s_weights(material: Material, home: Path) -> None:
    from safetensors.numpy import load_file

    found = load_file(home / "models" / "bert" / "model.safetensors")
    state = trained(material, home, KINDS["encoder"]).network.state_dict()
    for payload, frozen in (("tokens.", True), ("title.sequence.", False)):
        name = "encoder.layer.0.attention.self.query.weight"
        own = state[f"payloads.@{payload}encoder.model.{name}"].numpy()
        assert np.array_equal(own, found[name]) is frozen


def test_a_word_only_the_file_knows_keeps_its_vector(material: Material, home: Path, tmp_path: Path) -> None:
    fitted = trained(material, home, KINDS["vectors"])
    unseen = [text for text, count in zip(*_counted(material.store), strict=True) if count == 0]
    known = set(fitted.lexicon.embeddings.parts["glove.txt"].words)  # type: ignore[union-attr]
    assert known & set(unseen)
    assert "never-seen" not in known  # nothing is kept that no record has
    more = overlay(fitted.network.blueprint.values, {"words": {"extra_vectors": 10_000}})
    larger = fit(replace(material, root=home), more, 0, Silent()).lexicon.embeddings
    assert "never-seen" in larger.parts["glove.txt"].words  # type: ignore[union-attr]


def _counted(store: Store) -> tuple[list[str], list[int]]:
    found = store.vocabulary("tokens")
    return list(found.strings), found.counts.tolist()


def test_the_same_bytes_again(material: Material, home: Path, tmp_path: Path) -> None:
    changes = {"tokens": {"embedding": "learned+characters+subwords+glove.txt+models/bert"},
               "entities": {"ids": "learned+ids.vec"}}
    for name in ("a", "b"):
        save_model(tmp_path / name, trained(material, home, changes))
    for path in sorted((tmp_path / "a").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    network, _ = load_model(tmp_path / "a")
    assert network.word_size("tokens") == 3 * network.blueprint.values.words.size + 12 + files.HIDDEN


@pytest.mark.parametrize(("changes", "said"), [
    ({"tokens": {"embedding": "gone.txt"}}, "gone.txt"),
    ({"tokens": {"embedding": "models/none"}}, "no vocabulary"),
    ({"tokens": {"encoder": "pretrained"}}, "folder"),
])
def test_what_is_not_there_is_named(changes: dict[str, Any], said: str, material: Material, home: Path) -> None:
    with pytest.raises(OvtError, match=said):
        trained(material, home, changes)


def test_a_folder_without_weights(material: Material, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    (tmp_path / "models" / "bert" / "model.safetensors").unlink()
    for values in ({"encoder": "pretrained"}, {}):
        with pytest.raises(OvtError, match="no weights"):
            trained(material, tmp_path, {"tokens": {"embedding": "models/bert", **values}})
