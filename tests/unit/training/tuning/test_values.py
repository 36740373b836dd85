from __future__ import annotations

import pytest

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.schema.parse import parse_schema
from ovt.training.tuning.defaults import Measure, default_values
from ovt.training.tuning.lock import LOCK_FILE, Lock, locked_values, read_lock, write_lock
from ovt.training.tuning.spec import SPEC_FILE, Search, load_spec, nested, parse_spec
from ovt.training.tuning.values import PayloadValues
from ovt.training.tuning.variants import Variant

SCHEMA = parse_schema(parse_document(
    '{"payloads": {"tokens": {"type": "sequence"}, "query": {"type": "singleton", "base": ["tokens"]}}, "tasks": {}}',
    "schema.json"))
SMALL, LARGE = Measure(400, 900, 9.0), Measure(300_000, 80_000, 12.0)


def spec(text: str):
    return parse_spec(parse_document(text, SPEC_FILE), SCHEMA)


def test_lists_are_choices_and_single_values_are_pins() -> None:
    found = spec("payloads: {tokens: {encoder: [cnn, lstm], size: 64}}\ntraining: {batch: [32], dropout: 0}\nsearch: {trials: 3}")
    assert found.choices == {("payloads", "tokens", "encoder"): ("cnn", "lstm")}
    assert found.pins == {("payloads", "tokens", "size"): 64, ("training", "batch"): 32, ("training", "dropout"): 0}
    assert found.search == Search(trials=3)
    assert nested(found.pins) == {"payloads": {"tokens": {"size": 64}}, "training": {"batch": 32, "dropout": 0}}


@pytest.mark.parametrize(("text", "what", "at"), [
    ("payload: {}", "unknown key `payload` in `tuning.yaml`", ":1"),
    ("payloads:\n  token: {}", "unknown key `payloads.token`", ":2"),
    ("payloads:\n  tokens:\n    encodr: cnn", "unknown key `payloads.tokens.encodr`", ":3"),
    ("training: {bach: 3}", "unknown key `training.bach`", ":1"),
    ("search: {trails: 3}", "unknown key `search.trails`", ":1"),
    ("payloads:\n  tokens:\n    encoder: [cnn,\n      lsmt]", "`lsmt` is no encoder", ":4"),
    ("payloads: {tokens: {embedding: lerned}}", "`lerned` is no embedding", ":1"),
    ("payloads: {tokens: {attention: 4by32}}", "`attention: 4by32` is not understood", ":1"),
    ("training:\n  batch: many", "`batch` has a wrong value", ":2"),
    ("training: {epochs: 0}", "`epochs` is out of range", ":1"),
    ("training: {dropout: 1}", "`dropout` is out of range", ":1"),
    ("training: {dropout: []}", "`training.dropout` offers no choice", ":1"),
    ("training: {dropout: [0.1, 0.1]}", "`training.dropout` repeats a choice", ":1"),
    ("slices: {form: lowrnk}", "`form` has a wrong value", ":1"),
    ("search: {latency_ms: 0}", "`search.latency_ms` is out of range", ":1"),
    ("search:\n  size_mb: -1", "`search.size_mb` is out of range", ":2"),
    ("search: {prefer: speed}", "`search` has a wrong value", ":1"),
    ("training: {freeze: Intent}", "`training.freeze` is no list", ":1"),
    ("training:\n  freeze: [Intnet]", "no task `Intnet` to freeze", ":2"),
    ("variants:\n  s m: {}", "`s m` is no name of a variant", ":2"),
    ("variants:\n  small: {distil: large}", "unknown key `variants.small.distil`", ":2"),
    ("variants:\n  small: {distill: large}\n  large: {}", "variant `small` cannot learn from `large`", ":2"),
    ("variants:\n  a: {}\n  b: {distill: a, temperature: 0.5}", "variant `b` has a wrong value", ":3"),
    ("variants:\n  a:\n    payloads: {tokens: {size: [32, 64]}}", "`variants.a.payloads.tokens.size` offers a choice", ":3"),
    ("variants:\n  a:\n    payloads: {token: {size: 32}}", "unknown key `variants.a.payloads.token`", ":3"),
    ("search: {trials: 0}", "`search` has no budget", ":1"),
    ("training: 3", "`training` is no mapping", ":1"),
    ("- 1", "`tuning.yaml` is no mapping", ":1"),
])
def test_what_is_wrong_is_told_with_its_line(text: str, what: str, at: str) -> None:
    with pytest.raises(ProjectError) as error:
        spec(text)
    assert error.value.what.startswith(what)
    assert error.value.at == f"{SPEC_FILE}{at}"
    assert error.value.fix


def test_the_digest_is_of_the_question_and_not_of_the_budget() -> None:
    one = spec("training: {batch: [32, 64]}").digest(SCHEMA)
    assert spec("training: {batch: [32, 64]}\nsearch: {trials: 99}").digest(SCHEMA) == one
    assert spec("training: {batch: [32, 128]}").digest(SCHEMA) != one
    assert spec("training: {batch: 32}").digest(SCHEMA) != one


VARIANTS = """
payloads: {tokens: {encoder: [cnn, lstm]}}
variants:
  large: {payloads: {tokens: {size: 256}}}
  small: {payloads: {tokens: {size: 32}}, training: {epochs: 3}, distill: large, temperature: 3}
"""


def test_variants_are_overrides_in_the_order_of_the_file() -> None:
    found = spec(VARIANTS)
    assert [variant.name for variant in found.variants] == ["large", "small"]
    assert found.variants[0] == Variant("large", {"payloads": {"tokens": {"size": 256}}})
    assert found.variants[1] == Variant(
        "small", {"payloads": {"tokens": {"size": 32}}, "training": {"epochs": 3}}, "large", 3.0, 0.7)
    assert found.choices == {("payloads", "tokens", "encoder"): ("cnn", "lstm")}


