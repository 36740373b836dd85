"""One slice of one task: its flips, its confusion, its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static, TabbedContent, TabPane, Tabs

from ovt_tui import wording
from ovt_tui.screens.confusion import ConfusionPane
from ovt_tui.screens.flips import FlipsPane
from ovt_tui.screens.sources import SourcesPane
from ovt_tui.screens.view import Copied, View

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from ovt.quality.slicediff import SliceRow
    from ovt_tui.gateway import Gateway
    from ovt_tui.widgets.table import LineTable

TABS = ("flips", "confusion", "sources")


class Pane(Protocol):
    """What a tab has, so that the screen can give it the keys and copy from it."""

    table: LineTable[Any]

    def row_text(self) -> str:
        """The highlighted row in one line."""

    def table_cells(self) -> Copied:
        """The table shown."""


class SliceScreen(View[None]):
    """Tabs over the panes; the row of the slice table stands on top, in words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "tab(1)", "next tab", id="next_tab"),
        Binding("h,left", "tab(-1)", "previous tab", show=False, id="previous_tab"),
        *(Binding(str(number), f"show_tab('{name}')", name, show=False, id=f"tab_{name}")
          for number, name in enumerate(TABS, start=1)),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, row: SliceRow) -> None:
        super().__init__()
        self._row = row
        self._pair = (a, b)
        where = (gateway, a, b)
        self._panes: dict[str, Widget] = {
            "flips": FlipsPane(*where, row),
            "confusion": ConfusionPane(*where, row),
            "sources": SourcesPane(*where, row.task),
        }

    def compose(self) -> ComposeResult:
        """The row, the tabs."""
        yield Static(f"ovt  {self._pair[0]} → {self._pair[1]}", id="title", markup=False)
        yield Static(wording.detail(self._row), id="detail", markup=False)
        with TabbedContent(initial="flips"):
            for number, name in enumerate(TABS, start=1):
                with TabPane(f"{number} {name}", id=name):
                    yield self._panes[name]
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The keys belong to the table of the open tab, never to the row of tabs."""
        self.query_one(Tabs).can_focus = False

    @property
    def _pane(self) -> Pane:
        return cast("Pane", self._panes[self.query_one(TabbedContent).active])

    def action_tab(self, step: int) -> None:
        """The next tab in a direction, around the end."""
        active = self.query_one(TabbedContent).active
        self.action_show_tab(TABS[(TABS.index(active) + step) % len(TABS)])

    def action_show_tab(self, name: str) -> None:
        """Open a tab."""
        self.set_focus(None)  # else the keys go to a sibling of the hidden table, and its tab opens again
        self.query_one(TabbedContent).active = name

    def on_tabbed_content_tab_activated(self) -> None:
        """Give the keys to what is shown now, unless it is still being read: then it takes them itself."""
        if self._pane.table.display:
            self.set_focus(self._pane.table)

    def row_text(self) -> str:
        """From the open tab."""
        return self._pane.row_text()

    def table_cells(self) -> Copied:
        """From the open tab."""
        return self._pane.table_cells()
