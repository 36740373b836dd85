"""Made records in the compile stage: whole, in train alone, the same each time, and gone where they would cheat."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovt.data import store_writer
from ovt.data.lineage import read_lineage, read_summaries
from ovt.data.store import Store
from ovt.data.tags import TagTable
from ovt.data.votes import Votes
from ovt.errors import ProjectError
from ovt.functions.augmentation.augment_cache import AugmentCache
from ovt.progress import Silent
from ovt.schema.spec import SPLITS
from ovt.stages import compile as stage
from ovt.storage.files import safe_name

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "from ovt import generator, transformation_function\n"
SWAP = HEAD + """
@transformation_function()
def swap(r):
    r.tokens[1] = "high"
    return r
"""


def record(name: str, split: str = "train", text: str = "how tall is it", tags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"id": name, "payloads": {"query": f"{text} {name}"}, "tags": [split, *tags], **more}


def made(bench, store: Store | None = None) -> dict[str, dict[str, Any]]:
    """Every made record by id."""
    store = store or Store.open(bench.root / "build/store")
    tags = TagTable.load(bench.root / "build/tags.parquet")
    return {
        view.id: {"split": SPLITS[store.splits[row]], "tags": tags.rows(row, row + 1)[0][1:], "query": view.query,
                  "tokens": view.tokens, "entities": view.entities, "parent": parent}
        for row, parent in zip(store.lineage.rows.tolist(), store.lineage.parents.tolist(), strict=True)
        for view in [store.record(row)]
    } if store.lineage else {}


def votes(bench, task: str) -> set[tuple[str, int, str, Any]]:
    """(record, position, source, label) of inline votes."""
    store = Store.open(bench.root / "build/store")
    found = Votes.load(bench.root / "build/votes" / f"{safe_name(task)}.arrow", store.n_items(task))
    rows = store.rows_of_items(task, found.items)
    offsets, classes = store.item_offsets(task), store.classes.get(task)
    ids = store.ids.to_pylist()
    return {
        (ids[row], item - int(offsets[row]) if offsets is not None else 0, found.names[source],
         classes[label] if classes and label >= 0 else label)
        for row, item, source, label in zip(rows.tolist(), found.items.tolist(), found.sources.tolist(), found.labels.tolist(), strict=True)
    }


def tree_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def test_a_transformed_record_is_a_whole_record(bench):
    labels = {"Intent": {"weak": "height", "gold": "height"}, "POS": {"w": [None, "ADJ", "VERB", None, None]}, "IntentArg": {"c": 1}}
    entities = [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [1, 3]}]
    bench.records({**record("a", tags=("odd",), tasks=labels), "payloads": {"query": "how tall is it a", "entities": entities, "age": 3}})
    bench.write("labelers/aug.py", SWAP)
    notes = bench.run("compile")
    assert notes[:2] == ["2 records: train 2 · dev 0 · test 0 (1 of them made)", "`swap` made 1 train records from 1 parents"]
    [(name, found)] = made(bench).items()
    assert name == "a~swap~1"
    assert found == {"split": "train", "tags": ["odd", "source:swap"], "query": "how high is it a", "tokens": ["how", "high", "is", "it", "a"],
                     "entities": Store.open(bench.root / "build/store").record(0).entities, "parent": 0}
    assert {vote for vote in votes(bench, "Intent") if vote[0] == name} == {(name, 0, "weak", "height"), (name, 0, "gold", "height")}
    assert {vote for vote in votes(bench, "POS") if vote[0] == name} == {(name, 1, "w", "ADJ"), (name, 2, "w", "VERB")}
    assert {vote for vote in votes(bench, "IntentArg") if vote[0] == name} == {(name, 0, "c", 1)}


def test_text_and_tokens_follow_each_other(bench):
    bench.records(record("a"), {"id": "b", "payloads": {"query": "how tall", "tokens": ["how", "tall"]}})
    bench.write("labelers/aug.py", HEAD + """
@transformation_function()
def by_text(r):
    return {"query": "why so " + r.query}
