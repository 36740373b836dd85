"""Functions that take a batch: the same answers, checks, keys and failures as a record at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.batch import Batch
from ovt.data.store import Store
from ovt.data.view import Rows
from ovt.functions.answers import AnswerError
from ovt.functions.apply import try_functions
from ovt.functions.batches import answers_in, narrowed
from ovt.functions.discover import discover
from ovt.functions.processes import passes
from ovt.progress import Silent

HEAD = "import numpy as np\nfrom ovt import ABSTAIN, labeling_function as lf, slicing_function\n"


@pytest.fixture
def ten(bench, monkeypatch):
    monkeypatch.setattr(passes, "BATCH", 4)
    bench.records(*(
        {"id": f"q{number}", "payloads": {
            "query": None if number == 2 else ["how tall is it", "how old is he", "who"][number % 3], "device": ["phone", "tv"][number % 2],
            "age": None if number == 4 else number / 2, "tokens": ["how", "tall", "is"][: 1 + number % 3],
            "entities": [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [0, 1]}] if number % 2 else None}}
        for number in range(10)
    ))
    bench.compiled()
    return bench


def run(bench):
    store = Store.open(bench.root / "build/store")
    return try_functions(bench.project, store, discover(bench.project, "labeling"), Silent()), store


def test_columns_are_arrays_and_lists(ten):
    store = Store.open(ten.root / "build/store")
    batch = Batch(Rows(store, 0, 10), 1, 5)
    assert (len(batch), batch.ids) == (4, ["q1", "q2", "q3", "q4"])
    assert batch.query.dtype == object
    assert batch.query.tolist() == ["how old is he", None, "how tall is it", "how old is he"]
    assert (batch["device"] == "tv").tolist() == [True, False, True, False]
    assert batch.age.tolist()[:3] == [0.5, 1.0, 1.5]
    assert np.isnan(batch.age[3])
    assert batch.tokens[1] == ["how", "tall", "is"]
    assert [members and members[1].id for members in batch.entities] == ["B", None, "B", None]
    with pytest.raises(AttributeError, match="did you mean `query`"):
        _ = batch.qery
    with pytest.raises(TypeError, match="take a column"):
        iter(batch)


def test_a_batch_function_answers_as_its_twin_of_single_records_does(ten):
    ten.write("labelers/a.py", HEAD + """
@lf("Intent")
def intent_one(r): return "height" if r.query and "tall" in r.query else ABSTAIN
@lf("Intent", batch=True)
def intent_all(b): return ["height" if q and "tall" in q else None for q in b.query]
@lf("Intent", batch=True)
def intent_codes(b): return np.array([1 if q and "tall" in q else -1 for q in b.query])
@lf("Topics")
def topics_one(r): return ["people"] if r.age and r.age > 2 else []
@lf("Topics", batch=True)
def topics_flags(b): return np.stack([np.zeros(len(b), bool), b.age > 2], axis=1)
@lf("POS")
def pos_one(r): return [None if t == "is" else "ADJ" for t in r.tokens]
@lf("POS", batch=True)
def pos_all(b): return [[None if t == "is" else "ADJ" for t in ts] for ts in b.tokens]
@lf("Slots")
def slots_one(r): return [(0, 1, "title")]
@lf("Slots", batch=True)
def slots_all(b): return [[(0, 1, "title")]] * len(b)
@lf("IntentArg")
def arg_one(r): return "B" if r.entities else None
@lf("IntentArg", batch=True)
def arg_all(b): return ("B" if members else None for members in b.entities)
""")
    done, _ = run(ten)
    assert not done.failures
    for one, *twins in (("intent_one", "intent_all"), ("topics_one", "topics_flags"), ("pos_one", "pos_all"),
                        ("slots_one", "slots_all"), ("arg_one", "arg_all")):
        for twin in twins:
            assert done.answers[twin].items.tolist() == done.answers[one].items.tolist() != []
    assert done.answers["intent_codes"].items.tolist() == done.answers["intent_one"].items.tolist()
    assert [done.answers["intent_codes"].table[code] for code in done.answers["intent_codes"].labels] == [1] * 4


def test_a_failure_of_a_batch_is_narrowed_to_its_record(ten):
    ten.write("labelers/a.py", HEAD + "@lf('Intent', batch=True)\ndef f(b):\n    return [q.split()[0] and None for q in b.query]\n")
    failure = run(ten)[0].failures["f"]
    assert (failure.first, failure.count) == ("q2", 1)
    assert failure.why == "AttributeError: 'NoneType' object has no attribute 'split'"
    assert failure.at == "labelers/a.py:5"


def test_wrong_answers_name_their_record(ten):
    ten.write("labelers/a.py", HEAD + """
@lf("Intent", batch=True)
def one_wrong(b): return [3.5 if i == "q6" else "age" for i in b.ids]
@lf("Intent", batch=True)
def too_few(b): return ["age"]
@lf("Intent", batch=True)
def nothing(b): pass
""")
    done, _ = run(ten)
    assert (done.failures["one_wrong"].first, done.failures["one_wrong"].count) == ("q6", 1)
    assert "3.5 is no class" in done.failures["one_wrong"].why
    assert "1 answers for a batch of 4 records; only with all 4 records" in done.failures["too_few"].why
    assert done.failures["too_few"].count == 10
    assert "None is no list: a batch function returns one answer per record" in done.failures["nothing"].why


def test_a_batch_that_hangs_is_told_by_its_first_record(ten, monkeypatch):
    monkeypatch.setattr(passes, "BATCH_PATIENCE", 2)
    ten.write("ovt.yaml", "errors: {seconds: 0.2}\n")
    ten.write("labelers/a.py", HEAD + "@lf('Intent', batch=True)\ndef f(b):\n    while 'q5' in b.ids: pass\n    return [None] * len(b)\n")
    failure = run(ten)[0].failures["f"]
    assert (failure.first, failure.why) == ("q4", "no answer within 0.4 s")


def test_batch_is_part_of_the_key_and_works_for_slices(ten):
    ten.write("slices/a.py", HEAD + "@slicing_function(batch=True)\ndef old(b): return b.age > 3\n")
    (batch,) = discover(ten.project, "slicing")
    found = try_functions(ten.project, Store.open(ten.root / "build/store"), [batch], Silent())
    assert found.answers["old"].items.tolist() == [7, 8, 9]
    ten.write("slices/a.py", HEAD + "@slicing_function()\ndef old(b): return b.age > 3\n")
    assert discover(ten.project, "slicing")[0].key != batch.key


@given(st.integers(1, 40), st.data())
def test_the_culprit_is_found_whichever_it_is(n, data):
    bad = data.draw(st.integers(0, n - 1))
    asked = []

    def ask(batch):
        asked.append(len(batch))
        if batch.start <= bad < batch.stop:
            raise ValueError(bad)

    found = narrowed(Batch(None, 0, n), ask, ValueError("first"))
    assert (found[0].start, found[0].stop) == (bad, bad + 1)
    assert len(asked) <= 2 * n.bit_length()


@pytest.mark.parametrize("value", ["ab", {"a": 1}, 3, np.array(3)])
def test_what_is_no_list_is_refused(value):
    with pytest.raises(AnswerError, match="one answer per record"):
        answers_in(value, 2)
