"""Functions told from text: names and lines as `discover` has them, digests that follow the code alone."""

from __future__ import annotations

from ovt.functions.discover import discover
from ovt.functions.listing import list_functions

PYTHON = '''"""Words."""

from ovt import ABSTAIN, labeling_function, slicing_function

TALL = {"tall"}


@labeling_function(task="Intent", name="height/words")
def tall(r):
    """Doc."""
    return "height" if helper(r) else ABSTAIN


def helper(r):
    return TALL & set(r.tokens)


@labeling_function("Intent")
def other(r):
    return ABSTAIN
'''
YAML = """- {name: old, task: Intent, keyword: [old], label: age}

- {name: salad, slice: nutrition, keyword: [salad]}
"""
SLICES = "towers: {tag: towers}\nrare:\n  keyword: [leap]\n"
SLICE_CODE = """from ovt import slicing_function


@slicing_function("leap-day")
def leap(r):
    return True
"""


def files(**changed: str) -> dict[str, bytes]:
    texts = {"labelers/a.py": PYTHON, "labelers/b.yaml": YAML, "slices/s.yaml": SLICES, "slices/s.py": SLICE_CODE}
    return {name: changed.get(name.replace("/", "_").replace(".", "_"), text).encode() for name, text in texts.items()}


def test_names_and_lines_are_those_of_discover(bench) -> None:
    for name, content in files().items():
        bench.write(name, content.decode())
    found = list_functions(files())
    labeling = {function.name: function.at for function in discover(bench.project, "labeling")}
    assert {name: f"{place.path}:{place.line}" for name, place in found.labeling.items()} == labeling
    slicing = {function.slice: function.at for function in discover(bench.project, "slicing")}
    assert {name: f"{place.path}:{place.line}" for name, place in found.slicing.items()} == slicing


def test_a_digest_follows_the_code_it_uses_and_nothing_else() -> None:
    def digests(text: str) -> dict[str, str]:
        return {name: place.digest for name, place in list_functions(files(labelers_a_py=text)).labeling.items()}

    before = digests(PYTHON)
    assert digests(PYTHON.replace("Doc.", "Other.").replace("TALL = ", "\n\nTALL =  ")) == before
    after = digests(PYTHON.replace('{"tall"}', '{"tall", "high"}'))
    assert after["height/words"] != before["height/words"]
    assert after["other"] == before["other"]


def test_files_that_cannot_be_parsed_define_nothing() -> None:
    broken = {"labelers/a.py": b"def (", "labelers/b.yaml": b"- {", "labelers/c.py": b"\xff\xfe", "slices/d.yaml": b"3",
              "labelers/notes.txt": b"x"}
    found = list_functions(broken)
    assert (found.labeling, found.slicing) == ({}, {})
