"""A screen of tabs, each with a table: which has the keys, and what is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static, TabbedContent, TabPane, Tabs

from ovt_tui.screens.view import Copied, View

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

    from ovt_tui.widgets.table import LineTable

SHORT = 30
"""Lines of a terminal below which what stands under a table takes less room."""


class Pane(Protocol):
    """What a tab has, so that the screen can give it the keys and copy from it."""

    table: LineTable[Any]

    def row_text(self) -> str:
        """The highlighted row in one line."""

    def table_cells(self) -> Copied:
        """The table shown."""


class TabsScreen(View[None]):
    """A title, what it is about in words, and the tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "tab(1)", "next tab", id="next_tab"),
        Binding("h,left", "tab(-1)", "previous tab", show=False, id="previous_tab"),
    ]

    def __init__(self, title: str, about: str, panes: dict[str, Widget]) -> None:
        super().__init__()
        self._texts = (title, about)
        self._panes = panes

    def compose(self) -> ComposeResult:
        """The first tab is open."""
        title, about = self._texts
        yield Static(title, id="title", markup=False)
        yield Static(about, id="detail", markup=False)
        with TabbedContent(initial=next(iter(self._panes))):
            for number, (name, pane) in enumerate(self._panes.items(), start=1):
                with TabPane(f"{number} {name}", id=name):
                    yield pane
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The keys belong to the table of the open tab, never to the row of tabs."""
        self.query_one(Tabs).can_focus = False

    def on_resize(self) -> None:
        """A short terminal has less room under the tables."""
        self.set_class(self.size.height < SHORT, "-short")

    @property
    def _pane(self) -> Pane:
        return cast("Pane", self._panes[self.query_one(TabbedContent).active])

    def action_tab(self, step: int) -> None:
        """The next tab in a direction, around the end."""
        names = list(self._panes)
        active = self.query_one(TabbedContent).active
        self.action_show_tab(names[(names.index(active) + step) % len(names)])

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


def tab_keys(names: tuple[str, ...]) -> list[BindingType]:
    """A tab by its number."""
    return [Binding(str(number), f"show_tab('{name}')", name, show=False, id=f"tab_{name}")
            for number, name in enumerate(names, start=1)]
