"""Slices are unions of functions and tags; the same definition has the same digest and bytes."""

from __future__ import annotations

import json

import pytest

from ovt.data.tags import TagTable
from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.slicing.membership import Membership, compute


@pytest.fixture
def filled(bench):
    """Four records."""
    bench.records(
        {"id": "a", "payloads": {"query": "a salad please"}, "tags": ["train", "food"]},
        {"id": "b", "payloads": {"query": "how many calories"}},
        {"id": "c", "payloads": {"query": "who is the president"}, "tags": ["test"]},
        {"id": "d", "payloads": {"query": None, "tokens": ["salad"]}, "tags": ["dev", "food"]},
    )
    return bench


def members(bench, progress=None):
    store = bench.compiled()
    found = compute(bench.project, store, TagTable.load(bench.root / "build/tags.parquet"), progress or Silent())
    return found, {name: found.column(name).nonzero()[0].tolist() for name in found.names}


def test_functions_yaml_and_tags(filled):
    filled.write("slices/a.py", """
        import re
        from ovt import slicing_function
        @slicing_function(name="short")
        def few(r): return r.query is not None and len(r.tokens) < 4
        @slicing_function()
        def asks(r): return re.search("^(who|how)", r.query or "")
        @slicing_function()
        def held_out(r): return "test" in r.tags
        """)
    filled.write("slices/b.yaml", "tagged: {tag: food}\nlearnt: {tag: train}\n")
    filled.write("labelers/c.yaml", "- {name: salad, slice: nutrition, keyword: salad}\n"
                                    "- {name: calories, slice: nutrition, regex: calories}\n")
    found, rows = members(filled)
    assert rows == {"asks": [1, 2], "held_out": [2], "learnt": [0, 1], "nutrition": [0, 1, 3], "short": [0, 1],
                    "tagged": [0, 3]}
    assert found.matrix.shape == (4, 6)


def test_it_is_written_by_compile_and_read_back(filled):
    filled.write("slices/a.yaml", "nutrition: {keyword: [salad, calories]}\ntagged: {tag: food}\n")
    found, _ = members(filled)
    back = Membership.load(filled.root / "build/slices", 4)
    assert (back.names, back.definitions) == (found.names, found.definitions)
    assert back.matrix.tolist() == found.matrix.tolist()
    described = json.loads((filled.root / "build/slices/slices.json").read_text())
    assert [entry["name"] for entry in described] == ["nutrition", "tagged"]


def test_no_slices(filled):
    found, rows = members(filled)
    assert (found.names, rows, found.matrix.shape) == ((), {}, (4, 0))
    assert Membership.load(filled.root / "build/slices", 4).matrix.shape == (4, 0)


def test_the_same_bytes_each_time(filled):
    filled.write("slices/a.yaml", "nutrition: {keyword: [salad, calories]}\ntagged: {tag: food}\n")
    folder = filled.root / "build/slices"
    members(filled)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    members(filled)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_definition_is_what_is_computed_not_how_it_is_called(filled):
    text = "from ovt import slicing_function\n@slicing_function(name='few')\ndef short(r):\n    return len(r.tokens or ()) < 4\n"
    filled.write("slices/a.py", text)
    before = members(filled)[0].definitions
    filled.write("slices/a.py", text.replace("def short", "# why\ndef few_words"))
    assert members(filled)[0].definitions == before
    filled.write("slices/a.py", text.replace("< 4", "< 5"))
    assert members(filled)[0].definitions != before


def test_a_slice_without_records_is_told(filled):
    filled.write("slices/a.yaml", "typo: {tag: fodo}\n")
    progress = Silent()
    members(filled, progress)
    assert any("`typo` has no records" in note for note in progress.notes)


def test_a_failing_slice_stops(filled):
    filled.write("slices/a.py", "from ovt import slicing_function\n@slicing_function()\ndef short(r):\n"
                                "    return len(r.query) < 4\n")
    with pytest.raises(ProjectError) as caught:
        members(filled)
    assert caught.value.what == "slicing function `short` failed on 1 of 4 records"
    assert caught.value.fix == "return ABSTAIN where a payload is null"
