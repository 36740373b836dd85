"""The user's own keys: every action has a name, and a file that cannot work says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding

from ovt_tui import keymap
from ovt_tui.screens.view import View

FORBIDDEN = {"ctrl+q", "ctrl+s", "ctrl+z", "ctrl+a"}
"""What terminals and their multiplexers keep for themselves."""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "keys.json"


def test_every_key_of_the_app_has_a_name_but_those_that_move_a_page():
    nameless = {
        (kind.__name__, one.key) for kind in keymap._classes() for one in kind.__dict__.get("BINDINGS", ())
        if isinstance(one, Binding) and not one.id and not one.action.startswith("scroll")
    }
    assert not nameless


def test_no_key_is_one_that_terminals_keep():
    used = {key for keys in keymap.names().values() for text in keys.values() for key in text.split(",")}
    assert not used & FORBIDDEN


def test_no_screen_uses_a_key_twice():
    shared = {key for text in keymap.names()["View"].values() for key in text.split(",")}
    for name, keys in keymap.names().items():
        own = [key for action, text in keys.items() for key in text.split(",") if action not in keymap.names()["View"]]
        assert len(own) == len(set(own)), name
        if name.endswith("Screen") and issubclass_of_view(name):
            assert not set(own) & shared, name


def issubclass_of_view(name: str) -> bool:
    return any(kind.__name__ == name and issubclass(kind, View) for kind in keymap._classes())


def test_without_a_file_nothing_is_wrong(file):
    assert keymap.problems(file) == []


def test_a_good_file_is_silent(file):
    file.write_text('{"filter": "f5", "commit": "f10", "down": "down,j,ctrl+n"}')
    assert keymap.problems(file) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not used"),
        ("[]", "is not used"),
        ('{"fliter": "f5"}', "did you mean `filter`?"),
        ('{"xxxxxxxx": "f5"}', "no action `xxxxxxxx`: ? lists them"),
        ('{"filter": 5}', "the key of `filter` must be a text"),
        ('{"filter": "s"}', "`s` is both filter and sort"),
        ('{"filter": "y"}', "`y` is both copy_row and filter"),
        ('{"help": "j"}', "`j` is both down and help"),
    ],
)
def test_what_is_wrong_is_told(file, text, said):
    file.write_text(text)
    assert said in "\n".join(keymap.problems(file))


def test_a_clash_is_told_once(file):
    file.write_text('{"copy_row": "j"}')
    assert len(keymap.problems(file)) == 1


async def test_the_app_tells_it_and_goes_on(open_app, file):
    file.write_text('{"fliter": "f5", "sort": "f6"}')
    async with open_app(keymap=file) as screen:
        assert any("did you mean `filter`?" in said for said in screen.said())
        assert "sort name" in await screen.press("f6")


def test_the_page_of_the_documentation_names_actions_that_exist():
    page = (Path(__file__).parents[2] / "docs" / "tui.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `") and line.count(" | ") == 2]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row[2])}
    assert len(named) > 30
    assert named <= {name for keys in keymap.names().values() for name in keys}
