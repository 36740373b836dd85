"""Any schema that is accepted compiles to a model that learns a step, is written, read back, and answers every record."""

from __future__ import annotations

import shutil
import string
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.data.store import Store
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.training.model_files import save_model
from ovt.training.optimisation.fit import fit, load_material
from ovt.training.predict import predict
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.values import overlay

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ("red", "Blue", "green-ish", "2024", "ä", "a" * 90)
CLASSES = ("yes", "no", "maybe")
SPANS = ("O", "B-x", "I-x")
EMBEDDINGS = ("learned", "words", "hashed", "characters", "learned+characters")
Draw = Any


@st.composite
def schemas(draw: Draw) -> dict[str, Any]:
    """Payloads in an order in which each may build on those before it, and a task or two on some of them."""
    payloads: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 5))):
        kinds = ["sequence", "set", "text", "category", "number", "vector"]
        payloads[f"p.{number}"] = draw(payload(draw(st.sampled_from(kinds)), list(payloads), payloads))
    names = list(payloads)
    tasks = {}
    for number in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(names))
        kinds = ["multiclass", "bitvector", *(["select"] if payloads[name]["type"] == "set" else []),
                 *(["spans"] if payloads[name]["type"] == "sequence" else [])]
        kind = draw(st.sampled_from(kinds))
        tasks[f"t {number}"] = {"payload": name, "type": "multiclass" if kind == "spans" else kind}
        if kind == "spans":
            tasks[f"t {number}"] |= {"spans": "BIO", "classes": list(SPANS)}
    return {"payloads": payloads, "tasks": tasks}


@st.composite
def payload(draw: Draw, kind: str, before: list[str], payloads: dict[str, Any]) -> dict[str, Any]:
    """A payload that builds on some of those before it."""
    if kind in {"category", "number", "vector"}:
        return {"type": "singleton", "dtype": kind, **({"length": 2} if kind == "vector" else {})}
    found: dict[str, Any] = {"type": "singleton" if kind == "text" else kind}
    base = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
    if base:
        found["base"] = base
    sequences = [name for name in before if payloads[name]["type"] == "sequence"]
    if kind == "set" and sequences and draw(st.booleans()):
        found["range"] = draw(st.sampled_from(sequences))
    if kind != "text" and draw(st.booleans()):
        found["max_length"] = draw(st.integers(1, 4))
    return found


@st.composite
def records(draw: Draw, schema: dict[str, Any], split: str, number: int) -> dict[str, Any]:
    """A record with values, nulls and labels as they come; one task at least is labelled."""
    found: dict[str, Any] = {}
    for name, spec in schema["payloads"].items():
        found[name] = None if draw(st.integers(0, 4)) == 0 else draw(value(spec, found))
    tasks = {}
    for name, spec in schema["tasks"].items():
        answer = draw(label(spec, schema["payloads"][spec["payload"]], found[spec["payload"]]))
        if answer is not None:
            tasks[name] = {"gold" if split != "train" else "crowd": answer}
    return {"id": f"{split}{number}", "payloads": found, "tasks": tasks, "tags": [split]}


@st.composite
def value(draw: Draw, spec: dict[str, Any], others: dict[str, Any]) -> Any:
    """What a payload may hold."""
    words = st.lists(st.sampled_from(WORDS), max_size=6)
    if spec["type"] == "sequence":
        return draw(words)
    if spec["type"] == "set":
        tokens = others.get(spec.get("range")) or []
        members = []
        for _ in range(draw(st.integers(0, 3))):
            member: dict[str, Any] = {"id": draw(st.sampled_from(WORDS)), "name": draw(st.sampled_from(WORDS))}
            if tokens:
                start = draw(st.integers(0, len(tokens) - 1))
                member["range"] = [start, draw(st.integers(start + 1, len(tokens)))]
            members.append(member)
        return members
    if spec.get("dtype") == "number":
        return draw(st.floats(-1e6, 1e6))
    if spec.get("dtype") == "vector":
        return draw(st.lists(st.floats(-10, 10), min_size=2, max_size=2))
    return draw(st.sampled_from(WORDS)) if spec.get("dtype") == "category" else " ".join(draw(words))


@st.composite
def label(draw: Draw, spec: dict[str, Any], payload: dict[str, Any], found: Any) -> Any:
    """An answer of the right kind; None where there is nothing to label, and now and then."""
    one = st.lists(st.sampled_from(CLASSES), unique=True) if spec["type"] == "bitvector" else st.sampled_from(CLASSES)
    if spec["type"] == "select":
        return draw(st.integers(0, len(found) - 1)) if found else None
    if payload["type"] == "singleton":
        return draw(one) if found is not None else None
    if not found:
        return None
    if spec.get("spans"):
        return ["B-x", *draw(st.lists(st.sampled_from(("O", "B-x")), min_size=len(found) - 1, max_size=len(found) - 1))]
    return [draw(st.none() | one) for _ in found]


