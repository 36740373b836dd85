"""What is read, what is refused, and what is said about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.data.conftest import Read

FIGURE_2A: dict[str, Any] = {
    "id": "q-17",
    "payloads": {
        "tokens": ["how", "tall", "is", "the", "president"], "query": "how tall is the president",
        "entities": {"0": {"id": "President_(title)", "range": [4, 5]}, "1": {"id": "Height", "range": [1, 2]}},
    },
    "tasks": {
        "POS": {"spacy": ["ADV", "ADJ", "VERB", None, None]}, "EntityType": {"eproj": [[], [], [], [], ["title"]]},
        "Intent": {"weak1": "president", "weak2": "height", "crowd": "height"}, "IntentArg": {"weak1": 1, "crowd": 0},
    },
    "tags": ["train", "date:2019-09"],
}


def with_(path: str, value: Any) -> dict[str, Any]:
    """Figure 2a's record with one value changed."""
    record = json.loads(json.dumps(FIGURE_2A))
    *parents, last = path.split("/")
    inner = record
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return record


def test_the_record_of_figure_2a_loads_as_it_stands(read: Read) -> None:
    [record], bad = read(FIGURE_2A)
    assert not bad
    assert record.id == "q-17"
    assert [member["id"] for member in record.payloads.f2] == ["President_(title)", "Height"]
    assert record.tags.split == 0
    assert record.tags.names == ("date:2019-09",)


@pytest.mark.parametrize(("line", "path", "why"), [
    ('{"id": "q-17", "payloads": {', "", "broken JSON"),
    (b'{"id": "\xff"}', "", "not UTF-8: byte 0xff at byte 9"),
    ("[1, 2]", "", "found list, expected an object"),
    ({"id": "q"}, "payloads", "missing"),
    (with_("payloads/tokens", "how tall"), "payloads.tokens", 'found text "how tall", expected a list'),
    (with_("payloads/tokens", ["how", 5, "a", "b", "c"]), "payloads.tokens[1]", "found number 5, expected text"),
    (with_("payloads/query", 7), "payloads.query", "found number 7"),
    (with_("payloads/entities", "Height"), "payloads.entities", "expected a list of members"),
    (with_("payloads/entities", ["Height"]), "payloads.entities[0]", "expected an object"),
    (with_("payloads/entities", {"first": {"id": "a"}}), "payloads.entities.first", "the key of a member"),
    (with_("payloads/entities", [{"id": 4}, {"id": "b"}]), "payloads.entities[0].id", "found number 4"),
    (with_("payloads/entities/1/range", [4, 6]), "payloads.entities[1].range", "[4, 6] is no range of the 5 tokens"),
    (with_("payloads/entities/1/range", [2, 2]), "payloads.entities[1].range", "no range"),
    (with_("payloads/entities/1/range", [-1, 2]), "payloads.entities[1].range", "no range"),
    (with_("payloads/entities/1/range", 3), "payloads.entities[1].range", "found number 3"),
    (with_("payloads/device", 3), "payloads.device", "expected text"),
    (with_("payloads/age", "old"), "payloads.age", "expected a number"),
    (with_("payloads/age", True), "payloads.age", "found true"),
    (with_("payloads/place", [1.0]), "payloads.place", "found 1 numbers, expected 2"),
    (with_("payloads/place", [1.0, "x"]), "payloads.place[1]", "expected a number"),
    (with_("payloads/qeury", "how"), "payloads.qeury", "unknown payload `qeury`"),
    (with_("tasks/Intnet", {"crowd": "height"}), "tasks.Intnet", "unknown task `Intnet`"),
    (with_("tasks/Intent", "height"), "tasks.Intent", "expected labels by source"),
    (with_("tasks/Intent/crowd", 1), "tasks.Intent.crowd", "found number 1, expected a class name"),
    (with_("tasks/Intent/crowd", "heigth"), "tasks.Intent.crowd", "unknown class 'heigth'"),
    (with_("tasks/Topics", {"crowd": ["food", "cars"]}), "tasks.Topics.crowd", "unknown class 'cars'"),
    (with_("tasks/Topics", {"crowd": "food"}), "tasks.Topics.crowd", "expected a list of class names"),
    (with_("tasks/POS/spacy", ["ADV"]), "tasks.POS.spacy", "1 labels for the 5 items of `tokens`"),
    (with_("tasks/POS/spacy", "ADV"), "tasks.POS.spacy", "expected a list with one label per token"),
    (with_("tasks/POS/spacy", ["ADV", 1, None, None, None]), "tasks.POS.spacy[1]", "expected a class name"),
    (with_("tasks/Slots", {"a": ["O", "O", "O", "O", "title"]}), "tasks.Slots.a", "'title' is no BIO label"),
    (with_("tasks/IntentArg/crowd", 2), "tasks.IntentArg.crowd", "candidate 2 of a set of 2"),
    (with_("tasks/IntentArg/crowd", -1), "tasks.IntentArg.crowd", "candidate -1"),
    (with_("tasks/IntentArg/crowd", "Weight"), "tasks.IntentArg.crowd", "no member has the id 'Weight'"),
    (with_("tasks/IntentArg/crowd", True), "tasks.IntentArg.crowd", "found true"),
    (with_("tasks/Kind", {"a": ["x"]}), "tasks.Kind.a", "1 labels for the 2 items of `entities`"),
    (with_("tasks/Kind", {"a": {"2": "x"}}), "tasks.Kind.a.2", "no member '2'"),
    (with_("tags", ["train", "test"]), "tags", "in two splits: `train` and `test`"),
    (with_("tags", "train"), "tags", "expected a list of texts"),
    (with_("id", ""), "id", "the id is empty"),
    (with_("id", 7), "id", "found number 7"),
    (with_("label", "x"), "label", "unknown key of a record `label`"),
])
def test_a_bad_record_is_named_with_line_path_and_cause(read: Read, line: Any, path: str, why: str) -> None:
    good, [bad] = read({"payloads": {"query": "fine"}}, "", line)
    assert len(good) == 1
    assert (bad.file, bad.line, bad.path) == ("data/r.jsonl", 3, path)
    assert why in bad.why
    assert bad.fix


