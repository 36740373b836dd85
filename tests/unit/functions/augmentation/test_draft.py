"""What a transformation function may do with a record, and what of its answer is understood."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from ovt.data.held import HeldRows
from ovt.data.records import RecordCodec
from ovt.data.view import RecordView
from ovt.functions.augmentation.draft import Draft, Product, ProductError, plain, read_products


@pytest.fixture
def parent(bench):
    codec = RecordCodec(bench.project.schema)
    record = codec.decode(b'{"id": "q1", "payloads": {"query": "how tall", "tokens": ["how", "tall"], "age": 3,'
                          b' "entities": [{"id": "A", "range": [0, 1], "name": "x"}]}}')
    return RecordView(HeldRows(codec, [record], [["train", "odd"]]), 0)


def products(value, parent):
    return list(read_products(value, parent, ("query", "tokens", "entities", "age", "device")))


def test_a_draft_is_changed_in_place_and_the_parent_is_not(parent):
    draft = Draft(parent, with_tags=True)
    draft.tokens[1] = "old"
    draft.age = 4.0
    draft.labels["Intent"] = "age"
    draft.tags.append("aged")
    draft["query"] = "how tall"  # as it was: no change
    assert draft.product() == Product({"tokens": ["how", "old"], "age": 4.0}, {"Intent": "age"}, ("train", "odd", "aged"))
    assert parent.tokens == ["how", "tall"]
    assert draft.id == "q1"


def test_copies_of_a_draft_are_apart(parent):
    draft = Draft(parent, with_tags=False)
    draft.tokens[0] = "so"
    for twin in (copy.copy(draft), copy.deepcopy(draft), draft.changed(query="x")):
        twin.tokens[0] = "well"
        twin.labels["Intent"] = "age"
    assert draft.product() == Product({"tokens": ["so", "tall"]})
    assert draft.changed(query="x").product().payloads == {"tokens": ["so", "tall"], "query": "x"}


def test_members_of_a_set_are_copies(parent):
    draft = Draft(parent, with_tags=False)
    draft.entities[0].fields["name"] = "y"
    assert draft.product().payloads == {"entities": [{"id": "A", "range": [0, 1], "name": "y"}]}
    assert parent.entities[0].name == "x"


@pytest.mark.parametrize("change", [
    lambda draft: setattr(draft, "qwery", "x"), lambda draft: draft.changed(qwery="x"), lambda draft: draft.qwery,
    lambda draft: setattr(draft, "id", "x"),
])
def test_an_unknown_payload_is_named(parent, change):
    with pytest.raises(AttributeError, match=r"did you mean `query`|cannot be set"):
        change(Draft(parent, with_tags=False))


@pytest.mark.parametrize(("value", "expected"), [
    (None, []),
    ([], []),
    ({"query": "x"}, [Product({"query": "x"})]),
    ({"query": "how tall"}, [Product({})]),
    ([{"query": "x"}, None, {"query": "y"}], [Product({"query": "x"}), Product({"query": "y"})]),
    (({"query": word} for word in "xy"), [Product({"query": "x"}), Product({"query": "y"})]),
    ({"payloads": {"query": "x"}, "labels": {"Intent": "age"}, "tags": ["t"]}, [Product({"query": "x"}, {"Intent": "age"}, ("t",))]),
    ({"age": np.float32(2.5), "tokens": ("a", "b")}, [Product({"age": 2.5, "tokens": ["a", "b"]})]),
])
def test_what_may_be_returned(parent, value, expected):
    assert products(value, parent) == expected


def test_a_lazy_answer_may_change_one_draft_again_and_again(parent):
    def lazy():
        draft = Draft(parent, with_tags=False)
        for word in ("old", "big"):
            draft.tokens[1] = word
            yield draft

    assert [product.payloads["tokens"][1] for product in products(lazy(), parent)] == ["old", "big"]


@pytest.mark.parametrize(("value", "why", "fix"), [
    (7, "it returned int 7", "return the changed record"),
    ("text", "it returned str 'text'", "return the changed record"),
    ([[{"query": "x"}]], "it returned list", "return the changed record"),
    ({"qwery": "x"}, "no payload 'qwery'", "did you mean `query`?"),
    ({"payloads": {"query": "x"}, "tasks": {}}, "no `tasks`", "`labels` (by task)"),
    ({"payloads": {"query": "x"}, "labels": ["age"]}, "it returned dict", "TASK"),
    ({"payloads": {"query": "x"}, "tags": "odd"}, "its tags are str 'odd'", "a list of names"),
    ({"query": object()}, "it returned object", "texts, numbers"),
])
def test_nonsense_is_refused_with_what_to_return(parent, value, why, fix):
    with pytest.raises(ProductError) as raised:
        products(value, parent)
    assert why in str(raised.value)
    assert fix in raised.value.fix


def test_plain_values():
    assert plain({"a": (1, np.array([1.5, 2.0]), {"b": np.int64(3)})}) == {"a": [1, [1.5, 2.0], {"b": 3}]}
