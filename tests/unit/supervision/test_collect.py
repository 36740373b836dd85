"""Votes from records, functions and supervision/ come together under one rule each."""

from __future__ import annotations

import pytest

from ovt.errors import ProjectError
from ovt.progress import Silent
from ovt.supervision.collect import collect_votes


@pytest.fixture
def filled(bench):
    """Three records with labels of two sources and gold."""
    for_all = {"payloads": {"query": "how tall", "tokens": ["how", "tall"]}}
    bench.records(
        {"id": "a", **for_all, "tasks": {"Intent": {"crowd": "age", "weak": "age", "gold": "height"},
                                         "Slots": {"ann": [None, "B-title"], "dict": [None, "B-title"]}}},
        {"id": "b", **for_all, "tasks": {"Intent": {"crowd": "age"}, "Slots": {"ann": [None, None]}}},
        {"id": "c", **for_all, "tasks": {"Intent": {"crowd": "age", "gold": "height"}}, "tags": ["test"]},
    )
    bench.compiled()
    return bench


def collected(bench, task="Intent"):
    from ovt.data.store import Store

    store = Store.open(bench.root / "build/store")
    votes = collect_votes(bench.project, store, Silent())[task]
    return [(int(item), votes.names[source], store.classes[task][label])
            for item, source, label in zip(votes.items, votes.sources, votes.labels, strict=True)]


def test_three_origins(filled):
    filled.write("labelers/a.yaml", "- {name: tall, task: Intent, keyword: tall, label: height}\n")
    filled.write("supervision/a.jsonl", '{"id": "b", "task": "Intent", "source": "ada", "label": "president"}\n')
    assert collected(filled) == [
        (0, "crowd", "age"), (0, "gold", "height"), (0, "tall", "height"), (0, "weak", "age"),
        (1, "ada", "president"), (1, "crowd", "age"), (1, "tall", "height"), (2, "crowd", "age"), (2, "tall", "height"),
    ]


def test_supervision_replaces_what_the_record_says(filled):
    filled.write("supervision/a.jsonl", '{"id": "a", "task": "Intent", "source": "crowd", "label": "height"}\n'
                                        '{"id": "b", "task": "Intent", "source": "crowd", "label": null}\n')
    assert collected(filled) == [(0, "crowd", "height"), (0, "gold", "height"), (0, "weak", "age"), (2, "crowd", "age")]


def test_silence_of_inline_sources_is_applied_once(filled):
    filled.write("ovt.yaml", "sources: {ann: {silence: vote}, tall: {silence: vote}}\n")
    filled.write("labelers/a.yaml", "- {name: tall, task: Slots, keyword: tall, label: title}\n")
    filled.run("compile")
    assert collected(filled, "Slots") == [
        (0, "ann", "O"), (0, "tall", "O"), (1, "ann", "B-title"), (1, "dict", "B-title"), (1, "tall", "B-title"),
        (2, "ann", "O"), (2, "tall", "O"), (3, "ann", "O"), (3, "tall", "B-title"), (4, "tall", "O"),
        (5, "tall", "B-title"),
    ]


@pytest.mark.parametrize(("name", "what"), [
    ("gold", "the name of the gold source"), ("crowd", "a source in the records"), ("ada", "a source in supervision/"),
])
def test_a_function_may_not_take_a_name(filled, name, what):
    filled.write("supervision/a.jsonl", '{"id": "b", "task": "Intent", "source": "ada", "label": "president"}\n')
    filled.write("labelers/a.yaml", f"- {{name: {name}, task: Intent, keyword: tall, label: height}}\n")
    with pytest.raises(ProjectError) as caught:
        collected(filled)
    assert what in caught.value.what
    assert caught.value.at == "labelers/a.yaml:1"


def test_unknown_classes_of_functions_stop_the_run(filled):
    filled.write("labelers/a.yaml", "- {name: tall, task: Intent, keyword: tall, label: heigth}\n")
    with pytest.raises(ProjectError) as caught:
        collected(filled)
    assert caught.value.what == "labeling function `tall` gives a label that is no class of `Intent`"
    assert (caught.value.at, caught.value.fix) == ("labelers/a.yaml:1", "did you mean `height`?")