def test_a_lone_surrogate_is_told(read: Read) -> None:
    _, [bad] = read(r'{"payloads": {"query": "half \ud800 of a character"}}')
    assert "surrogate" in bad.why


def test_the_first_of_two_equal_ids_wins_and_the_second_names_both_lines(read: Read) -> None:
    good, [bad] = read({"id": "a", "payloads": {"query": "one"}}, {"id": "b", "payloads": {}},
                       {"id": "a", "payloads": {"query": "two"}})
    assert [record.payloads.f1 for record in good] == ["one", None]
    assert bad.line == 3
    assert "data/r.jsonl:1" in bad.why


def test_records_without_id_are_named_by_their_payloads_in_file_order(read: Read) -> None:
    query = {"payloads": {"query": "how tall", "age": 3}}
    good, bad = read(query, {"payloads": {"query": "other"}}, {"payloads": {"age": 3, "query": "how tall"}},
                     {**query, "tags": ["dev"], "tasks": {"Intent": {"a": "height"}}})
    assert not bad
    first, other, second, third = [record.id for record in good]
    assert (second, third) == (f"{first}#2", f"{first}#3")
    assert other not in {first, second, third}


def test_missing_tokens_are_made_from_the_text_and_labels_must_fit_them(read: Read) -> None:
    good, [bad] = read(
        {"id": "a", "payloads": {"query": "how tall?"}, "tasks": {"POS": {"s": ["ADV", "ADJ", "."]}}},
        {"id": "b", "payloads": {"query": "how tall?", "tokens": None}},
        {"id": "c", "payloads": {"query": "how tall?"}, "tasks": {"POS": {"s": ["ADV", "ADJ"]}}},
    )
    assert [record.payloads.f0 for record in good] == [["how", "tall", "?"]] * 2
    assert "2 labels for the 3 items" in bad.why


