"""A bundle: whole or not at all, the same bytes wherever it is made, loaded without torch, its damage told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ovt
from ovt.errors import MissingError, UsageError
from ovt.serving import bundle as bundles
from ovt.serving.bundle import Request, write_bundle
from ovt.serving.loading import load
from ovt.serving.mlflow_pyfunc import record_of

if TYPE_CHECKING:
    from ovt.serving.model import Model
    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network

RECORD: dict[str, Any] = {"id": "q", "payloads": {
    "tokens": ["show", "the", "redabish", "car"], "device": "tv", "age": 30,
    "entities": {"1": {"id": "thing:car", "name": "car", "range": [2, 4]}, "0": {"id": "x", "range": [0, 1]}},
}}
TORCH_FREE = """
import builtins, json, sys
real, blocked = builtins.__import__, set()
def refuse(name, *rest):
    top = name.partition(".")[0]
    if top in {"torch", "pandas", "pyarrow", "dvc", "yaml", "optuna", "safetensors", "onnx", "typer", "sklearn", "transformers", "tokenizers"}:
        raise ImportError(f"blocked: {name}")
    return real(name, *rest)
builtins.__import__ = refuse
import ovt
record = json.loads(sys.argv[2])
model = ovt.load(sys.argv[1])
print(json.dumps(model.predict([record, record])[1]))
"""


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_answers_with_onnxruntime_numpy_and_msgspec_alone(bundle: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TORCH_FREE, str(bundle), json.dumps(RECORD)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ovt.load(bundle).predict([RECORD])[0]


def test_the_same_bytes_from_two_folders_and_no_path(bundle: Path, model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(model_folder, tmp_path / "elsewhere" / "model")
    write_bundle(tmp_path / "a" / "b", tmp_path / "elsewhere" / "model", Request(key="0" * 64, mlflow=True))
    found = files_of(tmp_path / "a" / "b")
    assert found == files_of(bundle)
    for path in (str(tmp_path), str(model_folder), str(Path(__file__).parents[3]), str(Path.home())):
        assert not any(path.encode() in content for content in found.values())


def test_what_is_in_it(bundle: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    assert manifest["files"].keys() == files_of(bundle).keys() - {"bundle.json"}
    assert {"model.onnx", "config.json", "signature.json", "quality.json", "transitions.json", "MLmodel",
            "vocabulary/words.json"} <= manifest["files"].keys()
    assert not any(name.endswith(".safetensors") for name in manifest["files"])
    assert (manifest["key"], manifest["network"], manifest["variant"]) == ("0" * 64, "model.onnx", None)


def test_other_models_below_a_model_stay_out(model_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(model_folder, model)
    for below in ("replicates/1", "variants/small"):
        shutil.copytree(model_folder, model / below)
    manifest = write_bundle(tmp_path / "bundle", model, Request())
    assert not any(name.startswith(("replicates", "variants")) for name in manifest["files"])


@pytest.mark.parametrize(("name", "content", "why"), [
    ("model.onnx", b"", "is not what was exported"), ("signature.json", None, "is not there"),
    ("bundle.json", b"{", "is no JSON"), ("bundle.json", b'{"format": "ovt.bundle/9"}', "this ovt reads"),
    ("bundle.json", None, "it has no bundle.json"),
])
def test_damage_is_told(bundle: Path, tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_bytes(content)
    with pytest.raises(MissingError, match=why) as caught:
        load(copy)
    assert caught.value.command is not None


def test_a_folder_with_something_else_in_it_is_refused(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("all of it")
    with pytest.raises(UsageError, match="in use"):
        write_bundle(tmp_path / "mine", model_folder, Request())
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="a bundle is a folder"):
        write_bundle(tmp_path / "file", model_folder, Request())
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_failed_export_leaves_the_old_bundle(bundle: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    before = files_of(copy)

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles, "to_onnx", fail)
    with pytest.raises(OSError, match="No space"):
        write_bundle(copy, model_folder, Request())
    assert files_of(copy) == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_int8_is_served_where_it_is_chosen(plain: tuple[Network, Lexicon], model_folder: Path, tmp_path: Path) -> None:
    seen: list[Model] = []

    def choose(whole: Model, small: Model) -> bool:
        seen.extend((whole, small))
        return True

    manifest = write_bundle(tmp_path / "bundle", model_folder, Request(choose_small=choose))
    assert manifest["network"] == "model.int8.onnx"
    assert {"model.onnx", "model.int8.onnx"} <= manifest["files"].keys()
    answers = [model.predict([RECORD])[0]["tasks"]["Intent"]["confidence"] for model in (*seen, load(tmp_path / "bundle"))]
    assert answers[1] == answers[2] != answers[0]
    assert answers[1] == pytest.approx(answers[0], abs=0.05)


def test_licences_of_pretrained_parts_travel_along(model_folder: Path, tmp_path: Path) -> None:
    from ovt.project import Project
    from ovt.workflows.shipping.licences import licences_of

    (tmp_path / "models/bert").mkdir(parents=True)
    (tmp_path / "models/bert/LICENSE.txt").write_text("take it")
    (tmp_path / "model").mkdir()
    plain = json.loads((model_folder / "config.json").read_text())
    plain["values"]["payloads"]["tokens"]["embedding"] = "models/bert+vectors/glove.txt"
    (tmp_path / "model/config.json").write_text(json.dumps(plain))
    found = licences_of(Project(tmp_path), tmp_path / "model")
    assert found == {"models/bert": {"LICENSE.txt": b"take it"}, "vectors/glove.txt": {}}
    assert licences_of(Project(tmp_path), model_folder) == {}
    manifest = write_bundle(tmp_path / "bundle", model_folder, Request(licences=found))
    assert manifest["pretrained"] == {"models/bert": ["licences/models%2Fbert/LICENSE.txt"], "vectors/glove.txt": []}
    assert (tmp_path / "bundle" / manifest["pretrained"]["models/bert"][0]).read_text() == "take it"


@pytest.mark.slow
def test_a_torch_export_program_gives_the_same_without_ovt(model_folder: Path, tmp_path: Path) -> None:
    import torch

    from ovt.serving.export import example_arrays
    from ovt.training.model_files import load_model

    for name in ("a", "b"):
        write_bundle(tmp_path / name, model_folder, Request(torch=True))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    program = torch.export.load(tmp_path / "a" / "model.pt2").module()
    model = load(tmp_path / "a")
    network, lexicon = load_model(model_folder)
    arrays = example_arrays(network, lexicon, 4)
    found = program(*(torch.from_numpy(arrays[name]) for name in model.session.inputs))
    wanted = model.session(arrays)
    for mine, name in zip(found, model.session.outputs, strict=True):
        assert mine.detach().numpy() == pytest.approx(wanted[name], abs=1e-4)


def test_mlflow_files_name_a_loader_that_is_there(bundle: Path) -> None:
    from importlib import import_module

    import yaml

    described = yaml.safe_load((bundle / "MLmodel").read_text())["flavors"]["python_function"]
    loaded = import_module(described["loader_module"])._load_pyfunc(str(bundle))
    assert loaded.predict([RECORD]) == loaded.predict(RECORD) == ovt.load(bundle).predict([RECORD])


def test_an_mlflow_table_has_a_record_a_row(bundle: Path) -> None:
    import pandas as pd

    from ovt.serving.mlflow_pyfunc import _load_pyfunc

    table = pd.DataFrame([{"id": "q", "payloads": json.dumps(RECORD["payloads"])}])
    assert _load_pyfunc(str(bundle)).predict(table) == ovt.load(bundle).predict([RECORD])
    assert record_of({"id": "a", "query": "how"}) == {"id": "a", "payloads": {"query": "how"}}
