"""Sources that changed, from two reports and two listings."""

from __future__ import annotations

from ovt.functions.listing import Place
from ovt.quality.changed import changed_sources


def report(*rows: tuple[str, int, float]) -> dict:
    return {"tasks": {"T": {"sources": [
        {"source": name, "votes": votes, "coverage": votes / 1000, "accuracy": accuracy} for name, votes, accuracy in rows]}}}


def test_new_edited_gone_and_moved() -> None:
    old = report(("a", 10, 0.9), ("b", 10, 0.9), ("c", 10, 0.9), ("d", 10, 0.9), ("f", 10, 0.9))
    new = report(("b", 10, 0.9), ("c", 10, 0.8), ("d", 10, 0.91), ("e", 10, 0.9), ("f", 50, 0.9))
    before = {"b": Place("labelers/x.py", 3, "1"), "a": Place("labelers/y.py", 1, "1")}
    after = {"b": Place("labelers/x.py", 5, "2"), "e": Place("labelers/z.py", 7, "1")}
    found = {(change.source, change.kind, change.at) for change in changed_sources(old, new, before, after)}
    assert found == {("a", "gone", "labelers/y.py:1"), ("b", "edited", "labelers/x.py:5"), ("c", "moved", ""),
                     ("e", "new", "labelers/z.py:7"), ("f", "moved", "")}


def test_workers_of_a_crowd_are_told_together() -> None:
    old = report(("crowd/ann", 30, 0.9), ("crowd/bob", 10, 0.5))
    new = report(("crowd/ann", 30, 0.7), ("crowd/eve", 10, 0.5))
    (change,) = changed_sources(old, new, {}, {})
    assert (change.source, change.kind, change.votes, change.accuracy) == ("crowd/*", "moved", (40, 40), (0.8, 0.65))


def test_a_function_with_a_slash_is_no_crowd() -> None:
    place = {"words/tall": Place("labelers/x.py", 3, "1")}
    (change,) = changed_sources(report(), report(("words/tall", 5, 0.9)), {}, place)
    assert change.source == "words/tall"


def test_a_report_without_the_task_is_no_error() -> None:
    assert changed_sources({}, {}, {}, {}) == ()