@transformation_function()
def by_tokens(r):
    return {"tokens": ["so", *r.tokens]}
""")
    bench.run("compile")
    found = {name: (one["query"], one["tokens"]) for name, one in made(bench).items()}
    assert found == {
        "a~by_text~1": ("why so how tall is it a", ["why", "so", "how", "tall", "is", "it", "a"]),
        "b~by_text~1": ("why so how tall", ["why", "so", "how", "tall"]),
        "a~by_tokens~1": ("so how tall is it a", ["so", "how", "tall", "is", "it", "a"]),
        "b~by_tokens~1": ("so how tall", ["so", "how", "tall"]),
    }


def test_labels_of_tokens_are_carried_only_where_their_number_is_the_same(bench):
    bench.records(record("a", tasks={"POS": {"w": [None, "ADJ", None, None, None]}, "Intent": {"w": "age"}}))
    bench.write("labelers/aug.py", HEAD + """
@transformation_function()
def longer(r):
    return {"query": r.query + " now"}
@transformation_function()
def spoken(r):
    return {"payloads": {"query": r.query + " then"}, "labels": {"POS": {0: "VERB"}, "Intent": "height"}}
@transformation_function(labels={"Intent": "carry"})
def some(r):
    return {"query": r.query.upper()}
@transformation_function(labels="relabel")
def none(r):
    return {"query": r.query + " again"}
@transformation_function(labels={"Topics": ["food"], "Intent": 2})
def always(r):
    return {"query": r.query + " soon"}
""")
    bench.run("compile")
    new = {task: {vote for vote in votes(bench, task) if "~" in vote[0]} for task in ("POS", "Intent", "Topics")}
    assert new["POS"] == {("a~spoken~1", 0, "spoken", "VERB")}
    assert new["Intent"] == {("a~longer~1", 0, "w", "age"), ("a~spoken~1", 0, "spoken", "height"), ("a~some~1", 0, "w", "age"),
                             ("a~always~1", 0, "always", "president")}
    assert new["Topics"] == {("a~always~1", 0, "always", "food"), ("a~always~1", 0, "always", -1)}
    lineage = Store.open(bench.root / "build/store").lineage
    carried = {task: [lineage.names[lineage.sources[at]] for at in range(5) if flags[at]] for task, flags in lineage.carried.items()}
    assert carried["Intent"] == ["longer", "some"]
    assert carried["POS"] == []
    assert carried["Kind"] == ["longer", "spoken"]


def test_what_max_length_cut_is_cut_in_what_is_made(bench):
    words = [f"w{number}" for number in range(20)]
    bench.records({"id": "a", "payloads": {"tokens": words, "entities": [{"range": [2, 3]}, {"range": [14, 18]}, {"range": [17, 19]}]},
                   "tasks": {"POS": {"w": ["ADJ"] * 20}, "Kind": {"w": ["person"] * 3}}})
    bench.write("labelers/aug.py", SWAP)
    store = bench.compiled()
    assert made(bench)["a~swap~1"]["tokens"] == ["w0", "high", *words[2:16]]
    members = store.members("entities")
    assert members.ranges[3:].tolist() == [[2, 3], [14, 16], [0, 0]]
    assert len({vote for vote in votes(bench, "POS") if "~" in vote[0]}) == 16
    assert len({vote for vote in votes(bench, "Kind") if "~" in vote[0]}) == 3


def test_ranges_that_no_longer_fit_are_an_error_that_names_the_payload(bench):
    bench.records({"id": "a", "payloads": {"tokens": ["a", "b"], "entities": [{"range": [1, 2]}]}})
    bench.write("labelers/aug.py", HEAD + "@transformation_function()\ndef f(r):\n    return {'tokens': ['so', *r.tokens]}\n")
    with pytest.raises(ProjectError) as raised:
        bench.run("compile")
    assert "its ranges are those of 2 `tokens`, the new record has 3" in raised.value.why
    assert "return `entities` too" in raised.value.fix


def test_a_generator_makes_whole_records(bench):
    bench.records(record("a", "dev"))
    bench.write("labelers/gen.py", HEAD + """
