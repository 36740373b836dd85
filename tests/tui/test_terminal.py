"""The app in a real terminal (tmux), driven by keys, judged by what is on the screen."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake.py")
ROOT = Path(__file__).parents[2]
PATIENCE = 30
"""Seconds that a screen may take on a busy machine; a test waits only as long as it must."""
GREY = re.compile(r"\x1b\[[0-9;]*?(?:38|48);2;(\d+);(\d+);(\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*?m")

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A tmux server of its own, with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, "-f", os.devnull, *arguments], capture_output=True, text=True,
                              check=True)
        return done.stdout

    def start(self, **environment: str) -> None:
        path = os.pathsep.join([str(ROOT), str(ROOT / "tui")])
        given = [f"{name}={value}" for name, value in {"PYTHONPATH": path, "COLORTERM": "truecolor", **environment}.items()]
        command = shlex.join(["env", *given, sys.executable, str(FAKE)])
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", f"{command}; echo the app has ended; sleep 60")

    def screen(self, *options: str) -> str:
        return self.tmux("capture-pane", "-p", *options)

    def wait_for(self, *texts: str) -> str:
        """The screen as soon as it has all of the texts."""
        deadline = time.monotonic() + PATIENCE
        while True:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
            assert time.monotonic() < deadline, f"no {texts} on the screen:\n{shown}"
            time.sleep(0.1)

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    monkeypatch.delenv("TMUX", raising=False)
    found = Terminal(tmp_path)
    yield found
    subprocess.run(["tmux", "-S", str(tmp_path / "tmux"), "kill-server"], capture_output=True, check=False)


def test_a_walk_through_the_app(terminal):
    terminal.start()
    terminal.wait_for("› ▼ regressed", "disambiguation", "░ thin", "▼ 2 regressed")
    terminal.type("/", "n", "u", "t", "r")
    assert "disambiguation" not in terminal.wait_for("1 of 8 rows", "nutrition !", "Intent · nutrition")
    terminal.type("Escape")
    terminal.wait_for("8 of 8 rows")
    terminal.type("s")
    terminal.wait_for("sort name")
    terminal.type("N")
    terminal.wait_for("Intent · disambiguation")
    terminal.type("Enter")
    terminal.wait_for("▼ 2 broken", "0.64 president", "◆ new_lf", "how tall is the president")
    terminal.type("l")
    terminal.wait_for("rows gold, columns predicted", "90 (-6)")
    terminal.type("q")
    terminal.wait_for("8 of 8 rows")
    terminal.type("v")
    terminal.wait_for("pending 40 %", "add salad words")
    terminal.type("q")
    terminal.wait_for("8 of 8 rows")
    terminal.type("?")
    terminal.wait_for("what the signs mean", "◂ ▸")
    terminal.type("q")
    terminal.wait_for("8 of 8 rows")
    terminal.type("q")
    terminal.wait_for("the app has ended")


def test_the_editor_takes_the_terminal_and_gives_it_back(terminal, tmp_path):
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho "edit $1 of $2"\nread answer\n')
    script.chmod(0o755)
    terminal.start(VISUAL=str(script))
    terminal.wait_for("› ▼ regressed")
    terminal.type("Enter")
    terminal.wait_for("▼ 2 broken")
    terminal.type("4")
    terminal.wait_for("slices/a.py:4", "› ")
    terminal.type("e")
    terminal.wait_for("edit +5 of /nowhere/slices/a.py")
    terminal.type("Enter")
    terminal.wait_for("edited in the working tree", "len(r.entities) > 2")


@pytest.mark.parametrize(
    "look", [{"NO_COLOR": "1"}, {"TEXTUAL_COLOR_SYSTEM": "standard"}, {"TEXTUAL_THEME": "textual-light"}],
    ids=["NO_COLOR", "16 colours", "light"],
)
def test_every_look_shows_the_same_text(terminal, look):
    terminal.start(**look)
    shown = terminal.wait_for("› ▼ regressed", "▲ improved", "· unclear", "░ thin", "≠ no compare", "s sort")
    assert "├──●─┤│" in shown
    if "NO_COLOR" in look:
        painted = GREY.findall(terminal.screen("-e"))
        assert painted
        assert all(red == green == blue for red, green, blue in painted)


def test_the_highlighted_row_stands_out_without_colour(terminal):
    terminal.start(NO_COLOR="1")
    terminal.wait_for("› ▼ regressed", "s sort")
    line = next(line for line in terminal.screen("-e").splitlines() if "›" in line)
    styles = COLOUR.findall(line)
    assert any(re.search(r"\[(?:[0-9;]*;)?1[;m]", style) for style in styles), styles  # bold
