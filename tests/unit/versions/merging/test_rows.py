"""Three versions of a file of JSON lines: nothing lost, the same from both sides, conflicts in the user's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.versions.merging.conflict import Conflict
from ovt.versions.merging.lines import shared_prefix
from ovt.versions.merging.rows import merge_rows


def lines(*rows: dict[str, Any] | str) -> bytes:
    return b"".join((row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows)


def merged(base: bytes, ours: bytes, theirs: bytes, prefer: Any = None) -> tuple[list[dict[str, Any]], list[Conflict]]:
    pieces: list[bytes] = []
    conflicts = merge_rows(base, ours, theirs, pieces.append, prefer)
    return [json.loads(line) for line in b"".join(pieces).splitlines()], conflicts


def said(record: str, source: str, label: str | None, **more: Any) -> dict[str, Any]:
    return {"id": record, "task": "Intent", "source": source, "label": label, **more}


def asked(record: str, query: str = "how tall", labels: dict[str, Any] | None = None, tags: list[str] | None = None) -> dict[str, Any]:
    return {"id": record, "payloads": {"query": query}, "tasks": {"Intent": labels or {}}, "tags": tags or []}


A, B, C = (said(name, "crowd", "height") for name in "abc")


def test_what_both_add_is_there_once_and_in_the_same_order_from_both_sides() -> None:
    base, ours, theirs = lines(A), lines(A, B), lines(A, C, B)
    assert merged(base, ours, theirs) == merged(base, theirs, ours)
    assert merged(base, ours, theirs)[0] == [A, B, C]


def test_what_one_removes_is_gone() -> None:
    assert merged(lines(A, B, C), lines(A, C), lines(A, B, C, said("d", "x", "age"))) == (
        [A, C, said("d", "x", "age")], [])


def test_a_file_that_both_added() -> None:
    assert merged(b"", lines(A), lines(B)) == ([A, B], [])


def test_the_same_label_twice_changed() -> None:
    base, ours, theirs = lines(A), lines(said("a", "crowd", "age")), lines(said("a", "crowd", "food"))
    rows, conflicts = merged(base, ours, theirs)
    assert [str(conflict) for conflict in conflicts] == [
        "record a, task Intent, source crowd: `age` here, `food` there"]
    assert rows == [said("a", "crowd", "age")]
    assert merged(base, ours, theirs, "theirs") == ([said("a", "crowd", "food")], [])
    assert merged(base, ours, theirs, "ours") == (rows, [])


def test_the_last_of_several_rows_stands() -> None:
    base = lines(A)
    conflicts = merged(base, lines(A, said("a", "crowd", "age")), lines(A, said("a", "crowd", None, retracted=True)))[1]
    assert [str(conflict) for conflict in conflicts] == ["record a, task Intent, source crowd: `age` here, nothing there"]
    changed_and_appended = merged(base, lines(said("a", "crowd", "age")), lines(A, said("a", "crowd", "food")))[1]
    assert len(changed_and_appended) == 1
    assert merged(base, lines(said("a", "crowd", "age")), lines(A, said("a", "crowd", "age")))[1] == []


def test_workers_and_positions_do_not_clash() -> None:
    first, second = said("a", "crowd", "age", worker="w1"), said("a", "crowd", "food", worker="w2")
    assert merged(lines(A), lines(A, first), lines(A, second)) == ([A, first, second], [])
    noun, verb = said("a", "ada", "NOUN", position=0), said("a", "ada", "VERB", position=1)
    assert merged(b"", lines(noun), lines(verb)) == ([noun, verb], [])
    conflicts = merged(b"", lines(noun), lines({**noun, "label": "VERB"}))[1]
    assert str(conflicts[0]) == "record a, task Intent, source ada, position 0: `NOUN` here, `VERB` there"
    assert len(merged(b"", lines(noun), lines(said("a", "ada", "NOUN")))[1]) <= 1


def test_a_record_is_merged_by_its_cells() -> None:
    base = asked("q", labels={"weak": "age"}, tags=["train", "old"])
    ours = asked("q", labels={"weak": "age", "crowd": "height"}, tags=["train"])
    theirs = asked("q", "how tall is it", labels={"weak": None}, tags=["train", "old", "towers"])
    want = asked("q", "how tall is it", labels={"weak": None, "crowd": "height"}, tags=["train", "towers"])
    assert merged(lines(base), lines(ours), lines(theirs)) == ([want], [])
    assert merged(lines(base), lines(theirs), lines(ours)) == ([want], [])


def test_cells_that_clash() -> None:
    base, ours, theirs = asked("q", labels={"crowd": "age"}), asked("q", "x", {"crowd": "height"}), asked("q", "y", {"crowd": "weight"})
    rows, conflicts = merged(lines(base), lines(ours), lines(theirs))
    assert [str(conflict) for conflict in conflicts] == [
        "record q, payload query: one value here, another there",
        "record q, task Intent, source crowd: `height` here, `weight` there"]
    assert rows == [ours]
    assert merged(lines(base), lines(ours), lines(theirs), "theirs") == ([theirs], [])
    removed = merged(lines(base), b"", lines(theirs))
    assert [str(conflict) for conflict in removed[1]] == ["record q: removed here, changed there"]
    assert removed[0] == [theirs]
    assert merged(lines(base), b"", lines(base))[0] == []


def test_tags_of_the_same_record_in_two_rows() -> None:
    first, second = {"id": "q", "tags": ["x"]}, {"id": "q", "tags": ["y"]}
    assert merged(b"", lines(first), lines(second)) == ([{"id": "q", "tags": ["x", "y"]}], [])


def test_rows_stay_under_their_header() -> None:
    header = {"batch": "round 2", "note": "n"}
    rows, conflicts = merged(lines(A), lines(A, header, B), lines(A, C))
    assert not conflicts
    assert rows == [A, C, header, B] == merged(lines(A), lines(A, C), lines(A, header, B))[0]


def test_lines_that_are_no_json_are_kept() -> None:
    pieces: list[bytes] = []
    assert merge_rows(lines(A), lines(A, "not json"), lines(A, B), pieces.append) == []
    assert sorted(b"".join(pieces).splitlines()) == sorted([*lines(A, B).splitlines(), b"not json"])


def test_a_moved_row_stays_where_it_was_moved() -> None:
    assert merged(lines(A, B, C), lines(C, A, B), lines(A, B, C, said("d", "x", "age")))[0][0] == C


def test_a_missing_last_newline_joins_nothing() -> None:
    assert merged(lines(A).strip(), lines(A, B).strip(), lines(A, C).strip())[0] == [A, B, C]


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_the_shared_prefix_is_whole_lines(size: int) -> None:
    line = b"x" * 99 + b"\n"
    common = line * (size // 100 + 1)
    assert shared_prefix(common + b"aaa\n", common + b"aab\n", common) == len(common)
    assert shared_prefix(common, common, b"") == 0
    assert shared_prefix(common[:-1], common, common) == len(common) - 100


ROWS = st.lists(st.builds(said, st.sampled_from("abcdef"), st.sampled_from("st"), st.sampled_from(["age", "height"])),
                max_size=7, unique_by=lambda row: (row["id"], row["source"]))


@given(ROWS, ROWS, ROWS)
def test_no_change_is_lost_and_both_sides_agree(base: list[Any], ours: list[Any], theirs: list[Any]) -> None:
    """Labels: what a side changed or added is there, unless the other side changed it otherwise, which is told."""
    rows, conflicts = merged(lines(*base), lines(*ours), lines(*theirs))
    back, told = merged(lines(*base), lines(*theirs), lines(*ours))
    by = [{(row["id"], row["source"]): row["label"] for row in side} for side in (base, ours, theirs, rows)]
    clashes = {key for key in {*by[0], *by[1], *by[2]}
               if by[1].get(key) != by[2].get(key) and by[0].get(key) not in {by[1].get(key), by[2].get(key)}}
    # Removed here and changed there has both None and a label; it is a clash like any other.
    assert len(conflicts) == len(told) == len(clashes)
    for key in {*by[0], *by[1], *by[2]} - clashes:
        want = by[2].get(key) if by[1].get(key) == by[0].get(key) else by[1].get(key)
        assert by[3].get(key) == want
    if not clashes:
        assert sorted(map(str, rows)) == sorted(map(str, back))
    assert len(rows) == len(by[3])


APPENDED = st.lists(st.sampled_from(["p", "q", "r", "s"]), max_size=4, unique=True)


@given(APPENDED, APPENDED, APPENDED)
def test_appending_commutes(base: list[str], ours: list[str], theirs: list[str]) -> None:
    before = [asked(name) for name in base]
    here, there = ([*before, *(asked(name) for name in more if name not in base)] for more in (ours, theirs))
    forth = merged(lines(*before), lines(*here), lines(*there))
    assert forth == merged(lines(*before), lines(*there), lines(*here))
    assert {row["id"] for row in forth[0]} == {*base, *ours, *theirs}
    assert forth[1] == []
