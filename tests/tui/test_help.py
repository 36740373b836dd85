"""Help: the effective keys of the screen below, and every sign in words."""

from __future__ import annotations

import pytest

from ovt.quality.slicediff import SIGNS
from ovt_tui.screens.help import HelpScreen


async def test_help_explains_every_sign(open_app):
    async with open_app() as screen:
        text = await screen.press("question_mark")
        for sign, word in zip(SIGNS.values(), ("regressed", "improved", "unclear", "thin", "not comparable"), strict=True):
            assert f"{sign} {word}" in text
        for sign in ("├──●──┤", "◂ ▸", "-12 +3", "◆", "›"):
            assert sign in text


@pytest.mark.parametrize(
    ("keys", "actions"),
    [
        ([], ["filter", "sort", "next_regression", "previous_regression", "only_regressions", "hide_unclear",
              "more_support", "less_support", "task", "metric", "versions", "sources", "swap", "reload", "copy_row",
              "copy_table", "help", "back", "open", "down", "up", "first", "last"]),
        (["enter"], ["only_broken", "only_fixed", "record", "next_tab", "previous_tab", "tab_flips", "back"]),
        (["v"], ["mark", "swap_versions", "reload_versions", "open"]),
        (["S"], ["source_task", "copy_table"]),
    ],
)
async def test_help_lists_the_keys_of_the_screen_below(open_app, keys, actions):
    async with open_app() as screen:
        await screen.press(*keys, "question_mark")
        page = screen.app.screen
        assert isinstance(page, HelpScreen)
        for action in actions:
            assert f"({action})" in page.text()


@pytest.mark.parametrize("key", ["q", "escape", "question_mark"])
async def test_help_closes(open_app, key):
    async with open_app() as screen:
        await screen.press("question_mark", key)
        assert len(screen.rows()) == 8


async def test_help_scrolls_on_a_small_terminal(open_app):
    async with open_app(size=(80, 24)) as screen:
        assert "(last)" not in await screen.press("question_mark")
        assert "(last)" in await screen.press("G")
        assert "what the signs mean" in await screen.press("g")
        await screen.press("j")
        assert "what the signs mean" not in screen.text
        assert "what the signs mean" in await screen.press("k")
