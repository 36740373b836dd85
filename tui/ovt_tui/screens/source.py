"""One source: its code in both versions, and the flips that it stands behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ovt.render.diff import ALL
from ovt_tui.screens.definition import DefinitionPane
from ovt_tui.screens.flips import FlipsPane
from ovt_tui.screens.tabs import TabsScreen, tab_keys

if TYPE_CHECKING:
    from textual.binding import BindingType

    from ovt_tui.gateway import Gateway
    from ovt_tui.sourcetable import SourcePair


class SourceScreen(TabsScreen):
    """Two tabs; the row of the source table stands on top, in words."""

    BINDINGS: ClassVar[list[BindingType]] = tab_keys(("code", "flips"))

    def __init__(
        self, gateway: Gateway, pair: tuple[str, str], source: SourcePair, slice_: str | None, about: str,
    ) -> None:
        where = (gateway, *pair)
        super().__init__(f"source {source.name}  {pair[0]} → {pair[1]}", f"{about}\nslice {slice_ or ALL}", {
            "code": DefinitionPane(*where, "labeling", source.name),
            "flips": FlipsPane(*where, source.task, slice_, source=source.name),
        })
