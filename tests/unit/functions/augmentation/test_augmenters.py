"""Transformation functions and generators: their decorators, which files are theirs, who their parents are."""

from __future__ import annotations

import pytest

from ovt import generator, transformation_function
from ovt.errors import ProjectError
from ovt.functions.augmentation.augment_options import AugmentOptions
from ovt.functions.augmentation.augmenters import discover_augmenters, number_of
from ovt.functions.augmentation.augmenting_files import augmenting_inputs
from ovt.stages.pipeline import stage_specs

HEAD = "from ovt import generator, labeling_function, transformation_function\n"


def found(bench, text, name="labelers/aug.py"):
    bench.write(name, HEAD + text)
    return discover_augmenters(bench.project)


@pytest.mark.parametrize(("options", "why"), [
    ({"labels": "keep"}, "`labels` is"), ({"per": 0}, "`per` is"), ({"per": True}, "`per` is"), ({"where": 0.0}, "above 0"),
    ({"where": {"slize": "x"}}, "`where` is"), ({"where": ""}, "`where` is"), ({"where": {"probability": 2}}, "at most 1"),
    ({"max_records": -1}, "`max_records` is"),
])
def test_an_option_without_meaning_is_refused(options, why):
    with pytest.raises(TypeError, match=why):
        transformation_function(**options)


def test_a_generator_cannot_carry():
    with pytest.raises(TypeError, match="no parent"):
        generator(labels="carry")
    with pytest.raises(TypeError, match="no parent"):
        generator(labels={"Intent": "carry"})


@pytest.mark.parametrize("decorator", [transformation_function, generator])
def test_the_parentheses_are_asked_for(decorator):
    with pytest.raises(TypeError, match="with parentheses"):
        decorator(lambda r: r)


def test_options_by_task():
    options = AugmentOptions({"Intent": "carry", "POS": "relabel", "Topics": ["food"]})
    assert [options.mode(task) for task in ("Intent", "POS", "Topics", "Kind")] == ["carry", "relabel", "relabel", "relabel"]
    assert options.own_labels() == {"Topics": ["food"]}
    assert AugmentOptions().plain() == {}


def test_what_is_found(bench):
    swap, tall = found(bench, """
@transformation_function(where={"tag": "odd", "probability": 0.5}, per=2)
def swap(r, random):
    return r
@generator("tall")
def anything():
    yield {}
@labeling_function(task="Intent")
def lf(r):
    return None
""")
    assert (swap.name, swap.has_parents, swap.takes_random, swap.tag, swap.options.per) == ("swap", True, True, "odd", 2)
    assert (tall.name, tall.has_parents, tall.takes_random) == ("tall", False, False)
    assert tall.options == AugmentOptions("relabel")


@pytest.mark.parametrize(("signature", "expected"), [
    ("r", False), ("r, random", True), ("r, dice", True), ("r, n=3", False), ("r, rng=None", True), ("r, *, random", False),
])
def test_who_is_given_randomness(bench, signature, expected):
    [one] = found(bench, f"@transformation_function()\ndef f({signature}):\n    return r\n")
    assert one.takes_random is expected


def test_a_comment_changes_no_definition_and_code_or_an_option_does(bench):
    def definition(text):
        return found(bench, text)[0].definition

    first = definition("@transformation_function()\ndef f(r):\n    return {'query': 'x'}\n")
    assert definition("# why\n\n@transformation_function()\ndef f(r):\n    '''Told.'''\n    return {'query': 'x'}\n") == first
    assert definition("@transformation_function(per=2)\ndef f(r):\n    return {'query': 'x'}\n") != first
    assert definition("@transformation_function()\ndef f(r):\n    return {'query': 'y'}\n") != first


