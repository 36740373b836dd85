"""The table: only what is on the screen is drawn, keys and mouse move the highlight, wide text is cut by cells."""

from __future__ import annotations

import time

import pytest
from textual.app import App

from ovt_tui.columns import Cell, Column
from ovt_tui.widgets.table import LineTable, clip


class Rows(LineTable[int]):
    """Counts how many rows became cells."""

    def __init__(self, count: int) -> None:
        self.drawn: list[int] = []
        super().__init__([Column("a", "number", 8, right=True), Column("b", "word", 6, grow=4)], self._numbers, id="rows")
        self.count = count

    def _numbers(self, row: int, _) -> dict[str, Cell]:
        self.drawn.append(row)
        return {"a": Cell(str(row)), "b": Cell(f"w{row}", "bad")}

    def on_mount(self) -> None:
        self.show(range(self.count))
        self.focus()


class TableApp(App[None]):
    """One table; keeps what it was told."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.table = Rows(count)
        self.heard: list[tuple[str, object]] = []

    def compose(self):
        yield self.table

    def on_line_table_selected(self, event) -> None:
        self.heard.append(("selected", event.table.current))

    def on_line_table_heading_clicked(self, event) -> None:
        self.heard.append(("heading", event.key))


async def test_a_hundred_thousand_rows_cost_what_is_on_the_screen():
    app = TableApp(100_000)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.table.drawn.clear()
        start = time.perf_counter()
        app.table.action_jump(-1)
        await pilot.pause()
        assert time.perf_counter() - start < 2  # the pilot waits too; drawing all rows takes far longer
        assert app.table.current == 99_999
        assert set(app.table.drawn) <= set(range(99_999 - 19, 100_000))
        await pilot.press("g")
        assert app.table.current == 0


async def test_the_highlight_is_always_in_view():
    app = TableApp(200)
    async with app.run_test(size=(60, 11)) as pilot:
        for key, expected in (("pagedown", 10), ("ctrl+d", 15), ("pagedown", 25), ("k", 24), ("ctrl+u", 19), ("G", 199)):
            await pilot.press(key)
            assert app.table.cursor == expected
            await pilot.pause()
            assert app.table.scroll_y <= expected < app.table.scroll_y + 10


async def test_a_click_highlights_a_double_click_enters_a_heading_tells_its_column():
    app = TableApp(50)
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.click("#rows", offset=(5, 4))
        assert app.table.current == 3
        assert app.heard == []
        await pilot.click("#rows", offset=(5, 4), times=2)
        assert app.heard == [("selected", 3)]
        await pilot.press("G")
        await pilot.click("#rows", offset=(12, 0))
        await pilot.click("#rows", offset=(5, 0))
        assert app.heard[1:] == [("heading", "b"), ("heading", "a")]
        await pilot.click("#rows", offset=(5, 1))
        assert app.table.current == 40


async def test_a_click_below_the_last_row_does_nothing():
    app = TableApp(2)
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.click("#rows", offset=(5, 8))
        assert app.table.cursor == 0
        await pilot.press("enter")
        assert app.heard == [("selected", 0)]


async def test_an_empty_table_has_no_current_row():
    app = TableApp(0)
    async with app.run_test(size=(60, 11)) as pilot:
        await pilot.press("j", "G", "g", "enter")
        assert app.table.current is None
        assert app.heard == []


@pytest.mark.parametrize(
    ("text", "width", "right", "shown"),
    [
        ("abc", 5, False, "abc  "), ("abc", 5, True, "  abc"), ("abcdef", 5, False, "abcd…"), ("abcdef", 1, False, "…"),
        ("日本語", 6, False, "日本語"), ("日本語", 5, False, "日本…"), ("日本語", 4, False, "日… "), ("a\nb", 4, False, "a b "),
        ("", 3, False, "   "),
    ],
)
def test_clip(text, width, right, shown):
    assert clip(text, width, right=right) == shown
