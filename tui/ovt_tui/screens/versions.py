"""All versions of all branches, to choose which two are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static
from textual.worker import Worker

from ovt_tui import versionlist
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import QualityFound, VersionsFound
from ovt_tui.screens.view import Copied, View
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt.versions.history import Version
    from ovt_tui.gateway import Gateway

LIMIT = 200
COLUMNS = [
    Column("mark", "", 2),
    Column("label", "version", 16, grow=14),
    Column("when", "when (UTC)", 16, drop=2),
    Column("author", "who", 10, grow=6, drop=3),
    Column("state", "model", 12),
    Column("overall", "overall", 11, grow=20),
    Column("worst", "worst slice", 18, grow=12, drop=4),
    Column("exam", "exam", 5, drop=1),
    Column("subject", "message", 12, grow=40),
]
HEADINGS = ("version", "when", "who", "model", "overall", "worst slice", "exam", "message")
NO_COMMITS = 'There is no commit yet that touches this project.\n  try  ovt commit -m "first version"'
HELP = (
    "space marks A · enter compares A with the highlighted version · x swaps\n"
    "a version without a model: ovt run --rev VERSION · results that are elsewhere: ovt pull"
)


class VersionsScreen(View[tuple[str, str]]):
    """Answers with the two versions that were chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark A", id="mark"),
        Binding("x", "swap", "swap A and B", id="swap_versions"),
        Binding("R", "reload", "read again", show=False, id="reload_versions"),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, commits: Mapping[str, str]) -> None:
        super().__init__()
        self._gateway = gateway
        self._a, self._b = a, b
        self._commits = commits  # what `HEAD~1` and the like stood for when they were compared
        self._reports: dict[str, dict[str, Any] | None] = {}
        self.table: LineTable[Version] = LineTable(COLUMNS, self._cells, id="versions")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """The pair, the list."""
        yield Static(id="title", markup=False)
        yield self.table
        yield self._say
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Read the history."""
        self._entitle()
        self.action_reload()

    def action_reload(self) -> None:
        """Read the history, again if it was read before."""
        self._say.say("reading the history …")
        fetch(self, lambda: VersionsFound(tuple(self._gateway.versions(LIMIT))), "versions")

    def on_versions_found(self, message: VersionsFound) -> None:
        """Show them; their reports follow one by one."""
        if not message.versions:
            self._say.say(NO_COMMITS)
            return
        self._say.hush()
        at = [index for index, one in enumerate(message.versions) if self._is(one, self._b)]
        self.table.show(message.versions, cursor=at[0] if at else 0)
        ready = [versionlist.spec_of(one) for one in message.versions if one.state == "ready"]
        fetch(self, lambda: self._read_reports(ready), "reports")

    def _read_reports(self, specs: list[str]) -> QualityFound:
        return QualityFound({spec: self._gateway.report(spec, "quality.json") for spec in specs})

    def on_quality_found(self, message: QualityFound) -> None:
        """Fill in how good each version was."""
        self._reports = message.reports
        self.table.redraw()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "versions":
            self._say.tell(error, "R tries again · esc goes back")
        else:
            self.notify(error.what, severity="warning")

    # --------------------------------------------------------------- the pair

    def _is(self, version: Version, spec: str) -> bool:
        meant = self._commits.get(spec, spec)
        names = {version.spec, version.commit, *version.refs}
        return meant in names or bool(version.commit and len(meant) >= 7 and version.commit.startswith(meant))

    def _entitle(self) -> None:
        self.set_line("title", f"versions  A {self._a} → B {self._b}")
        self.set_line("detail", HELP)

    def action_mark(self) -> None:
        """Make the highlighted version A."""
        if self.table.current is not None:
            self._a = _name(self.table.current)
            self._entitle()
            self.table.redraw()

    @on(LineTable.Selected, "#versions")
    def _compare(self) -> None:
        if self.table.current is not None:
            self.dismiss((self._a, _name(self.table.current)))

    def action_swap(self) -> None:
        """Compare the other way round."""
        self.dismiss((self._b, self._a))

    # --------------------------------------------------------------- the text

    def _cells(self, version: Version, _: Mapping[str, int]) -> dict[str, Cell]:
        report = self._reports.get(versionlist.spec_of(version))
        marks = "".join(sign for sign, spec in (("A", self._a), ("B", self._b)) if self._is(version, spec))
        return {
            "mark": Cell(marks, "strong"),
            "label": Cell(versionlist.label(version), "strong"),
            "when": Cell(versionlist.day(version)),
            "author": Cell(version.author),
            "state": Cell(versionlist.model_state(version), "" if version.state == "ready" else "muted"),
            "overall": Cell(versionlist.overall(report)),
            "worst": Cell(versionlist.worst_slice(report)),
            "exam": Cell(versionlist.exam(report, self._reference())),
            "subject": Cell(version.subject),
        }

    def _reference(self) -> dict[str, Any] | None:
        for version in self.table.rows:
            if self._is(version, self._a):
                return self._reports.get(versionlist.spec_of(version))
        return None

    def _texts(self, version: Version) -> list[str]:
        cells = self._cells(version, {})
        return [cells[key].text for key in ("label", "when", "author", "state", "overall", "worst", "exam", "subject")]

    def row_text(self) -> str:
        """The highlighted version in one line."""
        return " · ".join(filter(None, self._texts(self.table.current))) if self.table.current else ""

    def table_cells(self) -> Copied:
        """All versions."""
        return HEADINGS, [self._texts(version) for version in self.table.rows]


def _name(version: Version) -> str:
    """How the version is asked for and shown: `workspace`, or the start of its commit."""
    return version.commit[:12] if version.commit else version.spec
