"""Votes side by side, confusion, sources, versions, memory: what the screens show, without a screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ovt.quality.slicediff import Flip, SourceVote
from ovt_tui import memory
from ovt_tui.confusion import cell_text, confusion
from ovt_tui.sourcetable import advice, chosen_model, source_pairs
from ovt_tui.state import State
from ovt_tui.trend import metric_of, section, trends
from ovt_tui.versionlist import exam, overall, worst_slice
from ovt_tui.votes import deciding, pairs
from ovt_tui.wording import markdown

if TYPE_CHECKING:
    from pathlib import Path

FLIP = Flip("Intent", "q", 0, "broken", "a", "a", "b", 0.5, 0.5, ())


def vote(source: str, label: str | None) -> SourceVote:
    return SourceVote(source, label, 0.5)


@pytest.mark.parametrize(
    ("before", "after", "decided"),
    [
        ({"x": "a", "y": "a"}, {"x": "b", "y": "a"}, "x"),       # one source went to the new answer
        ({"x": "a"}, {"x": "a", "lf": "b"}, "lf"),               # a new source says the new answer
        ({"x": None}, {"x": "b"}, "x"),                          # it stopped abstaining
        ({"x": "a", "y": "b"}, {"y": "b"}, "x"),                 # the one that held the old answer is gone
        ({"x": "a", "y": "a"}, {"x": "b", "y": "b"}, None),      # two moved: not plain
        ({"x": "a", "y": "c"}, {"x": "a", "y": "d"}, None),      # what moved has nothing to do with it
        ({"x": "a", "y": "b"}, {"x": "a", "y": "b"}, None),      # nothing moved: the model did
        ({"x": "a", "y": "a"}, {"x": "b", "y": None}, "x"),      # one towards, one merely away
    ],
)
def test_the_deciding_source_is_named_only_where_it_is_plain(before, after, decided):
    old, new = ([vote(source, label) for source, label in votes.items()] for votes in (before, after))
    found = pairs(FLIP, old, new)
    assert deciding(FLIP, found) == decided
    assert [pair.source for pair in found if pair.deciding] == ([decided] if decided else [])
    assert sorted(pair.source for pair in found) == sorted(before.keys() | after.keys())
    changed = [pair.changed for pair in found]
    assert changed == sorted(changed, reverse=True)


def test_confusion_counts_before_and_after():
    old = {"confusion": {"a": {"a": 5, "b": 2}, "b": {"b": 3}}}
    new = {"confusion": {"a": {"a": 7}, "b": {"b": 2, "c": 1}}}
    found = confusion(old, new)
    assert found.golds == ("a", "b")
    assert found.predictions == ("a", "b", "c")
    assert {key: (count.old, count.new) for key, count in found.cells.items()} == {
        ("a", "a"): (5, 7), ("a", "b"): (2, 0), ("b", "b"): (3, 2), ("b", "c"): (0, 1)}
    assert [(one.gold, one.predicted, one.delta) for one in found.mistakes()] == [("a", "b", -2), ("b", "c", 1)]
    assert cell_text(found.cells["a", "a"]) == "7 (+2)"
    assert cell_text(found.cells["b", "b"]) == "2 (-1)"
    assert cell_text(None) == "·"


def test_a_bitvector_has_hits_false_and_missed_in_place_of_classes():
    found = confusion({}, {"confusion": {"title": {"hit": 4, "false": 1, "missed": 2}}})
    assert found.predictions == ("hit", "false", "missed")
    assert [one.predicted for one in found.mistakes()] == ["missed", "false"]
    assert confusion({}, {}).cells == {}


def test_sources_of_two_reports(fake):
    found = source_pairs(fake.sources(old=True), fake.sources(old=False), "Intent")
    assert [(pair.name, pair.change) for pair in found] == [
        ("new_lf", "new"), ("old_lf", "gone"), ("weak1", "changed"), ("weak2", "same")]
    assert found[2].old["accuracy"] == 0.71
    assert found[2].new["dev_accuracy"] == 0.7
    assert "dev_accuracy" not in found[0].new
    assert source_pairs(None, None, None) == []
    assert chosen_model(fake.sources(old=False), "Intent") == "dawid_skene"
    assert chosen_model(None, "Intent") == ""
    assert advice(fake.sources(old=False), "Intent")[0].startswith("20 dev items")


def test_a_report_is_read_by_slice_and_else_by_tag():
    test = {"overall": {"n": 9, "accuracy": {"value": 0.5}}, "tags": {"t": {"n": 2}, "s": {"n": 3}}, "slices": {"s": {"n": 4}}}
    report = {"tasks": {"T": {"primary": "accuracy", "splits": {"test": test}}}}
    assert section(report, "T", None)["n"] == 9
    assert section(report, "T", "s")["n"] == 4
    assert section(report, "T", "t")["n"] == 2
    assert section(report, "T", "none") == section(None, "T", None) == section(report, "U", None) == {}
    assert metric_of(test["overall"], "accuracy") == 0.5
    assert metric_of(test["overall"], "f1_macro") is None
    assert trends([None, report], [("T", None, "accuracy")]) == {("T", None, "accuracy"): (None, 0.5)}


def test_the_worst_slice_is_one_with_enough_records():
    slices = {"thin": {"n": 3, "accuracy": {"value": 0.1}}, "bad": {"n": 40, "accuracy": {"value": 0.6}},
              "good": {"n": 40, "accuracy": {"value": 0.9}}, "empty": {"n": 0}}
    test = {"overall": {"accuracy": {"value": 0.8}}, "slices": slices}
    report = {"eval_set": "e", "tasks": {"T": {"primary": "accuracy", "splits": {"test": test}}}}
    assert worst_slice(report) == "0.600 bad"
    assert overall(report) == "0.800"
    assert worst_slice(None) == overall(None) == exam(None, report) == ""
    assert (exam(report, report), exam(report, {"eval_set": "f"})) == ("= same", "≠ other")


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"task": 3, "sort": []}', None])
def test_a_memory_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content):
    path = tmp_path / "tui.json"
    if content is not None:
        path.write_text(content)
    assert memory.recall(path, State("A", "B")) == State("A", "B")
    assert memory.recall(None, State("A", "B")) == State("A", "B")


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path):
    (tmp_path / "file").write_text("")
    memory.remember(tmp_path / "file" / "tui.json", State("A", "B"))
    memory.remember(None, State("A", "B"))
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_the_users_keys_are_read_from_their_configuration(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = memory.keymap_file()
    assert path == tmp_path / "ovt" / "keys.json"
    assert memory.read_keymap(path) == {}
    path.parent.mkdir()
    path.write_text(json.dumps({"filter": "f", "sort": 3}))
    assert memory.read_keymap(path) == {"filter": "f"}


def test_markdown_escapes_what_would_end_a_cell():
    assert markdown(("a", "b"), [["x|y", "z"]]) == "| a | b |\n| --- | --- |\n| x\\|y | z |\n"
