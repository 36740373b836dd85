"""All versions of all branches, to choose which two are compared."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static
from textual.worker import Worker

from ovt.versions.queue import OPEN
from ovt_tui import versionlist
from ovt_tui.columns import Cell, Column
from ovt_tui.errands import Stopped
from ovt_tui.messages import JobsFound, QualityFound, Told, VersionFetched, VersionsFound
from ovt_tui.screens.view import Copied, View
from ovt_tui.stageboard import bar
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.wording import trouble
from ovt_tui.work import Posting, error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from ovt.versions.history import Version
    from ovt.workflows.background.jobs import JobStatus
    from ovt_tui.gateway import Gateway

LIMIT = 200
HEADINGS = ("version", "when", "who", "model", "overall", "worst slice", "exam", "message")
NO_COMMITS = 'There is no commit yet that touches this project.\n  try  ovt commit -m "first version"'
NOT_EXAMINED = "no model: f looks for one that was pushed, `ovt run --rev {}` trains one"
EXAMS = {"= same": "same exam as A", "≠ other": "another exam than A: not comparable but for what both have"}
WATCH = 2.0
"""Seconds between two looks at jobs that run."""


def columns(tasks: int) -> list[Column]:
    """The columns; `overall` has room for a number of each task."""
    return [
        Column("mark", "", 2),
        Column("label", "version", 15, grow=10),
        Column("when", "when (UTC)", 16, drop=3),
        Column("author", "who", 10, grow=6, drop=4),
        Column("state", "model", 12),
        Column("overall", "overall", min(max(6 * tasks - 1, 9), 23), grow=12),
        Column("worst", "worst slice", 13, grow=14, drop=2),
        Column("exam", "exam", 7, drop=1),
        Column("subject", "message", 12, grow=40),
    ]


class VersionsScreen(View[tuple[str, str]]):
    """Answers with the two versions that were chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark A", id="mark"),
        Binding("x", "swap", "swap A and B", id="swap_versions"),
        Binding("f", "fetch", "fetch", id="fetch"),
        Binding("R", "reload", "read again", show=False, id="reload_versions"),
    ]

    def __init__(self, gateway: Gateway, a: str, b: str, commits: Mapping[str, str]) -> None:
        super().__init__()
        self._gateway = gateway
        self._a, self._b = a, b
        self._commits = commits  # what `HEAD~1` and the like stood for when they were compared
        self._reports: dict[str, dict[str, Any] | None] = {}
        self._versions: tuple[Version, ...] = ()
        self._jobs: tuple[JobStatus, ...] = ()
        self._stop: threading.Event | None = None  # of a fetch that goes on
        self.table: LineTable[Version] = LineTable(columns(1), self._cells, id="versions")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """The pair, the list."""
        yield Static(id="title", markup=False)
        yield self.table
        yield self._say
        yield Static(id="work", markup=False)
        yield Static(id="detail", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Read the history; then look now and again at what trains."""
        self._entitle()
        self.set_line("work", "")
        self.action_reload()
        self.set_interval(WATCH, self._watch)

    def on_unmount(self) -> None:
        """A fetch that nobody waits for is stopped."""
        if self._stop is not None:
            self._stop.set()

    def action_reload(self) -> None:
        """Read the history, again if it was read before."""
        if not self._versions:
            self._say.say("reading the history …")
        fetch(self, lambda: VersionsFound(tuple(self._gateway.versions(LIMIT))), "versions")

    def on_versions_found(self, message: VersionsFound) -> None:
        """Show them; their reports follow one by one."""
        if not message.versions:
            self._say.say(NO_COMMITS)
            return
        self._say.hush()
        self._versions = message.versions
        self._show()
        fetch(self, lambda: JobsFound(tuple(self._gateway.jobs())), "jobs")
        ready = [versionlist.spec_of(one) for one in message.versions if one.state == "ready"]
        fetch(self, lambda: self._read_reports(ready), "reports")

    def _read_reports(self, specs: list[str]) -> QualityFound:
        return QualityFound({spec: self._gateway.report(spec, "quality.json") for spec in specs})

    def on_quality_found(self, message: QualityFound) -> None:
        """Fill in how good each version was."""
        self._reports = message.reports
        self._show()
        self._tell()

    def _show(self) -> None:
        """The rows, with the highlight where it was; at first on B."""
        rows = versionlist.with_jobs(self._versions, self._jobs)
        current = self.table.current
        at = [index for index, one in enumerate(rows)
              if (self._is(one, self._b) if current is None else one.spec == current.spec)]
        tasks = max((len((report or {}).get("tasks", ())) for report in self._reports.values()), default=1)
        self.table.show(rows, columns(tasks), cursor=at[0] if at else 0)

    # --------------------------------------------------------------- the jobs

    def _watch(self) -> None:
        if versionlist.any_open(self._jobs):
            fetch(self, lambda: JobsFound(tuple(self._gateway.jobs())), "jobs")

    def on_jobs_found(self, message: JobsFound) -> None:
        """Show how far they are; once one has ended, read the history again: there may be a model."""
        before, self._jobs = self._jobs, message.jobs
        ended = {one.job.key for one in before if one.job.state in OPEN} - {
            one.job.key for one in message.jobs if one.job.state in OPEN}
        if ended:
            self.action_reload()
        elif before != message.jobs:
            self._show()

    def _job(self, version: Version) -> JobStatus | None:
        return versionlist.jobs_by_key(self._jobs).get(version.key) if version.key else None

    # -------------------------------------------------------------- the fetch

    def action_fetch(self) -> None:
        """Get what is missing of the highlighted version from where it was pushed to."""
        version = self.table.current
        if version is None or version.commit is None:
            self.notify("the workspace is here already" if version else "no version to fetch")
            return
        if self._stop is not None:
            self.notify("one at a time: esc stops the fetch that goes on")
            return
        spec, progress, stop = version.commit, Posting(self), threading.Event()
        self._stop = stop
        self.set_line("work", f"fetching {spec[:7]} … esc stops it")
        fetch(self, lambda: VersionFetched(spec, self._gateway.fetch(spec, progress, stop)), "fetch")

    def on_told(self, message: Told) -> None:
        """The fetch goes on."""
        if self._stop is not None:
            drawn = f" {bar(message.done / message.total)}" if message.done is not None and message.total else ""
            self.set_line("work", f"{message.stage}: {message.text}{drawn} · esc stops it")

    def on_version_fetched(self, message: VersionFetched) -> None:
        """Show the version as it is now."""
        self._stop = None
        found = message.fetched
        self.set_line("work", f"{message.spec[:7]}: {found.objects} objects and {found.runs} runs fetched"
                      if found.objects or found.runs else f"{message.spec[:7]}: nothing to fetch, it is all here")
        self.action_reload()

    def action_escape(self) -> None:
        """Stop the fetch, else go back."""
        if self._stop is not None and not self._stop.is_set():
            self._stop.set()
            self.set_line("work", "stopping …")
        else:
            self.action_back()

    @on(Worker.StateChanged)
    def _worker_changed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is None:
            return
        if event.worker.group == "versions":
            self._say.tell(error, "R tries again · esc goes back")
        elif event.worker.group == "fetch":
            self._stop = None
            self.set_line("work", "stopped: what was fetched is kept" if isinstance(error, Stopped) else trouble(error))
        else:
            self.notify(error.what, severity="warning")

    # --------------------------------------------------------------- the pair

    def _is(self, version: Version, spec: str) -> bool:
        meant = self._commits.get(spec, spec)
        names = {version.spec, version.commit, *version.refs}
        return meant in names or bool(version.commit and len(meant) >= 7 and version.commit.startswith(meant))

    def _entitle(self) -> None:
        self.set_line("title", f"versions  A {self._a} → B {self._b}")

    @on(LineTable.Highlighted, "#versions")
    def _tell(self) -> None:
        """The highlighted version in words, since a narrow screen has no room for all columns."""
        version = self.table.current
        if version is None:
            self.set_line("detail", "")
            return
        job = self._job(version)
        cells = self._cells(version, {})
        lines = [" · ".join(filter(None, (cells[key].text for key in ("label", "when", "author", "subject"))))]
        if version.state != "ready":
            lines.append(versionlist.job_text(job) if job else NOT_EXAMINED.format(version.spec[:7]))
        else:
            worst = cells["worst"].text
            lines.append(" · ".join(filter(None, (f"overall {cells['overall'].text}" if cells["overall"].text else "",
                                                  f"worst slice {worst}" if worst else "",
                                                  EXAMS.get(cells["exam"].text, "")))))
        self.set_line("detail", "\n".join(lines))

    def action_mark(self) -> None:
        """Make the highlighted version A."""
        if self.table.current is not None:
            self._a = _name(self.table.current)
            self._entitle()
            self.table.redraw()
            self._tell()

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
        state = versionlist.model_state(version, self._job(version))
        marks = "".join(sign for sign, spec in (("A", self._a), ("B", self._b)) if self._is(version, spec))
        return {
            "mark": Cell(marks, "strong"),
            "label": Cell(versionlist.label(version), "strong"),
            "when": Cell(versionlist.day(version)),
            "author": Cell(version.author),
            "state": Cell(state, "" if version.state == "ready" else "muted"),
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