@generator(labels={"Intent": "age"})
def kings(random):
    for number in range(3):
        yield {"query": f"how old is king {number} {random.random()}"}
    yield {"payloads": {"tokens": ["a", "cat"], "entities": [{"id": "A", "range": [1, 2]}, {"id": "B"}]},
           "labels": {"IntentArg": "B", "POS": [None, "NOUN"], "Intent": "height"}, "tags": ["test", "drill"]}
""")
    notes = bench.run("compile")
    assert "`kings` made 4 train records" in notes
    found = made(bench)
    assert list(found) == [f"kings~{number}" for number in (1, 2, 3, 4)]
    assert {one["split"] for one in found.values()} == {"train"}
    assert found["kings~4"]["tags"] == ["drill", "source:kings"]
    assert {one["parent"] for one in found.values()} == {-1}
    assert votes(bench, "Intent") == {("kings~1", 0, "kings", "age"), ("kings~2", 0, "kings", "age"), ("kings~3", 0, "kings", "age"),
                                      ("kings~4", 0, "kings", "height")}
    assert votes(bench, "IntentArg") == {("kings~4", 0, "kings", 1)}
    assert votes(bench, "POS") == {("kings~4", 1, "kings", "NOUN")}


def test_equal_records_are_dropped_and_counted(bench):
    bench.records(record("a"), record("b"), {"id": "t", "payloads": {"query": "the exam question", "age": 3}, "tags": ["test"]},
                  {"id": "gen~3", "payloads": {"query": "taken id"}})
    bench.write("labelers/gen.py", HEAD + """
@generator()
def gen():
    yield {"query": "how tall is it  a"}
    yield {"query": "the exam question"}
    yield {"query": "fresh one"}
    yield {"query": "fresh two"}
    yield {"query": "fresh two"}
@transformation_function()
def same(r):
    return r
@transformation_function(max_records=1)
def up(r):
    return [{"query": r.query.upper()}, {"query": r.query.title()}]
