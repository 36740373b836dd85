"""Functions run once per shard, answers are kept, failures are told when all were tried."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ovt.data import store_writer
from ovt.data.tags import TagTable
from ovt.data.votes import Votes
from ovt.errors import ProjectError
from ovt.functions.apply import apply_functions, try_functions
from ovt.functions.cache import AnswerCache, Answers
from ovt.functions.discover import discover
from ovt.functions.voting import votes_of
from ovt.progress import Silent

TEXTS = ["how tall is it", "how old is he", "who is the president", "tall and old"]


@pytest.fixture
def filled(bench):
    """Eight records, in shards of two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "MIN_RECORDS", 2)
        patch.setattr(store_writer, "MAX_RECORDS", 2)
        bench.records(*(
            {"id": f"q{number}", "payloads": {"query": TEXTS[number % 4], "tokens": TEXTS[number % 4].split(),
             "entities": [{"id": "A", "range": [0, 1]}, {"id": "B", "range": [1, 3]}] if number % 2 else None}}
            for number in range(8)
        ))
        bench.compiled()
    return bench


def opened(bench):
    from ovt.data.store import Store

    return Store.open(bench.root / "build/store")


def apply(bench, progress=None, tags=None):
    functions = discover(bench.project, "labeling")
    return apply_functions(bench.project, opened(bench), functions, progress or Silent(), tags=tags)


def votes(bench, silent=lambda name: False):
    functions, store = discover(bench.project, "labeling"), opened(bench)
    found, failures = votes_of(store, functions, apply(bench), silent)
    return {task: Votes.concat(parts, store.n_items(task)) for task, parts in found.items()}, failures


def write_many(bench, count, changed=None):
    text = "from ovt import labeling_function\nCALLS = []\n"
    for number in range(count):
        word = "old" if number == changed else "tall"
        text += (f"@labeling_function(task='Intent')\ndef f{number:02}(r):\n"
                 f"    return 'height' if '{word}' in r.query and {number} >= 0 else None\n")
    bench.write("labelers/many.py", text)


def test_one_changed_function_of_twenty_is_one_pass(filled):
    write_many(filled, 20)
    shards = len(opened(filled).shards)
    assert shards == 4
    first = apply(filled)
    assert (first.stats.ran, first.stats.cached) == (20 * shards, 0)
    again = apply(filled)
    assert (again.stats.ran, again.stats.cached) == (0, 20 * shards)
    write_many(filled, 20, changed=7)
    progress = Silent()
    changed = apply(filled, progress)
    assert (changed.stats.ran, changed.stats.cached) == (shards, 19 * shards)
    assert progress.notes == ["labeling functions: 4 passes run, 76 from the cache (20 functions × 4 shards)"]
    assert changed.answers["f07"].items.tolist() == [1, 3, 5, 7]
    assert changed.answers["f08"].items.tolist() == first.answers["f08"].items.tolist() == [0, 3, 4, 7]