@pytest.mark.parametrize(("text", "what", "fix"), [
    ("@generator('gold')\ndef f():\n    yield {}\n", "has the name of the gold source", "rename"),
    ("@generator(labels={'Intnt': 'age'})\ndef f():\n    yield {}\n", "names an unknown task", "did you mean `Intent`?"),
    ("@generator(resources=['labelers/none.txt'])\ndef f():\n    yield {}\n", "resource of `f` is missing", "paths from"),
    ("@transformation_function(where={'slice': 'nutrition'})\ndef f(r):\n    return r\n", "names no slice", ""),
    ("@generator()\ndef f():\n    yield {}\n@transformation_function('f')\ndef g(r):\n    return r\n", "two functions", "rename"),
    ("@generator(labels=3)\ndef f():\n    yield {}\n", "cannot be imported", "mend"),
])
def test_a_bad_setup_is_told_with_its_place(bench, text, what, fix):
    with pytest.raises(ProjectError) as raised:
        found(bench, text)
    assert what in raised.value.what
    assert raised.value.at.startswith("labelers/aug.py:")
    assert fix in (raised.value.fix or "")


def test_it_belongs_into_labelers(bench):
    bench.write("slices/aug.py", HEAD + "@generator()\ndef f():\n    yield {}\n")
    bench.records({"payloads": {"query": "x"}})
    with pytest.raises(ProjectError, match=r"generator function `f` is in slices/"):
        bench.compiled()


def test_compile_depends_on_the_files_that_make_records_and_on_no_other(bench):
    bench.records({"payloads": {"query": "x"}})
    bench.write("labelers/other.py", "from ovt import labeling_function\n@labeling_function(task='Intent')\ndef lf(r):\n    return None\n")
    bench.write("labelers/words.yaml", "- {name: kw, task: Intent, keyword: [old], label: age}\n")
    assert augmenting_inputs(bench.project) == ()
    before = stage_specs(bench.project)["compile"].inputs
    bench.write("labelers/synonyms.tsv", "tall\thigh\n")
    bench.write("labelers/people.txt", "king\n")
    bench.write("labelers/common.py", "from pathlib import Path\nTABLE = Path(__file__).with_name('synonyms.tsv').read_text()\n")
    bench.write("labelers/aug.py", "import ovt\nfrom .common import TABLE\n@ovt.transformation_function()\ndef f(r):\n    return TABLE and None\n")
    bench.write("labelers/uses.py", "from labelers.aug import f\n")
    bench.write("labelers/gen.yaml", "t: {template: 'the {who}', slots: {who: people.txt}}\n")
    inputs = augmenting_inputs(bench.project)
    assert inputs == ("labelers/aug.py", "labelers/common.py", "labelers/gen.yaml", "labelers/people.txt",
                      "labelers/synonyms.tsv", "labelers/uses.py")
    after = stage_specs(bench.project)["compile"].inputs
    assert set(after) - set(before) == set(inputs)
    assert [one.name for one in discover_augmenters(bench.project)] == ["f", "t"]


def test_a_file_that_no_input_names_is_refused(bench):
    bench.write("labelers/a.txt", "x")
    with pytest.raises(ProjectError) as raised:
        found(bench, "class Words:\n    def __init__(self):\n        with open(__file__[:-6] + 'a.' + 'txt') as file:\n"
                     "            self.text = {file.read()}\nWORDS = Words()\n"
                     "@generator(resources=['labelers/a.' + 'txt'])\ndef f():\n    yield {'query': str(WORDS)}\n")
    assert "reads `labelers/a.txt`" in raised.value.what
    assert 'resources=["labelers/a.txt"]' in raised.value.fix


def test_a_probability_is_a_hash_of_the_id(bench):
    [half] = found(bench, "@transformation_function(where=0.5)\ndef f(r):\n    return r\n")
    drawn = [half.draws(f"q{number}") for number in range(2000)]
    assert 900 < sum(drawn) < 1100
    assert drawn == [half.draws(f"q{number}") for number in range(2000)]
    assert number_of("a", "b") != number_of("ab", "")
