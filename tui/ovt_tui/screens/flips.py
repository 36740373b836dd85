"""The flips of one slice: broken and fixed records, by themselves or under the sources that stand behind them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from ovt.render.causes import WORDS
from ovt_tui import flipgroups
from ovt_tui.columns import Cell, Column
from ovt_tui.flipgroups import Heading, place_of
from ovt_tui.messages import CausesFound, FlipsFound
from ovt_tui.screens.items import TEXT, ItemsPane
from ovt_tui.widgets.table import ACROSS, LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.quality.attribution.causes import FlipCause
    from ovt.quality.slicediff import Flip
    from ovt_tui.gateway import Gateway
    from ovt_tui.screens.items import Item
    from ovt_tui.screens.view import Copied

Kind = Literal["broken", "fixed"]
KINDS: dict[Kind, Cell] = {"broken": Cell("▼ broken", "bad"), "fixed": Cell("▲ fixed", "good")}
FLIP_COLUMNS = [
    Column("kind", "kind", 8),
    Column("id", "record", 12, grow=8),
    TEXT,
    Column("position", "at", 3, right=True, drop=1),
    Column("gold", "gold", 12, grow=10),
    Column("old", "old →", 16, grow=10),
    Column("new", "new", 16, grow=10),
]
NO_FLIPS = (
    "No record of this slice changed between right and wrong.\n"
    "  try  the other tabs (l), or esc and another slice"
)
NONE_BEHIND = "No flip is because of {source}.\n  try  g on the flips of a slice: what stands behind them groups them"
DOUBLE = 0.5
"""Seconds within which a second `g` makes `gg`, the first row."""
AT_ONCE = 20_000
"""Up to as many flips their causes are read unasked."""


class FlipTable(LineTable["Flip | Heading"]):
    """Its `g` groups at once; a second one within half a second takes that back and goes to the first row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "group", "by cause", id="group"),
        Binding("home", "jump(0)", "first row", show=False, id="first"),
    ]

    class Grouped(Message):
        """Flips are to be grouped, or no longer."""

    _pressed = float("-inf")

    def action_group(self) -> None:
        """Tell it."""
        twice, self._pressed = monotonic() - self._pressed < DOUBLE, monotonic()
        self.post_message(self.Grouped())
        if twice:
            self._pressed = float("-inf")
            self.call_after_refresh(self.action_jump, 0)


