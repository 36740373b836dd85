"""A package that someone installed brings an encoder, an embedding, an aggregation and a head of its own."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.training.model_files import save_model
from ovt.training.optimisation.fit import Material, fit
from ovt.training.predict import predict
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.spec import nested, parse_spec
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = '''
import numpy as np
from torch import nn

class Plain(nn.Module):
    """An encoder."""
    def __init__(self, inputs, size, dropout):
        super().__init__()
        self.linear = nn.Linear(inputs, size)
    def forward(self, x, lengths):
        return self.linear(x)

class First(nn.Module):
    """An aggregation."""
    def __init__(self, size):
        super().__init__()
    def forward(self, x, mask):
        return x[:, 0] * mask[:, :1]

class Deep(nn.Module):
    """A head."""
    def __init__(self, size, classes, dropout):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, classes))
    def forward(self, elements):
        return self.layers(elements)

class Lengths:
    """An embedding: of the length of a word."""
    @staticmethod
    def encode(strings):
        return np.asarray([[len(text), text.isupper()] for text in strings], np.float32)
    @staticmethod
    def build(size):
        return nn.Linear(2, size)
'''
ENTRY_POINTS = """[ovt.encoders]
plain = ovt_test_plugin:Plain
[ovt.aggregations]
first = ovt_test_plugin:First
[ovt.heads]
deep = ovt_test_plugin:Deep
[ovt.embeddings]
lengths = ovt_test_plugin:Lengths
"""
SPEC = """
payloads:
  tokens: {embedding: learned+lengths, encoder: [plain, lstm]}
  query: {aggregation: first}
tasks:
  Intent: {head: deep}
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, as `pip install` leaves it."""
    (tmp_path / "ovt_test_plugin.py").write_text(CODE)
    info = tmp_path / "ovt_test_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ovt-test-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("ovt_test_plugin", None)


@pytest.mark.usefixtures("plugin")
def test_parts_from_outside_are_named_trained_written_and_read(material: Material, tmp_path: Path) -> None:
    spec = parse_spec(parse_document(SPEC, "tuning.yaml"), material.store.schema)
    assert spec.choices == {("payloads", "tokens", "encoder"): ("plain", "lstm")}
    changes: dict[str, Any] = nested(spec.pins)
    changes["payloads"]["tokens"]["encoder"] = "plain"
    values = overlay(default_values(material.store.schema, measure(material.store)),
                     {**changes, "training": {"epochs": 1, "batch": 64}})
    fitted = fit(material, values, 0, Silent())
    kinds = {type(module).__name__ for module in fitted.network.modules()}
    assert {"Plain", "First", "Deep"} <= kinds
    save_model(tmp_path / "model", fitted)
    found = predict(tmp_path / "model", material.store, np.arange(20))
    assert np.isfinite(found["Intent"].probabilities).all()


@pytest.mark.parametrize(("text", "said"), [
    ("payloads: {tokens: {encoder: plain}}", "plain"), ("payloads: {tokens: {embedding: lengths}}", "lengths"),
    ("payloads: {query: {aggregation: first}}", "first"), ("tasks: {Intent: {head: deep}}", "deep"),
    ("tasks: {Intend: {head: crf}}", "did you mean `Intent`"),
])
def test_without_the_package_they_are_unknown(text: str, said: str, material: Material) -> None:
    with pytest.raises(ProjectError, match=said):
        parse_spec(parse_document(text, "tuning.yaml"), material.store.schema)


@pytest.mark.parametrize(("task", "head"), [("Intent", "crf"), ("Marks", "crf"), ("IntentArg", "linear"), ("Intent", "attention")])
def test_a_head_where_it_makes_no_sense(task: str, head: str, material: Material) -> None:
    values = overlay(default_values(material.store.schema, measure(material.store)), {"tasks": {task: {"head": head}}})
    with pytest.raises(ProjectError, match=f"`{task}` cannot have the head `{head}`"):
        fit(material, values, 0, Silent())
