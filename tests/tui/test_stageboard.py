"""The lines of a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.project import STAGES
from ovt_tui import stageboard
from ovt_tui.messages import Told


def states(board):
    return [line.state for line in board]


def test_before_it_starts_every_stage_waits():
    board = stageboard.fresh()
    assert [line.name for line in board] == list(STAGES)
    assert set(states(board)) == {"waiting"}


def test_a_stage_that_runs_says_what_became_of_those_before_it():
    board = stageboard.told(stageboard.fresh(), Told("label", "labelers changed"))
    assert states(board) == ["unchanged", "running", "waiting", "waiting"]
    board = stageboard.told(board, Told("train", "epoch 1", 1, 4))
    assert states(board) == ["unchanged", "ran", "running", "waiting"]
    assert stageboard.line_text(board[2]) == "▸ train     running    ▰▰▱▱▱▱▱▱▱▱ 25 %  epoch 1"


def test_what_is_no_stage_gets_a_line_of_its_own():
    board = stageboard.told(stageboard.fresh(), Told("evaluate", "…"))
    board = stageboard.told(board, Told("commit", "recording"))
    assert [line.name for line in board] == [*STAGES, "commit"]
    assert states(board)[-2:] == ["ran", "running"]


def test_at_the_end_each_stage_is_what_the_run_says():
    board = stageboard.ended(stageboard.fresh(), {"compile": "unchanged", "label": "restored", "train": "ran", "evaluate": "ran"})
    assert states(board) == ["unchanged", "restored", "ran", "ran"]


def test_a_stopped_run_says_where_it_stopped():
    board = stageboard.stopped(stageboard.told(stageboard.fresh(), Told("train", "epoch 1", 1, 4)))
    assert states(board) == ["unchanged", "unchanged", "stopped", "waiting"]


@given(st.floats(-1, 2), st.integers(1, 40))
def test_a_bar_is_as_wide_as_asked(share, width):
    drawn = stageboard.bar(share, width).partition(" ")[0]
    assert len(drawn) == width
    assert drawn == "▰" * drawn.count("▰") + "▱" * drawn.count("▱")


@pytest.mark.parametrize(("share", "drawn"), [(0, "▱▱▱▱ 0 %"), (0.5, "▰▰▱▱ 50 %"), (1, "▰▰▰▰ 100 %")])
def test_a_bar(share, drawn):
    assert stageboard.bar(share, 4) == drawn