def test_only_the_shard_that_changed_is_run_again(filled):
    write_many(filled, 3)
    apply(filled)
    path = filled.root / "data/records.jsonl"
    path.write_text(path.read_text().replace('"q5", "payloads": {"query": "how old', '"q5", "payloads": {"query": "how tall'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "MIN_RECORDS", 2)
        patch.setattr(store_writer, "MAX_RECORDS", 2)
        filled.compiled()
    after = apply(filled)
    assert (after.stats.ran, after.stats.cached) == (3, 9)
    assert after.answers["f00"].items.tolist() == [0, 3, 4, 5, 7]


def test_answers_for_every_kind_of_task(filled):
    filled.write("labelers/all.py", """
        from ovt import ABSTAIN, labeling_function as lf
        @lf("Intent")
        def intent(r): return "height" if "tall" in r.query else ABSTAIN
        @lf("POS")
        def pos(r): return ["ADJ" if t in ("tall", "old") else None for t in r.tokens]
        @lf("Slots")
        def slots(r): return [(0, 2, "title")] if r.tokens[0] == "who" else []
        @lf("EntityType")
        def bits(r): return {0: ["title"], 1: []}
        @lf("Topics")
        def topics(r): return ["people"] if "who" in r.query else None
        @lf("IntentArg")
        def pick(r): return "B" if r.entities else None
        @lf("Kind")
        def kind(r): return {1: "person"} if r.entities else None
        @lf("Traits")
        def traits(r): return [["office"], []] if r.entities else None
        """)
    found, failures = votes(filled)
    store = opened(filled)
    assert not failures
    rows = {task: store.rows_of_items(task, vote.items).tolist() for task, vote in found.items()}
    assert rows["Intent"] == [0, 3, 4, 7]
    assert rows["POS"] == [0, 1, 3, 3, 4, 5, 7, 7]
    offsets = store.item_offsets("Slots")
    assert found["Slots"].items.tolist() == [offsets[2], offsets[2] + 1, offsets[6], offsets[6] + 1]
    assert [store.classes["Slots"][label] for label in found["Slots"].labels] == ["B-title", "I-title"] * 2
    assert found["EntityType"].labels.tolist() == [-1, 1, -1] * 8
    assert found["Topics"].labels.tolist() == [-1, 1] * 2
    assert (rows["IntentArg"], found["IntentArg"].labels.tolist()) == ([1, 3, 5, 7], [1, 1, 1, 1])
    assert found["Kind"].items.tolist() == [1, 3, 5, 7]
    assert found["Traits"].labels.tolist() == [-1, 1, -1] * 4


def test_silence_is_a_vote_only_where_the_source_has_spoken(filled):
    filled.write("labelers/slots.py", """
        from ovt import labeling_function
        @labeling_function(task="Slots")
        def slots(r):
            if r.tokens[0] == "tall":
                return None
            return [(0, 1, "title")] if r.tokens[0] == "who" else []
        """)
    store = opened(filled)
    quiet, loud = votes(filled)[0]["Slots"], votes(filled, lambda name: name == "slots")[0]["Slots"]
    assert quiet.items.tolist() == [store.item_offsets("Slots")[row] for row in (2, 6)]
    assert np.unique(store.rows_of_items("Slots", loud.items)).tolist() == [0, 1, 2, 4, 5, 6]
    assert len(loud.items) == 2 * (4 + 4 + 4)
    spelled = [store.classes["Slots"][label] for label in loud.labels]
    assert spelled.count("B-title") == 2
    assert spelled.count("O") == len(spelled) - 2


def fail(bench):
    with pytest.raises(ProjectError) as caught:
        apply(bench)
    return caught.value


FAILING = """
from ovt import labeling_function
@labeling_function(task="Intent")
def bad(r):
    if "old" in r.query:
        return int(None)
    return "height"
@labeling_function(task="Intent")
def good(r):
    return "age"
"""


def test_a_failure_is_counted_and_the_others_are_kept(filled):
    filled.write("labelers/a.py", FAILING)
    error = fail(filled)
    assert error.exit_code == 3
    assert error.what == "labeling function `bad` failed on 4 of 8 records"
    assert error.at == "labelers/a.py:6"
    assert error.why.startswith("TypeError: int() argument")
    assert error.why.endswith("(first: q1)")
    assert error.command == "ovt label --source bad --record q1"
    filled.write("labelers/a.py", FAILING.replace("int(None)", "None"))
    after = apply(filled)
    assert (after.stats.ran, after.stats.cached) == (4, 4)


def test_every_failing_function_is_told(filled):
    filled.write("labelers/a.py", FAILING.replace('return "age"', "raise ValueError('no')"))
    progress = Silent()
    with pytest.raises(ProjectError, match="`bad`"):
        apply(filled, progress)
    assert any("`good` failed on 8 of 8 records" in note for note in progress.notes)


@pytest.mark.parametrize(("answer", "why"), [
    ("3.5", "3.5 is no class"),
    ("['height']", "['height'] is no class"),
    ("exit(1)", "SystemExit"),
    ("r.tagz", "no payload `tagz`"),
    ("r['queri']", "did you mean `query`"),
])
def test_nonsense_is_a_failure(filled, answer, why):
    filled.write("labelers/a.py", f"from ovt import labeling_function\n@labeling_function('Intent')\ndef bad(r):\n"
                                  f"    return {answer}\n")
    error = fail(filled)
    assert error.what == "labeling function `bad` failed on 8 of 8 records"
    assert why in error.why


@pytest.mark.parametrize(("answer", "hint"), [("'heigth'", "did you mean `height`?"), ("7", "0 … 2")])
def test_an_unknown_class_is_a_failure(filled, answer, hint):
    filled.write("labelers/a.py", f"from ovt import labeling_function\n@labeling_function('Intent')\ndef bad(r):\n"
                                  f"    return {answer} if 'tall' in r.query else 'age'\n")
    found, failures = votes(filled)
    assert len(found["Intent"].items) == 4
    assert [(failure.count, failure.first, failure.at) for failure in failures] == [(4, "q0", "labelers/a.py:2")]
    assert f"{answer} is no class of `Intent`" in failures[0].why
    assert hint in failures[0].fix


def test_an_index_is_read_by_the_classes_of_today(filled):
    filled.write("labelers/a.py", "from ovt import labeling_function\nlabeling_function('Intent', name='f')(lambda r: 1)\n")
    assert set(votes(filled)[0]["Intent"].labels.tolist()) == {1}
    assert opened(filled).classes["Intent"][1] == "height"


def test_prints_are_notes_and_not_stdout(filled, capsys):
    filled.write("labelers/a.py", "from ovt import labeling_function\n@labeling_function('Intent')\n"
                                  "def chatty(r):\n    print('saw', r.id)\n")
    progress = Silent()
    apply(filled, progress)
    assert capsys.readouterr().out == ""
    assert re.fullmatch(r"`chatty` printed: saw q\d … and 7 lines more", progress.notes[0])


def test_a_file_read_while_running_must_be_named(filled):
    filled.write("labelers/words.txt", "tall")
    text = """
        from pathlib import Path
        from ovt import labeling_function
        @labeling_function("Intent"{resources})
        def reader(r):
            return "height" if Path(__file__).with_name("words.txt").read_text() in r.query else None
        """
    filled.write("labelers/a.py", text.format(resources=""))
    error = fail(filled)
    assert '`reader` reads "labelers/words.txt"' in error.what
    assert 'resources=["labelers/words.txt"]' in error.fix
    filled.write("labelers/a.py", text.format(resources=', resources=["labelers/words.txt"]'))
    assert apply(filled).answers["reader"].items.tolist() == [0, 3, 4, 7]
    filled.write("labelers/words.txt", "president")
    assert apply(filled).answers["reader"].items.tolist() == [2, 6]


def test_tags_enter_the_key_of_functions_that_read_them_and_of_no_other(filled):
    filled.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function("Intent")
        def dated(r): return "age" if "old" in r.tags else None
        @labeling_function("Intent")
        def plain(r): return "age"
        """)
    table = filled.root / "build/tags.parquet"
    assert apply(filled, tags=TagTable.load(table)).answers["dated"].items.tolist() == []
    filled.write("tags/t.jsonl", '{"id": "q1", "tags": ["old"]}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "MIN_RECORDS", 2)
        patch.setattr(store_writer, "MAX_RECORDS", 2)
        filled.compiled()
    after = apply(filled, tags=TagTable.load(table))
    assert (after.stats.ran, after.stats.cached) == (1, 7)
    assert after.answers["dated"].items.tolist() == [1]


def test_an_import_in_a_body_works_while_the_function_runs(filled):
    filled.write("labelers/words.py", "TALL = 'tall'\n")
    filled.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function("Intent")
        def lazy(r):
            from words import TALL
            return "height" if TALL in r.query else None
        """)
    assert apply(filled).answers["lazy"].items.tolist() == [0, 3, 4, 7]