def test_members_written_as_an_object_come_in_the_order_of_their_numbers(read: Read) -> None:
    members = {str(number): {"id": f"m{number}"} for number in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)}
    [record], _ = read({"payloads": {"entities": members}, "tasks": {
        "IntentArg": {"a": 10, "b": "m2", "c": None}, "Kind": {"a": {"10": "last", "0": "first"}},
    }})
    assert [member["id"] for member in record.payloads.f2] == [f"m{number}" for number in range(11)]
    assert record.tasks.f5 == {"a": 10, "b": 2, "c": None}
    assert record.tasks.f6 == {"a": ["first", *[None] * 9, "last"]}


def test_labels_follow_the_keys_of_a_set_that_does_not_count_from_zero(read: Read) -> None:
    payloads = {"entities": {"1": {"id": "a"}, "2": {"id": "b"}}}
    [record], [bad] = read({"id": "x", "payloads": payloads, "tasks": {"IntentArg": {"s": 2}}},
                           {"id": "y", "payloads": payloads, "tasks": {"IntentArg": {"s": 0}}})
    assert record.tasks.f5 == {"s": 1}
    assert bad.path == "tasks.IntentArg.s"


def test_an_id_that_two_members_have_selects_none(read: Read) -> None:
    _, [bad] = read({"payloads": {"entities": [{"id": "a"}, {"id": "a"}]}, "tasks": {"IntentArg": {"s": "a"}}})
    assert "2 members have the id" in bad.why


def test_anything_may_be_null(read: Read, every_kind: dict[str, Any]) -> None:
    nothing = {part: dict.fromkeys(names) for part, names in every_kind.items()}
    [record], bad = read({**nothing, "id": None, "tags": None})
    assert not bad
    assert record.payloads.f0 is None


def test_a_byte_order_mark_blank_lines_and_crlf_are_no_trouble(read: Read) -> None:
    good, bad = read(b'\xef\xbb\xbf{"payloads": {"query": "a"}}\r', b"  \r", b"", b'{"payloads": {"query": "b"}}\r')
    assert not bad
    assert [record.payloads.f1 for record in good] == ["a", "b"]


def test_tag_sets_join_the_records_own_tags(read: Read) -> None:
    good, bad = read({"id": "a", "payloads": {}, "tags": ["x"]}, {"id": "b", "payloads": {}, "tags": ["train"]},
                     tags=[{"id": "a", "tags": ["dev", "y"]}, {"id": "a", "tags": ["x"]}, {"id": "b", "tags": ["test"]},
                           {"id": "b", "tag": ["z"]}])
    assert good[0].tags.names == ("x", "y")
    assert good[0].tags.split == 1
    assert [(one.file, one.line) for one in bad] == [("tags/r.jsonl", 4), ("data/r.jsonl", 2)]
    assert "in two splits: `train` and `test`" in bad[1].why


@pytest.mark.parametrize(("line", "split"), [
    ({"id": "a", "payloads": {"query": 1}, "tags": ["train", "test"]}, "test"),
    ({"id": "a", "payloads": {"query": 1}, "tags": ["dev"]}, "dev"),
    ('{"id": "a", "payloads": {"query": , "tags": ["test"]}', "test"),
    ('{"id": "a", "payloads": {"query": ', None),
    ({"id": "q-1", "payloads": {"query": 1}}, "train"),
    ({"payloads": {"query": 1}}, None),
])
def test_the_split_of_a_bad_record_is_told_as_far_as_it_can_be(read: Read, line: Any, split: str | None) -> None:
    _, [bad] = read(line)
    assert bad.split == split
