"""Documents: values by the standard libraries, lines by the YAML reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.documents import parse_document
from ovt.errors import ProjectError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10**6, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    text = json.dumps({"top": value}, indent=2)
    assert parse_document(text, "x.json").value == json.loads(text)


@pytest.mark.parametrize(("text", "value"), [
    ("train: off", "off"), ("train: no", "no"), ("train: true", True), ("rate: 1e-3", 0.001), ("rate: 0.5", 0.5),
    ("limit: 1%", "1%"), ("day: 2019-09-01", "2019-09-01"), ("n: 3", 3), ("n: -2.5e1", -25.0), ("x: .", "."),
])
def test_yaml_scalars_say_what_they_look_like(text: str, value: object) -> None:
    assert next(iter(parse_document(text, "ovt.yaml").value.values())) == value


def test_lines_of_keys_and_items() -> None:
    document = parse_document("a:\n  b: 1\n  c:\n  - x\n  - y\n", "f.yaml")
    assert document.at("a", "b") == "f.yaml:2"
    assert document.at("a", "c", 1) == "f.yaml:5"
    assert document.at("a", "missing", "deeper") == "f.yaml:1"


@pytest.mark.parametrize(("name", "text", "where"), [
    ("s.json", '{"a": 1,\n "b" 2}', "s.json:2:6"), ("s.yaml", "a: [1, 2\nb: 3", "s.yaml:2:2"),
])
def test_a_syntax_error_names_line_and_column(name: str, text: str, where: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_document(text, name)
    assert caught.value.at == where


def test_a_key_that_comes_twice_is_an_error() -> None:
    with pytest.raises(ProjectError, match="`a` comes twice") as caught:
        parse_document("a: 1\nb: 2\na: 3\n", "ovt.yaml")
    assert caught.value.at == "ovt.yaml:3"
    assert caught.value.why == "first on line 1"


def test_an_empty_document_is_none() -> None:
    assert parse_document("# nothing\n", "ovt.yaml").value is None