def test_a_broken_cache_file_is_made_again(filled):
    write_many(filled, 1)
    apply(filled)
    for number, path in enumerate(sorted((filled.root / ".ovt/cache/votes").rglob("*/*/*"))):
        path.write_bytes(path.read_bytes()[:number * 5])
    after = apply(filled)
    assert after.stats.ran == 4
    assert after.answers["f00"].items.tolist() == [0, 3, 4, 7]


def test_answers_survive_the_cache(tmp_path):
    cache = AnswerCache(tmp_path)
    answers = Answers.of([0, 1, 1, 9], ["a", "b", -1, "a"])
    cache.write(tmp_path / "x", answers)
    back = cache.read(tmp_path / "x")
    assert (back.items.tolist(), back.labels.tolist(), back.table) == ([0, 1, 1, 9], [0, 1, 2, 0], ("a", "b", -1))
    assert Answers.joined([back, back.shifted(10)]).items.tolist() == [0, 1, 1, 9, 10, 11, 11, 19]
    assert Answers.joined([]).items.tolist() == []


def test_try_functions_returns_failures(filled):
    filled.write("labelers/a.py", FAILING)
    functions = discover(filled.project, "labeling")
    applied = try_functions(filled.project, opened(filled), functions, Silent())
    assert list(applied.failures) == ["bad"]
    assert len(applied.answers["good"].items) == 8


