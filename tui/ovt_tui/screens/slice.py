"""One slice of one task: its flips, its confusion, its sources, its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from ovt_tui import wording
from ovt_tui.screens.confusion import ConfusionPane
from ovt_tui.screens.definition import DefinitionPane
from ovt_tui.screens.flips import FlipsPane
from ovt_tui.screens.sources import SourcesPane
from ovt_tui.screens.tabs import TabsScreen, tab_keys

if TYPE_CHECKING:
    from ovt.quality.slicediff import SliceRow
    from ovt_tui.gateway import Gateway


class SliceScreen(TabsScreen):
    """Tabs over the panes; the row of the slice table stands on top, in words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("E", "errors", "errors", id="errors"),
        *tab_keys(("flips", "confusion", "sources", "definition")),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, row: SliceRow) -> None:
        where = (gateway, a, b)
        super().__init__(f"ovt  {a} → {b}", wording.detail(row), {
            "flips": FlipsPane(*where, row.task, row.slice),
            "confusion": ConfusionPane(*where, row),
            "sources": SourcesPane(*where, row.task, row.slice),
            "definition": DefinitionPane(*where, "slicing", row.slice),
        })
        self._gateway = gateway
        self._row, self._b = row, b

    def action_errors(self) -> None:
        """Where model, sources and gold disagree in this slice."""
        from ovt_tui.screens.errors import ErrorsScreen

        self.app.push_screen(ErrorsScreen(self._gateway, self._b, self._row))