""")
    notes = bench.run("compile")
    counts = {one.name: one for one in read_summaries(bench.root / "build/store")}
    assert (counts["gen"].made, counts["gen"].kept, counts["gen"].duplicates, counts["gen"].held_out, counts["gen"].collisions) == (5, 1, 2, 1, 1)
    assert (counts["same"].parents, counts["same"].made, counts["same"].kept, counts["same"].duplicates) == (3, 3, 0, 3)
    assert (counts["up"].made, counts["up"].kept, counts["up"].surplus) == (6, 1, 5)
    assert ("`gen` made 1 train records; dropped: 1 with the text of dev or test · 2 the same as other records · "
            "1 with the id of a record") in notes
    assert [one["query"] for name, one in made(bench).items() if name.startswith("gen")] == ["fresh two"]


def test_parents_are_chosen_by_slice_tag_and_probability(bench):
    bench.records(*(record(f"q{number}", "dev" if number == 3 else "train", tags=("odd",) if number % 2 else ()) for number in range(8)))
    bench.write("slices/s.yaml", "odds: {tag: odd}\nfives: {keyword: [q5, q6]}\n")
    bench.write("labelers/aug.py", HEAD + "".join(
        f"@transformation_function(where={where!r})\ndef {name}(r):\n    return {{'query': r.query + ' {name}'}}\n"
        for name, where in {"tag": "odd", "slice": "fives", "tagslice": {"slice": "odds"}, "both": {"slice": "fives", "tag": "odd"}}.items()))
    bench.run("compile")
    by_source: dict[str, list[str]] = {}
    for name in made(bench):
        by_source.setdefault(name.split("~")[1], []).append(name.split("~")[0])
    assert by_source == {"tag": ["q1", "q5", "q7"], "slice": ["q5", "q6"], "tagslice": ["q1", "q5", "q7"], "both": ["q5"]}


def test_a_where_that_names_nothing_is_an_error(bench):
    bench.records(record("a", tags=("nutrition",)))
    bench.write("labelers/aug.py", HEAD + "@transformation_function(where='nutrision')\ndef f(r):\n    return r\n")
    with pytest.raises(ProjectError) as raised:
        bench.run("compile")
    assert "names no slice and no tag" in raised.value.what
    assert raised.value.fix == "did you mean `nutrition`?"


@pytest.mark.parametrize(("body", "why", "fix", "at"), [
    ("    return {'query': 1 / 0}", "ZeroDivisionError", "return None", "labelers/aug.py:4"),
    ("    return {'query': 3}", "payloads.query: found number 3, expected text", "quotes", "labelers/aug.py:2"),
    ("    return {'tokens': 'how'}", "payloads.tokens: found text", "", "labelers/aug.py:2"),
    ("    return {'qwery': 'x'}", "no payload 'qwery'", "did you mean `query`?", "labelers/aug.py:2"),
    ("    return 7", "it returned int 7", "a dict of changed payloads", "labelers/aug.py:2"),
    ("    return {'query': None}", "no payload has a value", "at least one", "labelers/aug.py:2"),
    ("    return {'payloads': {'query': 'x'}, 'labels': {'Intent': 'agee'}}", "unknown class 'agee'", "did you mean `age`?", "labelers/aug.py:2"),
    ("    return {'payloads': {'query': 'x'}, 'labels': {'Intnt': 'age'}}", "no task 'Intnt'", "did you mean `Intent`?", "labelers/aug.py:2"),
    ("    return {'payloads': {'query': 'x'}, 'labels': {'POS': ['NOUN', None]}}", "a list of 2 for 1 tokens", "labeling function", "labelers/aug.py:2"),
    ("    return [{'query': f'x{n}'} for n in range(2000)]", "more than 1,000 records of one", "`per`", "labelers/aug.py:2"),
    ("    raise SystemExit(3)", "SystemExit", "return None", "labelers/aug.py:4"),
    ("    import os; os._exit(3)", "it ended its process", "must not end", "labelers/aug.py:2"),
    ("    while True: pass", "no answer within 0.3 s", "make it faster", "labelers/aug.py:4"),
])
def test_a_failure_is_told_like_that_of_a_labeling_function(bench, body, why, fix, at):
    bench.write("ovt.yaml", "errors: {seconds: 0.3}\n")
    bench.records(record("a"), record("b"), record("c", "dev"))
    bench.write("labelers/aug.py", f"from ovt import transformation_function\n@transformation_function()\ndef broken(r):\n{body}\n")
    with pytest.raises(ProjectError) as raised:
        bench.run("compile")
    assert raised.value.what.startswith("transformation function `broken` ")
    assert raised.value.at == at
    assert why in raised.value.why
    assert "a)" in raised.value.why
    assert fix in raised.value.fix
    assert raised.value.command == "ovt label --source broken --record a"


def test_all_failures_are_told_and_nothing_is_cached_of_them(bench):
    bench.records(record("a"), record("b"))
    bench.write("labelers/aug.py", HEAD + "@transformation_function()\ndef one(r):\n    raise ValueError('x')\n"
                "@generator()\ndef two():\n    yield {'query': 'fine'}\n    raise KeyError('y')\n")
    progress = Silent()
    with pytest.raises(ProjectError, match="failed on 2 of 2 records"):
        stage.run(bench.project, bench.root / "out", progress)
    assert any("generator `two`" in note and "record 2" in note for note in progress.notes)
    assert any("KeyError" in note and "labelers/aug.py:8" in note for note in progress.notes)
    assert not list((bench.root / ".ovt/cache/augmented").rglob("*")) if (bench.root / ".ovt/cache/augmented").exists() else True


def test_an_endless_generator_is_stopped_by_max_records(bench):
    bench.records(record("a"))
    bench.write("labelers/gen.py", HEAD + "import itertools\n@generator(max_records=7)\ndef gen():\n"
                "    for n in itertools.count():\n        yield {'query': f'number {n}'}\n")
    bench.run("compile")
    assert len(made(bench)) == 7


def test_what_it_prints_is_a_note_and_what_it_reads_unnamed_an_error(bench):
    bench.records(record("a"))
    bench.write("labelers/aug.py", HEAD + "@transformation_function()\ndef f(r):\n    print('seen', r.id)\n    return None\n")
    assert "`f` printed: seen a" in bench.run("compile")
    bench.write("labelers/words.txt", "x")
    bench.write("labelers/aug.py", HEAD + "from pathlib import Path\n@transformation_function()\ndef f(r):\n"
                "    return {'query': (Path(__file__).parent / ('words' + '.txt')).read_text()}\n")
    with pytest.raises(ProjectError, match=r"reads \"labelers/words.txt\" while it runs"):
        bench.run("compile")


RANDOM = HEAD + """
import random as dice
import numpy as np
@transformation_function(per=2)
def shuffled(r, random):
    words = list(r.tokens)
    random.shuffle(words)
    return {"tokens": [*words, f"{dice.random():.6f}", f"{np.random.rand():.6f}"]}
