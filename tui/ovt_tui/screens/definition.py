"""How a slice or a source is written: its code in both versions, what changed in it, and the editor on its line."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import Worker

from ovt_tui import editor
from ovt_tui.codediff import Line, code_lines, headline
from ovt_tui.columns import Cell, Column
from ovt_tui.messages import DefinitionFound
from ovt_tui.widgets.say import Say
from ovt_tui.widgets.table import LineTable
from ovt_tui.work import error_of, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from textual.app import ComposeResult

    from ovt.workflows.committing.definitions import Definition, Kind
    from ovt_tui.columns import Tone
    from ovt_tui.gateway import Gateway
    from ovt_tui.screens.view import Copied

COLUMNS = [Column("sign", "", 1), Column("text", "code", 40, grow=400)]
TONES: dict[str, Tone] = {"+": "good", "-": "bad", "@": "muted", " ": ""}
ALL = "All test records: no function says who belongs here.\n  try  ovt slice list"
NO_SLICE = ("No file of either version defines the slice {name} in a way that can be read as text.\n"
            "  why  it is a tag of the records, or code makes it (slicing_function(…)(make(3)))\n"
            "  try  ovt slice list")
NO_SOURCE = ("No file of either version defines {name}.\n"
             "  why  its labels come with data/ or supervision/, or code makes it\n  try  ovt source show {name}")


class DefinitionPane(Vertical):
    """The code, a line per line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "edit", "edit", id="edit")]

    def __init__(self, gateway: Gateway, a: str, b: str, kind: Kind, name: str | None) -> None:
        super().__init__(id="definition-pane")
        self._gateway = gateway
        self._pair, self._kind, self._name = (a, b), kind, name
        self._found: Definition | None = None
        self.table: LineTable[Line] = LineTable(COLUMNS, self._cells, id="code")
        self._say = Say(self.table)

    def compose(self) -> ComposeResult:
        """What it is and where, then the code."""
        yield Static(id="definition-line", classes="line", markup=False)
        yield self.table
        yield self._say

    def on_mount(self) -> None:
        """Read both versions' files."""
        self._read()

    def _read(self) -> None:
        name, kind = self._name, self._kind
        if name is None:
            self._say.say(ALL)
            return
        self._say.say("reading both versions …")
        fetch(self, lambda: DefinitionFound(self._gateway.definition(*self._pair, kind, name)), "definition")

    def on_definition_found(self, message: DefinitionFound) -> None:
        """Show the code."""
        found = self._found = message.definition
        if found.change == "nowhere":
            self._say.say((NO_SLICE if found.kind == "slicing" else NO_SOURCE).format(name=found.name))
            return
        self.query_one("#definition-line", Static).update(headline(found))
        self._say.hush()
        self.table.show(code_lines(found), cursor=self.table.cursor)

    @on(Worker.StateChanged)
    def _reading_failed(self, event: Worker.StateChanged) -> None:
        error = error_of(event)
        if error is not None:
            self._say.tell(error, "esc goes back")

    def action_edit(self) -> None:
        """Open the user's editor where the working tree has it."""
        here = self._found.here if self._found else None
        if here is None:
            self.notify("the working tree does not define it: nothing to edit")
            return
        self._edit(self._gateway.root / here.path, here.line)
        self._read()

    @on(LineTable.Selected, "#code")
    def _entered(self) -> None:
        self.action_edit()

    def _edit(self, path: Path, line: int) -> None:
        wanted = editor.editor_of()
        try:
            words = editor.command(wanted, path, line)
            with self.app.suspend():
                code = subprocess.run(words, check=False).returncode
        except SuspendNotSupported:
            self._warn(f"no editor can be opened from here; it is at {path}:{line}")
        except (OSError, ValueError) as error:
            self._warn(f"`{wanted}` cannot be started: {error}. Set EDITOR; it is at {path}:{line}")
        else:
            done = "edited in the working tree; `C` on the slice table runs and commits it"
            self.notify(done if code == 0 else f"`{wanted}` ended with {code}")

    def _warn(self, text: str) -> None:
        self.notify(text, severity="warning")

    def _cells(self, line: Line, _: Mapping[str, int]) -> dict[str, Cell]:
        return {"sign": Cell(line.sign, TONES[line.sign]), "text": Cell(line.text, TONES[line.sign])}

    def row_text(self) -> str:
        """Where it is written."""
        return headline(self._found) if self._found else ""

    def table_cells(self) -> Copied:
        """The code, line by line."""
        return ("", "code"), [[line.sign, line.text] for line in self.table.rows]