def test_only_payloads_that_are_touched_are_decoded(filled, monkeypatch):
    from ovt.data.view import Rows

    store = opened(filled)
    rows = Rows(store, 0, 2)
    first, second = rows
    assert rows.touched == set()
    assert (first.id, second.query) == ("q0", "how old is he")
    assert rows.touched == {"query"}
    _ = first.tokens
    assert rows.touched == {"query", "tokens"}


def test_a_function_opens_no_column_that_it_does_not_touch(filled, tmp_path):
    import subprocess
    import sys

    filled.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function("Intent")
        def f(r): return "height" if "tall" in r.query else None
        """)
    code = ("import sys; opened = []; sys.addaudithook(lambda event, a: event == 'open' and opened.append(str(a[0])))\n"
            "from pathlib import Path; import pyarrow as pa; real = pa.memory_map\n"
            "pa.memory_map = lambda path, *rest: (opened.append(path), real(path, *rest))[1]\n"
            "from ovt.project import Project; from ovt.data.store import Store; from ovt.data.view import Rows\n"
            "from ovt.functions.discover import discover; from ovt.functions.processes.passes import Asked, run_pass\n"
            "project = Project(Path(sys.argv[1])); store = Store.open(project.build / 'store')\n"
            "(function,) = discover(project, 'labeling'); opened.clear(); rows = Rows(store, 0, 2)\n"
            "run_pass(Asked(function, store), rows, rows, {}, memoryview(bytearray(16)).cast('q'))\n"
            "print('\\n'.join(path for path in opened if 'store' in path))")
    done = subprocess.run([sys.executable, "-c", code, str(filled.root)], capture_output=True, text=True, check=True)
    assert [line.rpartition("store/")[2] for line in done.stdout.split()] == ["query/text.arrow"]


def test_nothing_of_a_cached_function_is_run_or_read_but_its_answers(filled, monkeypatch):
    write_many(filled, 3)
    apply(filled)
    monkeypatch.setattr("ovt.functions.processes.running.run_missing", None)
    store = opened(filled)
    monkeypatch.setattr(type(store), "texts", None)
    functions = discover(filled.project, "labeling")
    applied = try_functions(filled.project, store, functions, Silent())
    assert applied.answers["f00"].items.tolist() == [0, 3, 4, 7]
    assert not store._columns


def test_the_cache_is_pruned_by_use(filled):
    write_many(filled, 3)
    apply(filled)
    folders = sorted((filled.root / ".ovt/cache/votes").glob("*/*"))
    assert len(folders) == 3
    oldest = folders[1]
    import os

    for age, folder in enumerate([oldest, folders[0], folders[2]]):
        os.utime(folder, ns=(age, age))
    size = sum(path.stat().st_size for path in oldest.iterdir())
    cache = AnswerCache(filled.project.cache)
    total = sum(path.stat().st_size for folder in folders for path in folder.iterdir())
    assert cache.prune(total) == 0
    assert cache.prune(total - 1) == size
    assert not oldest.exists()
    used = AnswerCache(filled.project.cache)
    (place,) = list(folders[0].glob("*"))[:1]
    assert used.read(place) is not None
    used.prune(0)
    assert (folders[0].exists(), folders[2].exists()) == (True, False)


def test_limits_are_read_and_are_no_part_of_a_version(filled):
    before = filled.project.settings.tracked()
    filled.write("ovt.yaml", "errors: {seconds: 5, memory: 1.5 GB}\n")
    settings = filled.project.settings
    assert (settings.errors.seconds, settings.errors.memory_bytes()) == (5.0, 3 << 29)
    assert settings.tracked() == before
    assert set(before["errors"]) == {"bad_records"}
    for wrong in ("seconds: 0", "memory: lots", "memory: 5"):
        filled.write("ovt.yaml", f"errors: {{{wrong}}}\n")
        with pytest.raises(ProjectError):
            filled.project.settings.errors.memory_bytes()