"""


def test_the_same_bytes_each_time_with_a_cache_and_without(bench):
    bench.records(*(record(f"q{number}") for number in range(30)))
    bench.write("labelers/aug.py", RANDOM)
    bench.run("compile")
    first = tree_digest(bench.root / "build")
    bench.run("compile")
    assert tree_digest(bench.root / "build") == first
    for path in (bench.root / ".ovt/cache").rglob("*"):
        if path.is_file():
            path.write_bytes(b"broken")
    bench.run("compile")
    assert tree_digest(bench.root / "build") == first


def test_what_is_made_of_a_record_depends_on_no_other_record_and_no_other_function(bench):
    bench.records(*(record(f"q{number}") for number in range(10)))
    bench.write("labelers/aug.py", RANDOM)
    bench.run("compile")
    alone = made(bench)
    bench.records(*(record(f"q{number}") for number in reversed(range(20)) if number != 3))
    bench.write("labelers/another.py", SWAP)
    bench.run("compile")
    together = made(bench)
    for name, one in alone.items():
        if not name.startswith("q3~"):
            assert together[name] | {"parent": 0} == one | {"parent": 0}


def test_real_shards_keep_their_digests_and_made_ones_theirs(bench):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "MIN_RECORDS", 4)
        patch.setattr(store_writer, "MAX_RECORDS", 4)
        bench.records(*(record(f"q{number}") for number in range(10)))
        plain = [shard.digest for shard in bench.compiled().shards]
        bench.write("labelers/b.py", RANDOM)
        one = [shard.digest for shard in bench.compiled().shards]
        bench.write("labelers/c.py", SWAP)
        two = [shard.digest for shard in bench.compiled().shards]
    assert one[:3] == two[:3] == plain
    assert two[3:len(one)] == one[3:]
    assert len(two) > len(one) > 3


def test_one_shard_more_is_one_pass_and_a_comment_none(bench):
    calls = bench.root / "calls.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "MIN_RECORDS", 4)
        patch.setattr(store_writer, "MAX_RECORDS", 4)
        patch.setenv("OVT_TEST_CALLS", str(calls))
        text = HEAD + ("import os\n@transformation_function()\ndef f(r):\n    with open(os.environ['OVT_TEST_CALLS'], 'a') as log:\n"
                       "        log.write(r.id + ' ')\n    return {'query': r.query + ' x'}\n")
        bench.write("labelers/aug.py", text)
        bench.records(*(record(f"q{number}") for number in range(8)))
        bench.run("compile")
        assert calls.read_text().split() == [f"q{number}" for number in range(8)]
        calls.unlink()
        bench.write("labelers/aug.py", text.replace("import os\n", "import os  # of course\n"))
        bench.records(*(record(f"q{number}") for number in range(12)))
        bench.run("compile")
        assert calls.read_text().split() == [f"q{number}" for number in range(8, 12)]


def test_a_generator_is_asked_once(bench, monkeypatch):
    monkeypatch.setenv("OVT_TEST_CALLS", str(bench.root / "calls.log"))
    monkeypatch.setattr("ovt.functions.augmentation.augment.CHUNK", 3)
    bench.records(record("a"))
    bench.write("labelers/gen.py", HEAD + "import os\n@generator()\ndef gen():\n    open(os.environ['OVT_TEST_CALLS'], 'a').close()\n"
                "    for n in range(8):\n        yield {'query': f'n {n}'}\n")
    bench.run("compile")
    first = tree_digest(bench.root / "build")
    (bench.root / "calls.log").unlink()
    bench.run("compile")
    assert not (bench.root / "calls.log").exists()
    assert tree_digest(bench.root / "build") == first
    assert len(made(bench)) == 8


def test_without_functions_nothing_is_written_and_nothing_changes(bench):
    bench.records(record("a"), record("b", "dev"))
    bench.run("compile")
    assert not (bench.root / "build/store/lineage.arrow").exists()
    assert read_lineage(bench.root / "build/store") is None
    before = tree_digest(bench.root / "build")
    bench.write("labelers/aug.py", SWAP)
    stage.run(bench.project, bench.root / "out", Silent(), without=frozenset({"swap"}))
    assert tree_digest(bench.root / "out/build") == before


def test_tags_given_elsewhere_cannot_move_a_made_record(bench):
    bench.records(record("a"))
    bench.write("tags/t.jsonl", '{"id": "a~swap~1", "tags": ["test", "seen"]}\n')
    bench.write("labelers/aug.py", SWAP)
    bench.run("compile")
    assert made(bench)["a~swap~1"]["split"] == "train"
    assert made(bench)["a~swap~1"]["tags"] == ["seen", "source:swap"]


WORDS = st.sampled_from(["how", "tall", "old", "is", "it", "dev", "test"])
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
RECORDS = st.lists(st.tuples(TEXTS, st.sampled_from([*SPLITS, None])), min_size=1, max_size=12)
ANSWERS = st.one_of(st.none(), TEXTS.map(lambda text: {"query": text}),
                    st.lists(TEXTS.map(lambda text: {"payloads": {"query": text}, "tags": ["test", "dev"]}), max_size=3))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(records=RECORDS, answers=st.lists(ANSWERS, min_size=1, max_size=4), yielded=st.lists(TEXTS, max_size=4))
def test_nothing_made_is_ever_in_dev_or_test(bench, tmp_path_factory, records, answers, yielded):
    bench = type(bench)(tmp_path_factory.mktemp("made"))  # one for each example
    bench.records(*({"id": f"r{number}", "payloads": {"query": text}, "tags": [split] if split else []}
                    for number, (text, split) in enumerate(records)))
    bench.write("labelers/aug.py", HEAD + f"ANSWERS = {answers!r}\nYIELDED = {yielded!r}\n" + """
