"""No line, however odd, breaks a compilation: it is a record that compiles, or a bad record that says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.project import Project
from ovt.stages import compile as stage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["a", "B-x", "O", "0", "1"])
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["0", "1", "id", "range", "s", "x"]), inner, max_size=3), max_leaves=6)
LABELS = st.dictionaries(st.sampled_from(["gold", "s", "t"]), JSON, max_size=2) | JSON


def records(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Records that are right in outline and odd in detail."""
    payloads = st.fixed_dictionaries({}, optional={
        **dict.fromkeys(schema["payloads"], JSON), "tokens": st.lists(st.just("a"), max_size=2) | JSON, "query": st.just("a b") | JSON,
        "entities": st.lists(st.fixed_dictionaries({"id": st.sampled_from("ab")}, optional={"range": JSON, "x": JSON}), max_size=2) | JSON,
    })
    return st.fixed_dictionaries(
        {"payloads": payloads}, optional={
            "id": st.sampled_from("abc") | JSON, "tags": st.lists(st.sampled_from(["train", "dev", "x"]), max_size=2) | JSON,
            "tasks": st.fixed_dictionaries({}, optional=dict.fromkeys(schema["tasks"], LABELS)) | JSON, "odd": JSON,
        },
    )


def test_any_line_is_a_record_or_a_bad_record(tmp_path_factory: pytest.TempPathFactory, every_kind: dict[str, Any]) -> None:
    schema = json.dumps({**every_kind, "tasks": {
        name: {key: value for key, value in task.items() if key != "classes"} for name, task in every_kind["tasks"].items()}})
    line = records(every_kind).map(json.dumps).map(str.encode) | JSON.map(json.dumps).map(str.encode) | st.binary(max_size=20)
    noted: set[bool] = set()

    @settings(max_examples=60, deadline=None)
    @given(lines=st.lists(line, min_size=1, max_size=4))
    def compiles(lines: list[bytes]) -> None:
        root: Path = tmp_path_factory.mktemp("fuzz")
        (root / "data").mkdir()
        (root / "schema.json").write_text(schema)
        (root / "ovt.yaml").write_text("errors: {bad_records: 100%}")
        (root / "data/r.jsonl").write_bytes(b"\n".join(lines))
        told = ""
        try:
            stage.run(Project(root), root / "out", Silent())
        except ProjectError as error:
            told = str(error)
        assert not told or "data/r.jsonl:" in told or "no records" in told
        noted.add(not told)

    compiles()
    assert noted == {True, False}, "the lines should be of both kinds"
