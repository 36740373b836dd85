"""The schema: Figure 2a loads as it stands, and everything wrong is told with its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.schema.parse import parse_schema

if TYPE_CHECKING:
    from ovt.schema.spec import Schema

FIGURE_2A = """{"payloads": {"tokens": {"type": "sequence", "max_length": 16},
              "query": {"type": "singleton", "base": ["tokens"]},
              "entities": {"type": "set", "range": "tokens"}},
 "tasks": {"POS": {"payload": "tokens", "type": "multiclass"}, "EntityType": {"payload": "tokens", "type": "bitvector"},
           "Intent": {"payload": "query", "type": "multiclass"}, "IntentArg": {"payload": "entities", "type": "select"}}}
"""


def parse(value: dict[str, Any] | str) -> Schema:
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    return parse_schema(parse_document(text, "schema.json"))


def test_figure_2a_loads_as_it_stands() -> None:
    schema = parse(FIGURE_2A)
    assert schema.order() == ["tokens", "query", "entities"]
    assert schema.text_source("tokens") == "query"
    assert [schema.granularity(task) for task in schema.tasks] == ["token", "token", "record", "record"]
    assert schema.payloads["tokens"].max_length == 16


@pytest.mark.parametrize("kind", ["multiclass", "bitvector"])
@pytest.mark.parametrize(("payload", "granularity"), [("singleton", "record"), ("sequence", "token"), ("set", "member")])
def test_the_seven_cases(kind: str, payload: str, granularity: str) -> None:
    schema = parse({"payloads": {"p": {"type": payload}}, "tasks": {"T": {"payload": "p", "type": kind}}})
    assert schema.granularity("T") == granularity


def test_order_puts_parents_first() -> None:
    schema = parse({"payloads": {
        "c": {"type": "singleton", "base": ["b", "s"]}, "b": {"type": "singleton", "base": ["a"]}, "a": {"type": "sequence"},
        "s": {"type": "set", "range": "a"}}, "tasks": {}})
    order = schema.order()
    assert order.index("a") < order.index("b") < order.index("c")
    assert order.index("a") < order.index("s") < order.index("c")


SINGLE = {"q": {"type": "singleton"}}
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"payloads": {}}, "no `tasks`", "add"),
    ({"payloads": {"p": {"type": "list"}}, "tasks": {}}, "no known type", "sequence"),
    ({"payloads": {"p": {"type": "sequence", "maxlength": 3}}, "tasks": {}}, "unknown key", "did you mean `max_length`?"),
    ({"payloads": {"p": {"type": "sequence", "max_length": 0}}, "tasks": {}}, "no positive integer", "16"),
    ({"payloads": {"p": {"type": "singleton", "base": ["x"]}}, "tasks": {}}, "unknown payload", ""),
    ({"payloads": {"p": {"type": "set", "range": "q"}, **SINGLE}, "tasks": {}}, "no sequence", ""),
    ({"payloads": {"a": {"type": "singleton", "base": ["b"]}, "b": {"type": "singleton", "base": ["a"]}}, "tasks": {}},
     "circle", "remove"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": "p", "type": "multiclass"}}}, "unknown payload", "q"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": "q", "type": "select"}}}, "selects from a singleton", "select on set"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": "q", "type": "multiclass", "spans": "BIO"}}}, "cannot be", "drop"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": "q", "type": "multiclass", "classes": ["a", "a"]}}}, "twice", "once"),
    ({"payloads": {"v": {"type": "singleton", "dtype": "vector"}}, "tasks": {}}, "`length` goes with", "128"),
    ({"payloads": {"q": {"type": "singleton", "dtype": "txt"}}, "tasks": {}}, "`dtype` of `q` is unknown", "text"),
    ({"payloads": {"q": {"type": "singleton", "range": "t"}}, "tasks": {}}, "is a singleton and has `range`", "drop"),
    ({"payloads": {"t": {"type": "sequence", "dtype": "number"}}, "tasks": {}}, "is a sequence and has `dtype`", "drop"),
    ({"payloads": {"s": {"type": "set", "range": ["t"]}}, "tasks": {}}, "`range` of `s` is no name", "quotes"),
    ({"payloads": {**SINGLE, "p": {"type": "singleton", "base": ["q", "q"]}}, "tasks": {}}, "names a payload twice", "once"),
    ({"payloads": {"": {"type": "singleton"}}, "tasks": {}}, "has no name", "tokens"),
    ({"payloads": {"q": {"type": ["singleton"]}}, "tasks": {}}, "`type` of `q` is no name", "quotes"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": ["q"], "type": "multiclass"}}}, "`payload` of `T` is no name", "quotes"),
    ({"payloads": SINGLE, "tasks": {"T": {"payload": "q", "type": "regression"}}}, "no known type", "multiclass"),
    ({"payloads": {"t": {"type": "sequence"}},
      "tasks": {"T": {"payload": "t", "type": "multiclass", "spans": "BIO", "classes": ["O", "I-x"]}}},
     "nothing begins what `I-x` goes on with", "B-x"),
]


def test_why_spans_make_no_sense_is_said_in_the_user_s_words() -> None:
    payloads = {"q": {"type": "singleton"}, "t": {"type": "sequence"}}
    for task, why in (({"payload": "q", "type": "multiclass", "spans": "BIO"}, "`q` is a singleton"),
                      ({"payload": "t", "type": "bitvector", "spans": "BIO"}, "this is a bitvector task"),
                      ({"payload": "t", "type": "multiclass", "spans": "BILOU"}, "spelled `BIO`")):
        with pytest.raises(ProjectError, match=why):
            parse({"payloads": payloads, "tasks": {"T": task}})


@pytest.mark.parametrize(("value", "what", "fix"), BROKEN, ids=[what for _, what, _ in BROKEN])
def test_what_is_wrong_is_told_with_line_and_fix(value: dict[str, Any], what: str, fix: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse(value)
    assert what in caught.value.what
    assert caught.value.at is not None
    assert caught.value.at.startswith("schema.json:")
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize("key", ["encoder", "learning_rate", "size", "dropout"])
def test_a_hyperparameter_in_the_schema_points_to_the_tuning_spec(key: str) -> None:
    with pytest.raises(ProjectError, match="hyperparameter") as caught:
        parse({"payloads": {"q": {"type": "singleton", key: 3}}, "tasks": {}})
    assert "tuning.yaml" in (caught.value.fix or "")
    assert caught.value.at == "schema.json:5"


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["payloads", "tasks", "type", "base", "q", "payload"]), inner, max_size=4)))
def test_nonsense_is_an_error_and_never_a_crash(value: object) -> None:
    try:
        parse_schema(parse_document(json.dumps(value), "schema.json"))
    except ProjectError:
        return
    assert isinstance(value, dict)