@transformation_function()
def tf(r):
    return ANSWERS[len(r.query) % len(ANSWERS)]
@generator()
def gen():
    for text in YIELDED:
        yield {"query": text}
""")
    bench.run("compile")
    store = Store.open(bench.root / "build/store")
    texts = {split: {view.query for row in range(store.n) if SPLITS[store.splits[row]] == split for view in [store.record(row)]} for split in SPLITS}
    found = made(bench, store)
    assert all(one["split"] == "train" and one["parent"] in {-1, *range(len(records))} for one in found.values())
    assert not {one["query"] for one in found.values()} & (texts["dev"] | texts["test"])
    assert len({one["query"] for one in found.values()}) == len(found)
    for one in found.values():
        assert one["parent"] < 0 or SPLITS[store.splits[one["parent"]]] == "train"
    made_of = {one.name: one for one in read_summaries(bench.root / "build/store")}
    assert sum(one.kept for one in made_of.values()) == len(found)
    assert all(one.made == one.kept + one.duplicates + one.held_out + one.surplus + one.collisions for one in made_of.values())


def test_a_cache_entry_that_cannot_be_kept_is_not(bench, tmp_path):
    from ovt.functions.augmentation.augment_cache import Made

    cache = AugmentCache(tmp_path)
    cache.write(tmp_path / "x", [Made(0, 1, {"query": 1 << 80}, {}, [])], last=True)
    assert cache.read(tmp_path / "x") is None
    assert json.dumps(1 << 80)
