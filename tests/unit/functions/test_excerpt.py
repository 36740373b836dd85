"""The text of one function is what `list_functions` points at."""

from __future__ import annotations

from ovt.functions.excerpt import excerpt
from ovt.functions.listing import list_functions

PYTHON = b'''"""Rules."""
from ovt import labeling_function
WORDS = {"tall"}


@labeling_function(
    task="Intent",
)
@other
def first(r):
    """Say it."""

    return "a" if WORDS else None

# about the second one
@labeling_function(task="Intent", name="two")
async def second(r):
    return None
'''
YAML = b"""# rules
- {name: one, task: Intent, keyword: [tall], label: height}
- name: two
  task: Intent
  # inside
  regex: how old

# about the third
- {name: three, task: Intent, keyword: [eat], label: food}
"""
MAPPING = b"one: {keyword: [a]}   # told\ntwo:\n  tag: b\n"


def cut(path: str, content: bytes) -> dict[str, list[str]]:
    listing = list_functions({path: content})
    return {name: excerpt(path, content, place.line) for name, place in {**listing.labeling, **listing.slicing}.items()}


def test_python_functions_from_their_first_decorator_to_their_last_line():
    found = cut("labelers/a.py", PYTHON)
    assert found["first"] == PYTHON.decode().splitlines()[5:13]
    assert found["two"] == PYTHON.decode().splitlines()[15:]


def test_yaml_entries_without_what_stands_above_the_next():
    found = cut("labelers/a.yaml", YAML)
    assert found["one"] == ["- {name: one, task: Intent, keyword: [tall], label: height}"]
    assert found["two"] == ["- name: two", "  task: Intent", "  # inside", "  regex: how old"]
    assert found["three"] == ["- {name: three, task: Intent, keyword: [eat], label: food}"]


def test_slices_by_name():
    assert cut("slices/a.yaml", MAPPING) == {"one": ["one: {keyword: [a]}   # told"], "two": ["two:", "  tag: b"]}


def test_what_cannot_be_parsed_goes_to_the_end_of_the_file():
    assert excerpt("labelers/a.py", b"x\ndef f(:\n  y", 2) == ["def f(:", "  y"]
    assert excerpt("labelers/a.yaml", b"a: [\nb", 1) == ["a: [", "b"]
    assert excerpt("labelers/a.py", b"x = 1\ny = 2\n", 1) == ["x = 1", "y = 2"]