@st.composite
def worlds(draw: Draw) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """A schema, records of it, and values for its payloads and tasks."""
    schema = draw(schemas())
    rows = [draw(records(schema, split, number)) for split, count in (("train", 5), ("dev", 2), ("test", 3))
            for number in range(count)]
    values = {name: {
        "embedding": draw(st.sampled_from(EMBEDDINGS)), "encoder": draw(st.sampled_from(("bag", "cnn", "lstm", "transformer"))),
        "aggregation": draw(st.sampled_from(("max", "mean", "attention"))), "size": draw(st.sampled_from((8, 12))),
    } for name in schema["payloads"]}
    heads = {name: {"head": draw(st.sampled_from(("crf", "linear")))} for name, task in schema["tasks"].items()
             if task["type"] == "multiclass" and schema["payloads"][task["payload"]]["type"] == "sequence"}
    return schema, rows, {"payloads": values, "tasks": heads, "training": {"epochs": 1, "batch": 2}}


def learns_and_answers(
    world: tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]], make: Callable[..., Any], stages: Callable[..., None],
) -> None:
    schema, rows, changes = world
    root = Path(tempfile.mkdtemp())
    try:
        project = make(root / "project", rows, schema=schema)
        stages(project, "compile", "label")
        store = Store.open(project.build / "store")
        try:
            material = load_material(project.build, store)
        except ProjectError as error:  # nulls, empty lists and "none of them" teach nothing
            assert error.what == "there is nothing to learn from"  # noqa: PT017
            return
        values = overlay(default_values(store.schema, measure(store)), changes)
        fitted = fit(material, values, 0, Silent())
        save_model(root / "model", fitted)
        found = predict(root / "model", store, np.arange(store.n))
        for task, answers in found.items():
            assert len(answers.items) == store.n_items(task)
            assert ((answers.confidence() >= 0) & (answers.confidence() <= 1 + 1e-6)).all()
            assert np.isfinite(answers.probabilities).all()
            if answers.offsets is None and answers.decoded.ndim == 1 and store.classes[task] and len(answers.items):
                assert answers.probabilities.sum(1) == pytest.approx(1, abs=1e-4)
    finally:
        shutil.rmtree(root)


@given(worlds())
@settings(max_examples=8)
def test_any_schema_learns_and_answers(
    make_project: Callable[..., Any], stages: Callable[..., None],
    world: tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]],
) -> None:
    learns_and_answers(world, make_project, stages)


@pytest.mark.slow
@given(worlds())
@settings(max_examples=150)
def test_any_schema_learns_and_answers_many_times(
    make_project: Callable[..., Any], stages: Callable[..., None],
    world: tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]],
) -> None:
    learns_and_answers(world, make_project, stages)


def test_one_token_and_thousands(make_project: Callable[..., Any], stages: Callable[..., None], tmp_path: Path) -> None:
    """Length is no limit; what `max_length` cuts off is not labelled either."""
    schema = {"payloads": {"tokens": {"type": "sequence"}, "cut": {"type": "sequence", "max_length": 5}},
              "tasks": {"Tag": {"payload": "tokens", "type": "multiclass", "spans": "BIO"}}}
    letters = list(string.ascii_lowercase)
    rows = [{"id": f"r{size}", "payloads": {"tokens": (letters * 200)[:size], "cut": (letters * 200)[:size]},
             "tasks": {"Tag": {"gold" if tag == "dev" else "crowd": ["B-x" if place % 3 == 0 else "O" for place in range(size)]}},
             "tags": [tag]} for size, tag in ((1, "train"), (2500, "train"), (3, "dev"), (2000, "dev"))]
    project = make_project(tmp_path / "project", rows, schema=schema)
    stages(project, "compile", "label")
    store = Store.open(project.build / "store")
    values = overlay(default_values(store.schema, measure(store)),
                     {"training": {"epochs": 1, "batch": 2}, "tasks": {"Tag": {"head": "crf"}}})
    fitted = fit(load_material(project.build, store), values, 0, Silent())
    save_model(tmp_path / "model", fitted)
    found = predict(tmp_path / "model", store, np.arange(store.n))["Tag"]
    assert len(found.items) == 4504
    assert np.isfinite(found.probabilities).all()
    assert len(store.tokens("cut").values) == 1 + 5 + 3 + 5
