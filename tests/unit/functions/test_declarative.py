"""Functions in YAML: what they find, for every kind of task, and what is wrong with them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ovt.data.view import Member
from ovt.errors import ProjectError
from ovt.functions.discover import discover


class Record(SimpleNamespace):
    """A record as functions see it, without a store."""

    def __getitem__(self, name):
        return getattr(self, name)


RECORD = Record(
    id="q-1", tokens=["How", "tall", "is", "the", "Vice", "President"], query="How tall is the Vice President?",
    entities=[Member({"id": "Height", "range": [1, 2]}), Member({"id": "Vice_President", "range": [4, 6]}),
              Member({"id": "X", "name": "the president"})],
    device="phone", tags=["train", "food"],
)


def answer(bench, entry, record=RECORD, kind="labeling"):
    folder = "labelers" if kind == "labeling" else "slices"
    bench.write(f"{folder}/f.yaml", f"- {entry}\n")
    return discover(bench.project, kind)[0].call(record)


@pytest.mark.parametrize(("entry", "expected"), [
    ("{name: f, task: Intent, keyword: [TALL, high], label: height}", "height"),
    ("{name: f, task: Intent, keyword: tal, label: height}", None),
    ("{name: f, task: Intent, keyword: vice president, label: president}", "president"),
    ("{name: f, task: Intent, keyword: tall, label: height, field: tokens}", "height"),
    ("{name: f, task: Intent, regex: 'tall|old', label: height}", "height"),
    ("{name: f, task: Intent, regex: 'TALL', label: height}", None),
    ("{name: f, task: Intent, regex: '(?i)TALL', label: height}", "height"),
    ("{name: f, task: Intent, regex: '^tall', label: height, field: tokens}", None),
    ("{name: f, task: Intent, dictionary: {tall: height, vice president: president}}", "president"),
    ("{name: f, task: Intent, dictionary: [tall, high], label: height}", "height"),
    ("{name: f, task: Intent, keyword: phone, label: age, field: device}", "age"),
    ("{name: f, task: Intent, keyword: height, label: height, field: entities}", "height"),
    ("{name: f, task: Topics, keyword: president, label: [people, food]}", ["people", "food"]),
    ("{name: f, task: Topics, dictionary: {president: people, tall: food}}", ["food", "people"]),
    ("{name: f, task: Slots, dictionary: {vice president: title, president: title}}", [(4, 6, "title")]),
    ("{name: f, task: Slots, regex: 'Vice P', label: title}", [(4, 6, "title")]),
    ("{name: f, task: POS, keyword: [tall, old], label: ADJ}", [(1, 2, "ADJ")]),
    ("{name: f, task: POS, keyword: nothing, label: ADJ}", []),
    ("{name: f, task: EntityType, keyword: president, label: title}", {5: ["title"]}),
    ("{name: f, task: Kind, keyword: [president], label: person}", {1: "person", 2: "person"}),
    ("{name: f, task: Traits, dictionary: {president: office, vice: living}}", {1: ["office", "living"], 2: ["office"]}),
    ("{name: f, task: IntentArg, keyword: president}", 1),
    ("{name: f, task: IntentArg, keyword: [the president]}", 2),
    ("{name: f, task: IntentArg, keyword: nobody}", None),
    ("{name: f, task: IntentArg, keyword: tall, label: Height}", "Height"),
    ("{name: f, task: IntentArg, keyword: tall, label: Nowhere}", None),
    ("{name: f, task: IntentArg, keyword: tall, label: 2}", 2),
    ("{name: f, task: IntentArg, keyword: tall, label: 7}", None),
])
def test_what_is_found(bench, entry, expected):
    found = answer(bench, entry)
    if isinstance(expected, dict) and expected.get(1) == ["office", "living"]:
        found = {position: sorted(labels, reverse=True) for position, labels in found.items()}
    assert found == expected


def test_null_payloads_abstain(bench):
    null = Record(id="q", tokens=None, query=None, entities=None, device=None, tags=[])
    for entry in ("{name: f, task: Intent, keyword: tall, label: height}",
                  "{name: f, task: Intent, keyword: tall, label: height, field: tokens}",
                  "{name: f, task: IntentArg, keyword: tall}", "{name: f, task: IntentArg, keyword: x, label: y}"):
        assert answer(bench, entry, null) is None
    assert answer(bench, "{name: f, task: Kind, keyword: tall, label: person}", null) == {}


def test_a_null_text_is_read_from_its_tokens(bench):
    record = Record(query=None, tokens=["how", "tall"])
    assert answer(bench, "{name: f, task: Intent, keyword: tall, label: height}", record) == "height"


@pytest.mark.parametrize(("entry", "member"), [
    ("{name: nutrition, tag: food}", True),
    ("{name: nutrition, tag: drink}", False),
    ("{name: salad, slice: nutrition, regex: '\\bPresident\\b', field: query}", True),
    ("{name: nutrition, keyword: [salad]}", False),
    ("{name: nutrition, dictionary: [tall]}", True),
])
def test_slices(bench, entry, member):
    assert bool(answer(bench, entry, kind="slicing")) is member


def test_a_file_may_map_names_to_functions(bench):
    bench.write("slices/s.yaml", "nutrition: {tag: food}\nlong: {regex: '.{30}'}\n")
    found = {function.name: function for function in discover(bench.project, "slicing")}
    assert list(found) == ["long", "nutrition"]
    assert found["nutrition"].slice == "nutrition"
    assert found["nutrition"].reads_tags
    assert found["long"].at == "slices/s.yaml:2"


@pytest.mark.parametrize(("name", "text", "label"), [
    ("d.json", '{"tall": "height"}', ""),
    ("d.yaml", "tall: height\n", ""),
    ("d.yaml", "- tall\n", "label: height"),
    ("d.csv", "tall,height\nold,age\n", ""),
    ("d.tsv", "tall\theight\n\n", ""),
    ("d.txt", "high\ntall\n", "label: height"),
])
def test_dictionaries_in_files(bench, name, text, label):
    for place in (name, f"labelers/{name}"):
        bench.write(f"labelers/words/{name}", text)
        entry = f"{{name: f, task: Intent, dictionary: {place.replace(name, 'words/' + name)}, {label}}}"
        assert answer(bench, entry) == "height"


def test_the_content_of_a_dictionary_is_part_of_the_key(bench):
    bench.write("labelers/d.txt", "tall\n")
    bench.write("labelers/f.yaml", "- {name: f, task: Intent, dictionary: d.txt, label: height}\n")
    before = discover(bench.project, "labeling")[0].key
    bench.write("labelers/d.txt", "tall\n\n")
    assert discover(bench.project, "labeling")[0].key == before
    bench.write("labelers/d.txt", "tall\nhigh\n")
    assert discover(bench.project, "labeling")[0].key != before


@pytest.mark.parametrize(("text", "line", "fix"), [
    ("- name: f\n  task: Intent\n  keywords: tall\n  label: height\n", 3, "`keyword`"),
    ("- name: f\n  task: Intend\n  keyword: tall\n  label: height\n", 2, "`Intent`"),
    ("- name: f\n  task: Intent\n  keyword: tall\n  label: height\n  field: quary\n", 5, "`query`"),
    ("- name: f\n  task: Intent\n  keyword: tall\n", 1, "label"),
    ("- name: f\n  task: Intent\n  label: height\n", 1, "exactly one"),
    ("- name: f\n  task: Intent\n  regex: tall\n  keyword: tall\n  label: height\n", 1, "exactly one"),
    ("- name: f\n  task: Intent\n  regex: '('\n  label: height\n", 3, "mend"),
    ("- name: f\n  task: Intent\n  keyword: []\n  label: height\n", 3, "[tall, height]"),
    ("- name: f\n  task: Intent\n  keyword: tall\n  label: true\n", 4, "quote"),
    ("- name: f\n  task: Slots\n  keyword: tall\n  label: B-title\n", 4, "label: title"),
    ("- name: f\n  task: POS\n  keyword: tall\n  label: ADJ\n  field: query\n", 5, "field: tokens"),
    ("- name: f\n  task: Intent\n  keyword: 3\n  label: age\n  field: age\n", 5, "Python"),
    ("- name: f\n  task: Intent\n  dictionary: {tall: }\n", 3, "label"),
    ("- name: f\n  task: Intent\n  dictionary: nowhere.txt\n  label: age\n", 3, "path"),
    ("- task: Intent\n  keyword: tall\n  label: height\n", 1, "name"),
    ("- name: f\n  keyword: tall\n  label: height\n", 1, "task"),
    ("- f\n", 1, "{name"),
    ("just text\n", 1, "- {name"),
])
def test_what_is_wrong_is_told_by_line(bench, text, line, fix):
    bench.write("labelers/f.yaml", text)
    with pytest.raises(ProjectError) as caught:
        discover(bench.project, "labeling")
    assert caught.value.at == f"labelers/f.yaml:{line}"
    assert fix in caught.value.fix


def test_a_dictionary_outside_of_the_declared_folders_is_refused(bench):
    bench.write("words.txt", "tall\n")
    bench.write("labelers/f.yaml", "- {name: f, task: Intent, dictionary: words.txt, label: height}\n")
    with pytest.raises(ProjectError, match=r"words\.txt"):
        discover(bench.project, "labeling")
    bench.write("ovt.yaml", "code: [words.txt]\n")
    assert discover(bench.project, "labeling")[0].call(RECORD) == "height"
