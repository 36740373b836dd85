"""Predictions of an earlier version as a source: declared, pinned, cached, part of the key."""

from __future__ import annotations

import numpy as np
import pytest

from ovt.data.store import Store
from ovt.errors import MissingError, ProjectError
from ovt.functions.apply import apply_functions, try_functions
from ovt.functions.discover import discover
from ovt.functions.earlier import Prediction, sure
from ovt.functions.pins import Pin, read_pins, write_pins
from ovt.functions.predictions import TaskAnswers, predicting
from ovt.progress import Silent

LOCKED = {"v1": Pin("c0ffee", "aaaa.dir"), "v2": Pin("c0ffee2", "bbbb.dir")}


class Model:
    """Says of each task what the item's number says; knows how often it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, model, store, rows, task):
        self.asked.append((model, rows.tolist()))
        return {name: self.on(store, name, rows, 0 if model.startswith("a") else 1) for name in store.schema.tasks}

    @staticmethod
    def on(store, task, rows, shift):
        offsets = store.item_offsets(task)
        items = rows if offsets is None else np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows])
        confidence = (0.5 + items % 5 / 10).astype(np.float32).tobytes()
        classes = store.classes.get(task, [])
        if store.schema.tasks[task].type == "bitvector":
            flags = np.stack([(items + shift) % 2 == 0, np.ones(len(items), bool)], axis=1)
            return TaskAnswers(classes, flags.tobytes(), confidence, several=True)
        size = len(classes) or 2
        return TaskAnswers(classes, ((items + shift) % size).astype(np.int32).tobytes(), confidence, several=False)


@pytest.fixture
def six(bench):
    bench.records(*(
        {"id": f"q{number}", "payloads": {"query": f"text {number}", "tokens": ["a", "b"],
                                          "entities": [{"id": "A"}, {"id": "B"}]}} for number in range(6)
    ))
    bench.write("labelers/predictions.lock", "")
    write_pins(bench.project, LOCKED)
    bench.compiled()
    return bench


def run(bench, model, functions=None):
    functions = discover(bench.project, "labeling") if functions is None else functions
    with predicting(model):
        return apply_functions(bench.project, Store.open(bench.root / "build/store"), functions, Silent())


def told(applied, name):
    answers = applied.answers[name]
    return dict(zip(answers.items.tolist(), [answers.table[code] for code in answers.labels], strict=True))


YAML = "- {name: old, task: Intent, predictions: v1, minimum: 0.7}\n"


def test_a_yaml_source_votes_where_the_model_is_sure(six):
    six.write("labelers/a.yaml", YAML)
    model = Model()
    # Classes are age, height, president; confidence is 0.5 + (row mod 5) / 10.
    assert told(run(six, model), "old") == {2: "president", 3: "age", 4: "height"}
    assert model.asked == [("aaaa.dir", list(range(6)))]
    assert told(run(six, model), "old") == {2: "president", 3: "age", 4: "height"}
    assert len(model.asked) == 1


def test_every_kind_of_task(six):
    six.write("labelers/a.yaml", "".join(
        f"- {{name: {task}, task: {task}, predictions: v1, minimum: {minimum}}}\n"
        for task, minimum in (("POS", 0.8), ("Topics", 0.8), ("IntentArg", 0.6), ("Kind", 0.9), ("EntityType", 0.9))))
    model = Model()
    applied = run(six, model)
    assert told(applied, "POS") == {3: "ADJ", 4: "NOUN", 8: "VERB", 9: "ADJ"}
    assert applied.answers["Topics"].items.tolist() == [3, 3, 4, 4, 4]
    assert told(applied, "IntentArg") == {1: 1, 2: 0, 3: 1, 4: 0}
    assert told(applied, "Kind") == {4: "measure", 9: "person"}
    assert len(model.asked) == 1


def test_a_python_function_is_handed_predictions_and_dictionaries(six):
    six.write("labelers/words.tsv", "text\tage\n")
    six.write("labelers/a.py", """
        from ovt import labeling_function, predictions
        @labeling_function("Intent", resources={"old": predictions("v1"), "new": predictions("v2", task="Kind"), "words": "labelers/words.tsv"})
        def one(r, old, new, words):
            assert len(new.label) == len(new.confidence) == 2
            return words[r.query.split()[0]] if old.confidence > 0.8 and old.label else None

        @labeling_function("Intent", batch=True, resources={"old": predictions("v1")})
        def many(batch, old):
            return [label if confidence > 0.8 else None for label, confidence in zip(old.label, old.confidence)]
        """)
    applied = run(six, Model())
    assert told(applied, "one") == {4: "age"}
    assert told(applied, "many") == {4: "height"}


def test_the_model_is_part_of_the_key_and_the_name_of_the_revision_is_not(six):
    six.write("labelers/a.yaml", YAML + "- {name: plain, task: Intent, keyword: x, label: age}\n")
    before = {function.name: function.key for function in discover(six.project, "labeling")}
    write_pins(six.project, {"v1": Pin("other", "aaaa.dir")})
    assert {function.name: function.key for function in discover(six.project, "labeling")} == before
    write_pins(six.project, {"v1": Pin("other", "cccc.dir")})
    after = {function.name: function.key for function in discover(six.project, "labeling")}
    assert (after["old"] != before["old"], after["plain"] == before["plain"]) == (True, True)
    six.write("labelers/a.yaml", YAML.replace("v1", "main"))
    write_pins(six.project, {"main": Pin("moved", "aaaa.dir")})
    assert discover(six.project, "labeling")[0].key == before["old"]


def test_swapped_arguments_change_the_key(six):
    code = """
        from ovt import labeling_function, predictions
        @labeling_function("Intent", resources={"a": predictions("%s"), "b": predictions("%s")})
        def f(r, a, b): return a.label
        """
    keys = []
    for pair in (("v1", "v2"), ("v2", "v1")):
        six.write("labelers/a.py", code % pair)
        keys.append(discover(six.project, "labeling")[0].key)
    assert keys[0] != keys[1]


def test_without_a_pin_it_is_found_but_does_not_run(six):
    six.write("labelers/a.yaml", YAML.replace("v1", "main"))
    functions = discover(six.project, "labeling")
    with pytest.raises(ProjectError) as caught:
        run(six, Model(), functions)
    assert caught.value.what == "`old` uses predictions of `main`, which is not pinned to a model"
    assert caught.value.command == "ovt label --source old"


def test_without_a_predictor_what_is_cached_is_enough(six):
    six.write("labelers/a.yaml", YAML)
    store = Store.open(six.root / "build/store")
    with pytest.raises(MissingError, match="not at hand"):
        try_functions(six.project, store, discover(six.project, "labeling"), Silent())
    run(six, Model())
    six.write("labelers/a.yaml", YAML.replace("0.7", "0.8"))
    applied = try_functions(six.project, store, discover(six.project, "labeling"), Silent())
    assert told(applied, "old") == {3: "age", 4: "height"}


@pytest.mark.parametrize(("entry", "what"), [
    ("predictions: 12", "is no revision"), ("predictions: v1, minimum: 2", "is no probability"),
    ("predictions: v1, label: age", "`label` of `a` has no meaning"), ("predictions: v1, keyword: x", "needs one of"),
])
def test_wrong_entries_are_errors_with_their_line(six, entry, what):
    six.write("labelers/a.yaml", f"- {{name: a, task: Intent, {entry}}}\n")
    with pytest.raises(ProjectError, match=what) as caught:
        discover(six.project, "labeling")
    assert caught.value.at == "labelers/a.yaml:1"


def test_the_lock_is_read_as_it_was_written_and_refused_if_damaged(six):
    assert read_pins(six.project) == LOCKED
    six.write("labelers/predictions.lock", "v1: 3\n")
    with pytest.raises(ProjectError, match="cannot be understood"):
        read_pins(six.project)


def test_spans_stay_whole():
    found = Prediction(["O", "B-title", "I-title", "B-title", "O"], [0.9, 0.9, 0.3, 0.8, 0.2])
    assert sure(found, 0.5, spans=True) == ["O", None, None, "B-title", None]
    assert sure(found, 0.5, spans=False) == ["O", "B-title", None, "B-title", None]
    assert sure(found, 0.95, spans=True) is None
    assert sure(Prediction("x", 0.5), 0.5, spans=False) == "x"
    assert sure(Prediction(None, 0.0), 0.0, spans=False) is None
