"""The home screen, key by key."""

from __future__ import annotations

import json

import pytest


async def test_the_comparison_opens_with_regressions_first(open_app):
    async with open_app() as screen:
        rows = screen.rows()
        assert len(rows) == 8
        assert rows[0].startswith("› ▼ regressed")
        assert "disambiguation" in rows[0]
        assert "0.912 0.851 -0.061" in rows[0]
        assert "▼ 2 regressed  ▲ 1 improved  · 3 unclear  ░ 1 thin  ≠ 1 not comparable" in screen.text
        assert "17 broken, 4 fixed · p 0.0008 · drop beyond the floor of 0.005" in screen.text
        assert "one seed" in screen.text


async def test_the_filter_narrows_as_it_is_typed_and_escape_clears_it(open_app):
    async with open_app() as screen:
        await screen.press("slash", "d")
        assert len(screen.rows()) == 2
        assert "2 of 8 rows" in screen.text
        await screen.press("i")
        assert ["disambiguation" in line for line in screen.rows()] == [True]
        await screen.press("escape")
        assert len(screen.rows()) == 8
        assert screen.app.screen.state.filter == ""


async def test_enter_keeps_the_filter_and_gives_the_keys_back(open_app):
    async with open_app() as screen:
        await screen.press("slash", *"intent rare", "enter")
        assert len(screen.rows()) == 1
        await screen.press("s")  # a key of the table again, not a letter of the filter
        assert screen.app.screen.state.sort == "name"
        await screen.press("escape")
        assert len(screen.rows()) == 8


async def test_a_filter_that_nothing_passes_says_what_to_type(open_app):
    async with open_app() as screen:
        await screen.press("slash", *"zzz")
        assert "No row passes" in screen.text
        assert "esc shows all rows again" in screen.text
        await screen.press("backspace", "backspace", "backspace")
        assert len(screen.rows()) == 8


@pytest.mark.parametrize(
    ("presses", "sort", "first"),
    [(0, "verdict", "disambiguation"), (1, "name", "(all)"), (2, "n", "(all)"), (3, "old", "(all)"),
     (4, "new", "(all)"), (5, "change", "date:2019-09"), (6, "flips", "(all)"), (7, "verdict", "disambiguation")],
)
async def test_s_cycles_the_order(open_app, presses, sort, first):
    async with open_app() as screen:
        await screen.press(*["s"] * presses)
        assert screen.app.screen.state.sort == sort
        assert f"sort {sort}" in screen.text
        assert first in screen.rows()[0]


async def test_the_highlighted_row_stays_highlighted_when_the_order_changes(open_app):
    async with open_app() as screen:
        await screen.press("j", "j", "j")
        assert "nutrition" in screen.here
        await screen.press("s")
        assert "nutrition" in screen.here


async def test_a_click_on_a_heading_sorts_and_a_second_one_reverses(open_app):
    async with open_app() as screen:
        header = next(line for line in screen.lines if "verdict" in line and "slice" in line)
        y = screen.lines.index(header)
        await screen.pilot.click(offset=(header.index(" n ") + 1, y))
        await screen.settle()
        assert (screen.app.screen.state.sort, screen.app.screen.state.reverse) == ("n", False)
        await screen.pilot.click(offset=(header.index(" n ") + 1, y))
        await screen.settle()
        assert screen.app.screen.state.reverse
        assert "rare" in screen.rows()[0]
        assert "sort n reversed" in screen.text


async def test_n_goes_to_the_next_regression_around_the_end_and_shift_n_back(open_app):
    async with open_app() as screen:
        await screen.press("n")
        assert "date:2019-09" in screen.here
        await screen.press("n")
        assert "disambiguation" in screen.here
        await screen.press("N")
        assert "date:2019-09" in screen.here


async def test_n_says_so_where_nothing_regressed(open_app, fake):
    gateway = fake.FakeGateway(diff=fake.make_diff((fake.row("Intent", None),)))
    async with open_app(gateway) as screen:
        await screen.press("n")
        assert "no regressed row is shown" in screen.said()


async def test_r_shows_regressions_alone_and_u_hides_unclear(open_app):
    async with open_app() as screen:
        await screen.press("r")
        assert [line[4:13] for line in screen.rows()] == ["regressed"] * 2
        await screen.press("r", "u")
        assert len(screen.rows()) == 5
        assert not screen.rows("· unclear")
        await screen.press("escape")
        assert len(screen.rows()) == 8


async def test_plus_and_minus_ask_for_more_and_fewer_records(open_app):
    async with open_app() as screen:
        await screen.press("plus")
        assert "n ≥ 10" in screen.text
        assert not screen.rows("░ thin")
        await screen.press("plus", "plus")
        assert len(screen.rows()) == 6
        await screen.press("minus", "minus", "minus", "minus")
        assert len(screen.rows()) == 8


async def test_t_goes_through_the_tasks_and_back_to_all(open_app):
    async with open_app() as screen:
        seen = []
        for _ in range(4):
            await screen.press("t")
            seen.append((screen.app.screen.state.task, len(screen.rows())))
        assert seen == [("EntityType", 2), ("Intent", 4), ("IntentArg", 2), (None, 8)]


