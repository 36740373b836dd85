"""The home screen: two versions, a row per slice, regressions first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widgets import Footer, Input, Static
from textual.worker import Worker

from ovt.render.diff import diff_table
from ovt_tui import state as states
from ovt_tui import wording
from ovt_tui.messages import Compared, TrendsFound
from ovt_tui.screens.slicekeys import ALL_THIN, HINT, KEYS, NO_ROWS
from ovt_tui.screens.slicetable import SORT_OF, SliceTable
from ovt_tui.screens.view import Copied, View
from ovt_tui.trend import VERSIONS, trends
from ovt_tui.widgets.filter import FilterLine
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from ovt.quality.slicediff import SliceDiff, SliceRow
    from ovt_tui.gateway import Gateway
    from ovt_tui.state import State


class SlicesScreen(View[None]):
    """A → B, slice by slice."""

    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self, gateway: Gateway, state: State, remember: Callable[[State], None]) -> None:
        super().__init__()
        self.gateway = gateway
        self.state = state
        self.diff: SliceDiff | None = None
        self._remember = remember
        self._lines = SliceTable()
        self.table: LineTable[SliceRow] = LineTable([], self._lines.cells, id="slices")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """Two lines that say what is compared, the table, the highlighted row in words."""
        yield Static(id="title", markup=False)
        yield Static(id="choices", markup=False)
        yield Static(id="tally", markup=False)
        yield FilterLine(self.table)
        yield self.table
        yield self._say
        yield Static(id="notes", markup=False)
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Start with the comparison."""
        self.action_reload()

    # --------------------------------------------------------------- the data

    def action_reload(self) -> None:
        """Compare the two versions, again if they were compared before."""
        a, b = self.state.a, self.state.b
        self.diff = None
        self.set_line("title", f"ovt  {a} → {b}")
        self._say.say(f"comparing {a} → {b} …")
        fetch(self, lambda: Compared(a, b, self.gateway.compare(a, b)), "comparison")

    def on_compared(self, message: Compared) -> None:
        """Show the comparison, unless other versions have been chosen since."""
        if (message.a, message.b) != (self.state.a, self.state.b):
            return
        self.diff = message.diff
        self._lines.trends = {}
        self._change(states.known_scope(self.state, message.diff.rows))
        keys = [(row.task, row.slice, row.metric) for row in message.diff.rows]
        fetch(self, lambda: TrendsFound(message.b, trends(self._reports(message.b), keys)), "history")

    def _reports(self, spec: str) -> list[dict[str, object] | None]:
        """Of the last versions, oldest first. The screens behind this one are loaded meanwhile, not before it."""
        from ovt_tui.screens import commit, slice, sources, versions  # noqa: F401, A004
        from ovt_tui.versionlist import spec_of

        lineage = [spec_of(one) for one in self.gateway.lineage(spec, VERSIONS) if one.state == "ready"]
        found = [self.gateway.report(one, "quality.json") for one in reversed(lineage)]
        return [report for report in found if report is not None]

    def on_trends_found(self, message: TrendsFound) -> None:
        """Draw the sparklines."""
        if self.diff is not None and message.b == self.state.b:
            self._lines.trends = message.trends
            self._draw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        """Tell what went wrong; a history that cannot be read only leaves its column out."""
        error = error_of(event)
        if error is not None and event.worker.group == "comparison":
            self.set_line("choices", "")
            self.set_line("tally", "")
            self.set_line("detail", "")
            self._say.tell(error, HINT)

    # ------------------------------------------------------------ the drawing

    def _change(self, state: State) -> None:
        self.state = state
        self._remember(state)
        self._draw()

    def _draw(self) -> None:
        if self.diff is None:
            return
        scope = [row for row in self.diff.rows if states.in_scope(row, self.state)]
        rows = states.visible(self.diff.rows, self.state)
        long = self.size.width >= 100
        a, b = (wording.side(side, long=long) for side in (self.diff.a, self.diff.b))
        self.set_line("title", f"ovt  {a} → {b}")
        self.set_line("choices", wording.choices(self.state, len(rows), len(scope)))
        self.set_line("tally", wording.tally(scope))
        self.set_line("notes", "\n".join(self._notes(scope)))
        self._draw_table(rows)

    def _draw_table(self, rows: list[SliceRow]) -> None:
        current = self.table.current
        cursor = rows.index(current) if current in rows else 0
        self.table.show(rows, self._lines.columns(rows, self.state), cursor=cursor)
        if rows:
            self._say.hush()
        elif self.diff is not None and not self.diff.rows:
            self._say.say(NO_ROWS + HINT)
        else:
            self._say.say(f"No row passes: {wording.choices(self.state, 0, len(self.diff.rows) if self.diff else 0)}\n"
                          "  try  esc shows all rows again · t another task · - fewer records asked")

    def _notes(self, scope: list[SliceRow]) -> list[str]:
        notes = list(self.diff.notes) if self.diff else []
        if scope and all(row.verdict == "thin" for row in scope):
            notes.append(ALL_THIN)
        return [f"note: {note}" for note in notes]

    def on_resize(self) -> None:
        """A wide title says more."""
        self._draw()

    @on(LineTable.Highlighted, "#slices")
    def _row_highlighted(self) -> None:
        row = self.table.current
        self.set_line("detail", wording.detail(row) if row else "")

    # ------------------------------------------------------------- the filter

    def action_filter(self) -> None:
        """Type words that a slice or task must have."""
        self.query_one(FilterLine).open()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        self._change(replace(self.state, filter=event.value))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Inside the filter, the key that opens it is a character like any other."""
        if action == "filter" and isinstance(self.focused, FilterLine):
            return False
        return super().check_action(action, parameters)

    # --------------------------------------------------------------- the keys

    def action_sort(self) -> None:
        """The next order."""
        self._change(states.next_sort(self.state))

    @on(LineTable.HeadingClicked, "#slices")
    def _heading_clicked(self, event: LineTable.HeadingClicked) -> None:
        if event.key in SORT_OF:
            self._change(states.sort_by(self.state, SORT_OF[event.key]))

    def action_regression(self, step: int) -> None:
        """Highlight the next regressed row in a direction."""
        at = states.next_regression(self.table.rows, self.table.cursor, step)
        if at is None:
            self.notify("no regressed row is shown")
        else:
            self.table.cursor = at

    def action_only_regressions(self) -> None:
        """Show regressions alone, or all."""
        self._change(replace(self.state, only_regressions=not self.state.only_regressions))

    def action_hide_unclear(self) -> None:
        """Hide what the test set cannot tell, or show it."""
        self._change(replace(self.state, hide_unclear=not self.state.hide_unclear))

    def action_support(self, steps: int) -> None:
        """Ask for more or fewer test records."""
        self._change(states.step_support(self.state, steps))

    def action_task(self) -> None:
        """The next task."""
        if self.diff:
            self._change(states.next_task(self.state, self.diff.rows))

    def action_metric(self) -> None:
        """The next metric."""
        if self.diff:
            changed = states.next_metric(self.state, self.diff.rows)
            if changed == self.state:
                self.notify("this task has one metric")
            self._change(changed)

    def action_escape(self) -> None:
        """Show all rows again; there is nothing to go back to from here."""
        if self.state.filtered():
            self.query_one(FilterLine).value = ""
            self._change(replace(self.state, filter="", only_regressions=False, hide_unclear=False, min_support=0))
        else:
            self.notify("q quits")

    def action_back(self) -> None:
        """Leave the app."""
        self.app.exit()

    # ------------------------------------------------------ the other screens

    @on(LineTable.Selected, "#slices")
    def _row_selected(self) -> None:
        row = self.table.current
        if row is not None:
            from ovt_tui.screens.slice import SliceScreen

            self.app.push_screen(SliceScreen(self.gateway, self.state.a, self.state.b, row))

    def action_versions(self) -> None:
        """Choose other versions."""
        from ovt_tui.screens.versions import VersionsScreen

        a, b = self.state.a, self.state.b
        sides = {a: self.diff.a.commit, b: self.diff.b.commit} if self.diff else {}
        commits = {spec: commit for spec, commit in sides.items() if commit}
        self.app.push_screen(VersionsScreen(self.gateway, a, b, commits), self._versions_chosen)

    def _versions_chosen(self, pair: tuple[str, str] | None) -> None:
        if pair is not None and self.query("#title"):  # there are no lines left while the app closes
            self.state = replace(self.state, a=pair[0], b=pair[1])
            self.action_reload()

    def action_commit(self) -> None:
        """Run and commit the workspace, then compare."""
        from ovt_tui.screens.commit import CommitScreen

        self.app.push_screen(CommitScreen(self.gateway), self._versions_chosen)

    def action_swap(self) -> None:
        """Compare the other way round."""
        self._versions_chosen((self.state.b, self.state.a))

    def action_sources(self) -> None:
        """The sources of both versions."""
        from ovt_tui.screens.sources import SourcesScreen

        self.app.push_screen(SourcesScreen(self.gateway, self.state.a, self.state.b, self.state.task))

    def action_errors(self) -> None:
        """Where model, sources and gold disagree in the highlighted slice."""
        from ovt_tui.screens.errors import ErrorsScreen

        row = self.table.current
        if row is not None:
            self.app.push_screen(ErrorsScreen(self.gateway, self.state.b, row))

    def row_text(self) -> str:
        """The highlighted row, in one line."""
        row = self.table.current
        return wording.detail(row).replace("\n", " · ") if row else ""

    def table_cells(self) -> Copied | None:
        """All rows shown, with the columns of `ovt diff`."""
        if self.diff is None:
            return None
        table = diff_table(replace(self.diff, rows=tuple(self.table.rows)))
        return table.headers, [list(cells) for cells in table.rows]