def test_only_the_served_variant_is_part_of_what_trials_answer() -> None:
    one, other = spec(VARIANTS), spec(VARIANTS.replace("epochs: 3", "epochs: 4"))
    assert one.digest(SCHEMA) != other.digest(SCHEMA)
    assert one.searched(SCHEMA) == other.searched(SCHEMA)
    assert one.searched(SCHEMA) != spec(VARIANTS.replace("256", "200")).searched(SCHEMA)


def test_a_spec_without_the_newer_keys_asks_what_it_always_asked() -> None:
    found = spec("training: {batch: [32, 64]}")
    assert found.digest(SCHEMA) == found.searched(SCHEMA) == spec("training: {batch: [32, 64]}\nsearch: {minutes: 3}").digest(SCHEMA)
    assert spec("training: {batch: [32, 64]}\nsearch: {latency_ms: 3}").digest(SCHEMA) != found.digest(SCHEMA)


def test_a_lock_holds_what_is_frozen_where_it_started_and_the_variants(tmp_path) -> None:
    lock = Lock(answers="abc", values={}, parent="d.dir", init="parent", freeze=("Intent",), variants=spec(VARIANTS).variants)
    write_lock(tmp_path, lock)
    assert read_lock(tmp_path) == lock
    write_lock(tmp_path, Lock(answers="abc", values={}))
    assert not {"init", "freeze", "variants"} & {line.split(":")[0] for line in (tmp_path / LOCK_FILE).read_text().splitlines()}


def test_no_file_is_no_spec(tmp_path) -> None:
    assert load_spec(tmp_path, SCHEMA) is None
    assert read_lock(tmp_path) is None


def test_a_lock_reads_back_and_has_the_same_bytes(tmp_path) -> None:
    lock = Lock(answers="abc", values={"training": {"batch": 32}}, seed=4, score=0.5)
    write_lock(tmp_path, lock)
    first = (tmp_path / LOCK_FILE).read_bytes()
    assert read_lock(tmp_path) == lock
    write_lock(tmp_path, lock)
    assert (tmp_path / LOCK_FILE).read_bytes() == first


@pytest.mark.parametrize("text", ["answers: 3\nvalues: {}", "answers: a\nvalues: {}\nnew: 1", "answers: a\nvalues: {}\nformat: ovt.tuning/9"])
def test_a_lock_that_is_none_is_an_error(text: str, tmp_path) -> None:
    (tmp_path / LOCK_FILE).write_text(text)
    with pytest.raises(ProjectError, match=r"tuning\.lock\.yaml"):
        read_lock(tmp_path)


def test_the_lock_wins_over_defaults() -> None:
    defaults = default_values(SCHEMA, SMALL)
    lock = Lock(answers="", values={"payloads": {"tokens": {"encoder": "cnn"}}, "training": {"batch": 7}})
    found = locked_values(lock, defaults)
    assert (found.payloads["tokens"].encoder, found.training.batch) == ("cnn", 7)
    assert found.payloads["query"] == defaults.payloads["query"]
    assert locked_values(None, defaults) == defaults


@pytest.mark.parametrize("values", [
    {"payloads": {"token": {"size": 3}}}, {"training": {"batch": "x"}}, {"training": {"batsch": 3}}, {"other": {"a": 1}}, {"training": 3},
])
def test_a_lock_that_does_not_fit_is_an_error(values: dict) -> None:
    with pytest.raises(ProjectError, match=r"tuning\.lock\.yaml"):
        locked_values(Lock(answers="", values=values), default_values(SCHEMA, SMALL))


def test_defaults_grow_with_the_data() -> None:
    small, large = default_values(SCHEMA, SMALL), default_values(SCHEMA, LARGE)
    assert small.payloads["tokens"].size < large.payloads["tokens"].size
    assert small.training.dropout > large.training.dropout
    assert small.training.epochs > large.training.epochs
    assert small.training.batch < large.training.batch
    assert small.words.buckets < large.words.buckets <= 2**16
    assert default_values(SCHEMA, Measure(400, 900, 400.0)).payloads["tokens"].encoder == "cnn"
    assert default_values(SCHEMA, Measure(0, 0, 0.0)).training.epochs > 0


def test_defaults_of_labelled_tokens_are_larger_train_longer_and_find_spans_with_a_chain() -> None:
    payloads = '"payloads": {"tokens": {"type": "sequence"}, "query": {"type": "singleton", "base": ["tokens"]}}'
    intent = '"Intent": {"payload": "query", "type": "multiclass"}'
    slots = '"Slots": {"payload": "tokens", "type": "multiclass", "spans": "BIO"}'
    plain = parse_schema(parse_document(f'{{{payloads}, "tasks": {{{intent}}}}}', "schema.json"))
    spans = parse_schema(parse_document(f'{{{payloads}, "tasks": {{{intent}, {slots}}}}}', "schema.json"))
    found = Measure(3600, 2000, 7.0)
    few, more = default_values(plain, found), default_values(spans, found)
    assert more.payloads["tokens"].size > few.payloads["tokens"].size
    assert more.training.epochs > few.training.epochs
    assert more.training.word_dropout > few.training.word_dropout
    assert (more.tasks["Slots"].head, few.tasks) == ("crf", {})
    assert default_values(spans, SMALL).payloads == default_values(plain, SMALL).payloads


def test_heads_of_attention() -> None:
    assert PayloadValues(attention="4x32").heads() == (4, 32)
    with pytest.raises(ProjectError):
        PayloadValues(attention="4x0").heads()