async def test_m_goes_through_the_metrics_where_there_is_more_than_one(open_app):
    async with open_app() as screen:
        await screen.press("m")
        assert screen.app.screen.state.metric == "accuracy"
        assert len(screen.rows()) == 6
        await screen.press("m")
        assert screen.app.screen.state.metric == "f1_micro"
        await screen.press("m", "t", "t", "m")  # Intent has one metric
        assert screen.app.screen.state.metric is None
        assert "this task has one metric" in screen.said()


@pytest.mark.parametrize(
    ("keys", "row"),
    [(["j"], 1), (["down", "down"], 2), (["G"], 7), (["end"], 7), (["G", "g"], 0), (["j", "k"], 0), (["G", "up"], 6),
     (["k"], 0), (["G", "j"], 7), (["pagedown"], 7), (["ctrl+d"], 7), (["G", "ctrl+u"], 0), (["G", "home"], 0)],
)
async def test_moving(open_app, keys, row):
    async with open_app() as screen:
        await screen.press(*keys)
        assert screen.app.screen.table.cursor == row
        assert screen.rows()[row].startswith("›")


async def test_x_compares_the_other_way_round(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("x")
        assert [call for call in gateway.calls if call[0] == "compare"] == [
            ("compare", "HEAD~1", "HEAD"), ("compare", "HEAD", "HEAD~1")]
        assert screen.lines[0].startswith(" ovt  HEAD bbbbbbb")


async def test_shift_r_compares_again(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("R")
        assert [call[0] for call in gateway.calls].count("compare") == 2
        assert len(screen.rows()) == 8


async def test_y_copies_the_row_and_shift_y_the_table_of_ovt_diff_as_markdown(open_app):
    async with open_app() as screen:
        await screen.press("y")
        assert screen.app.clipboard.startswith("Intent · disambiguation · accuracy 0.912 → 0.851, -0.061")
        await screen.press("r", "Y")
        lines = screen.app.clipboard.splitlines()
        assert lines[0] == ("| verdict | task | slice | metric | n | old | new | delta | interval | p | broken | fixed "
                            "| why |")
        assert lines[1] == "|" + " --- |" * 13
        assert [line.split(" | ")[:3] for line in lines[2:]] == [
            ["| ▼ regressed", "Intent", "disambiguation"], ["| ▼ regressed", "IntentArg", "date:2019-09"]]


async def test_q_leaves_and_escape_does_not(open_app):
    async with open_app() as screen:
        await screen.press("escape")
        assert screen.app.is_running
        assert "q quits" in screen.said()
        await screen.press("q")
        assert not screen.app.is_running


async def test_the_last_task_metric_and_sort_come_back_and_nothing_else(open_app, tmp_path):
    kept = tmp_path / "tui.json"
    async with open_app(remembered=kept) as screen:
        await screen.press("t", "t", "s", "r", "plus", "slash", "x")
    assert json.loads(kept.read_text()) == {"metric": None, "sort": "name", "task": "Intent"}
    async with open_app(remembered=kept) as screen:
        state = screen.app.screen.state
        assert (state.task, state.sort, state.filter, state.only_regressions) == ("Intent", "name", "", False)
        assert len(screen.rows()) == 4


async def test_a_remembered_task_that_this_comparison_lacks_is_let_go(open_app, tmp_path):
    kept = tmp_path / "tui.json"
    kept.write_text('{"task": "Gone", "metric": "accuracy", "sort": "nonsense"}')
    async with open_app(remembered=kept) as screen:
        assert screen.app.screen.state.task is None
        assert screen.app.screen.state.sort == "verdict"
        assert len(screen.rows()) == 6


async def test_the_history_is_drawn_where_there_is_room_and_dropped_first(open_app):
    async with open_app(size=(120, 36)) as screen:
        assert "last 10" in screen.text
        assert "█▁" in next(line for line in screen.rows() if "disambiguation" in line)
    async with open_app(size=(80, 24)) as screen:
        assert "last 10" not in screen.text
        assert "0.912 0.851 -0.061" in screen.text


async def test_a_resize_fits_the_table_anew(open_app):
    async with open_app(size=(80, 24)) as screen:
        await screen.pilot.resize_terminal(120, 36)
        await screen.settle()
        assert "last 10" in screen.text
        assert "“first version”" in screen.lines[0]


async def test_keys_can_be_given_other_keys(open_app, tmp_path):
    (tmp_path / "keys.json").write_text('{"only_regressions": "f5"}')
    async with open_app(keymap=tmp_path / "keys.json") as screen:
        assert not screen.said()
        await screen.press("r")
        assert len(screen.rows()) == 8
        await screen.press("f5")
        assert len(screen.rows()) == 2
        help_text = "\n".join((await screen.press("question_mark", "G")).splitlines())
        assert "f5" in help_text
        assert "(only_regressions)" in help_text


async def test_a_slash_inside_the_filter_is_a_character(open_app):
    async with open_app() as screen:
        await screen.press("slash", "a", "slash", "b")
        assert screen.app.screen.state.filter == "a/b"


async def test_keys_typed_at_once_after_the_slash_are_letters_of_the_filter(open_app):
    async with open_app() as screen:
        for key in ("slash", "r", "a", "r", "e"):  # no pause in between, as when a person types fast
            screen.app.simulate_key(key)
        await screen.settle()
        state = screen.app.screen.state
        assert (state.filter, state.only_regressions) == ("rare", False)
        for key in ("escape", "r"):
            screen.app.simulate_key(key)
        await screen.settle()
        assert (screen.app.screen.state.filter, screen.app.screen.state.only_regressions) == ("", True)