class FlipsPane(ItemsPane):
    """Flips above, votes below; with a source only those that it stands behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "only('broken')", "broken", id="only_broken"),
        Binding("f", "only('fixed')", "fixed", id="only_fixed"),
    ]

    def __init__(
        self, gateway: Gateway, a: str, b: str, task: str, slice_: str | None, *, source: str | None = None,
    ) -> None:
        super().__init__(gateway, a, b, task, FlipTable(FLIP_COLUMNS, self._flip_cells, id="flip-table"),
                         id="flips-pane")
        self._slice, self._source = slice_, source
        self._flips: tuple[Flip, ...] | None = None
        self._causes: dict[flipgroups.Place, FlipCause] | None = None
        self._kinds: Mapping[FlipCause, Any] = {}
        self._only: Kind | None = None
        self._grouped = False
        self._toggled: set[FlipCause] = set()
        self._kept: dict[Kind | None, list[Flip]] = {}
        self._groups: dict[Kind | None, list[flipgroups.Group]] = {}

    def on_mount(self) -> None:
        """Read the flips."""
        self.say.say("reading flips …")
        self.votes.display = False
        self._show_nothing()
        fetch(self, lambda: FlipsFound(
            tuple(self.gateway.flips(self.a, self.b, self.task_name, self._slice)), self.gateway.schema(),
        ), "items")

    def on_flips_found(self, message: FlipsFound) -> None:
        """Show them; with a source, once it is known what stands behind each."""
        self._flips, self.schema = message.flips, message.schema
        if not self._flips:
            self.say.say(NO_FLIPS)
            return
        if self._source is None:
            self._open()
        if self._source is not None or len(self._flips) <= AT_ONCE:
            self._read_causes()

    def _open(self) -> None:
        self.say.hush()
        self.votes.display = True
        flips = self._flips or ()
        self._kept = {None: list(flips), **{kind: [flip for flip in flips if flip.kind == kind] for kind in KINDS}}
        self.draw()

    def _read_causes(self) -> None:
        where = (self.a, self.b, self.task_name, self._slice)
        fetch(self, lambda: CausesFound(tuple(self.gateway.causes(*where))), "causes")

    def on_causes_found(self, message: CausesFound) -> None:
        """Mark what decided the highlighted flip; group, if that was asked for meanwhile."""
        self._causes = flipgroups.by_place(message.causes)
        self._kinds = flipgroups.kinds_of(message.causes)
        self._groups = {}
        if self._source is not None:
            self._keep_those_of(self._source)
        elif self._grouped:
            self.draw()
        self.draw_item()

    def _keep_those_of(self, source: str) -> None:
        self._flips = tuple(flip for flip in self._flips or () if self._cause(flip).source == source)
        if self._flips:
            self._open()
        else:
            self.say.say(NONE_BEHIND.format(source=source))

    @on(Worker.StateChanged)
    def _causes_failed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None or event.worker.group != "causes":
            return
        if self._source is not None:
            self.say.tell(error, "esc goes back")
        elif self._grouped:
            self._grouped = False
            self.draw()
            self.notify(f"flips cannot be grouped: {error.what}", severity="warning")

    # -------------------------------------------------------------- the table

    def draw(self) -> None:
        """Show the flips of the kinds chosen, grouped or not."""
        if not self._kept:  # still being read
            return
        tally = f"▼ {len(self._kept['broken'])} broken  ▲ {len(self._kept['fixed'])} fixed"
        shown = f" · {self._only} only ({'b' if self._only == 'broken' else 'f'} shows all)" if self._only else ""
        ready = self._grouped and self._causes is not None
        how = " · by cause (g takes it back, enter opens and closes)" if ready else (
            " · reading causes …" if self._grouped else "")
        self.query_one("#flip-tally", Static).update(tally + shown + how)
        self.table.show(self._grouped_rows() if ready else self._kept[self._only], self.fitting(FLIP_COLUMNS))

    def _grouped_rows(self) -> list[Flip | Heading]:
        if self._only not in self._groups:
            flips = self._kept[self._only]
            self._groups[self._only] = flipgroups.grouped(flips, self._causes or {}, self._kinds)
        return flipgroups.rows_of(self._groups[self._only], self._toggled)

    def action_only(self, kind: Kind) -> None:
        """Show one kind, or both again."""
        self._only = None if self._only == kind else kind
        self.draw()

    @on(FlipTable.Grouped)
    def _group(self) -> None:
        self._grouped = not self._grouped
        if self._grouped and self._causes is None:
            self._read_causes()
        self.draw()

    @on(LineTable.Selected, "#flip-table")
    def _entered(self) -> None:
        """A heading opens or closes, a flip shows its record."""
        row = self.table.current
        if not isinstance(row, Heading):
            self.action_record()
            return
        self._toggled ^= {row.cause}
        cursor = self.table.cursor
        self.draw()
        self.table.cursor = cursor

    # --------------------------------------------------------------- the text

    def item_at(self, row: Any) -> Item | None:
        """A heading is none."""
        return None if isinstance(row, Heading) else row

    def cause_of(self, item: Item) -> FlipCause | None:
        """As `ovt diff --flips` tells it."""
        return (self._causes or {}).get((item.task, item.id, item.position))

    def _cause(self, flip: Flip) -> FlipCause:
        return (self._causes or {}).get(place_of(flip), flipgroups.UNKNOWN)

    def _flip_cells(self, row: Flip | Heading, _: Mapping[str, int]) -> dict[str, Cell]:
        if isinstance(row, Heading):
            return {ACROSS: Cell(row.text, "strong")}
        return {"kind": KINDS[row.kind]} | self.item_cells(row)

    def row_text(self) -> str:
        """The highlighted flip in one line, with what stands behind it."""
        flip = self.table.current
        if flip is None or isinstance(flip, Heading):
            return flip.text if flip else ""
        cause = self.cause_of(flip)
        why = f", because {cause.source} {WORDS[cause.cause]}" if cause and cause.source else ""
        return (f"{flip.kind} {flip.task} {flip.id} at {flip.position}: gold {flip.gold}, "
                f"{flip.old} {flip.old_confidence:.2f} → {flip.new} {flip.new_confidence:.2f}{why}")

    def table_cells(self) -> Copied:
        """The flips shown; without headings, but with the source behind each where that is known."""
        flips = [row for row in self.table.rows if not isinstance(row, Heading)]
        headings = ("kind", "record", "at", "gold", "old", "new", *(("source",) if self._causes else ()))
        return headings, [
            [flip.kind, flip.id, str(flip.position), flip.gold, f"{flip.old} {flip.old_confidence:.2f}",
             f"{flip.new} {flip.new_confidence:.2f}", *((self._cause(flip).source or "–",) if self._causes else ())]
            for flip in flips
        ]
