"""What goes where: data to stdout; progress, notes and errors to stderr.

On a terminal tables are drawn by Rich; in a pipe they are tab-separated, so
that `cut` and `awk` work. `--json` prints one JSON document.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ovt.errors import OvtError

if TYPE_CHECKING:
    from ovt.render.table import Table

BOLD, RED, DIM, RESET = "\033[1m", "\033[31m", "\033[2m", "\033[0m"


@dataclass
class Output:
    """The options that every command has, and the two streams."""

    folder: Path = Path()
    """Where `-C` said to start."""
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    def data(self, text: str) -> None:
        """Print a result."""
        sys.stdout.write(f"{text}\n")

    def json(self, value: Any) -> None:
        """Print one JSON document."""
        self.data(json.dumps(value, ensure_ascii=False, indent=1 if sys.stdout.isatty() else None))

    def note(self, text: str) -> None:
        """Tell something on stderr, unless `-q`."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")

    def next(self, command: str) -> None:
        """The one line that ends every command that changed something."""
        self.note(f"{self.paint('next:', BOLD, sys.stderr)} {command}")

    def table(
        self, headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(),
        drop: tuple[int, ...] = (),
    ) -> None:
        """A table: drawn on a terminal, tab-separated in a pipe.

        Args:
            headers: one for each column.
            rows: cells as text.
            right: the numeric columns.
            drop: columns that a narrow terminal leaves out, the first of them first.
        """
        from ovt.render.table import Table

        self.render(Table(tuple(headers), tuple(tuple(row) for row in rows), right, drop))

    def render(self, table: Table) -> None:
        """A table that a renderer made."""
        if not sys.stdout.isatty():
            for row in (table.headers, *table.rows):
                self.data("\t".join(cell.replace("\t", " ") for cell in row))
            return
        from rich.console import Console
        from rich.table import Table as Drawing
        from rich.text import Text

        console = Console(no_color=not self.colored(sys.stdout), highlight=False)
        fitted = table.fitted(console.width)
        gap = 2 if sum(fitted.widths()) + 2 * len(fitted.headers) <= console.width else 1
        drawn = Drawing(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
        for index, header in enumerate(fitted.headers):
            last = index == len(fitted.headers) - 1
            drawn.add_column(header, justify="right" if index in fitted.right else "left", no_wrap=not last,
                             overflow="fold" if last else "ellipsis")
        for row in fitted.rows:
            drawn.add_row(*(Text(cell) for cell in row))
        console.print(drawn)

    def error(self, error: OvtError) -> None:
        """What, where, why, the fix and a command to try."""
        lines = [f"{self.paint('error:', RED + BOLD, sys.stderr)} {error.what}"]
        for label, text in error.lines():
            first, *rest = text.split("\n")
            lines.append(f"  {self.paint(f'{label:<4}', DIM, sys.stderr)} {first}")
            lines.extend(f"       {line}" for line in rest)
        sys.stderr.write("\n".join([*lines, ""]))

    def colored(self, stream: TextIO) -> bool:
        """Whether colour is welcome there."""
        return stream.isatty() and not self.no_color and "NO_COLOR" not in os.environ

    def paint(self, text: str, code: str, stream: TextIO) -> str:
        """The text in a colour, if colour is welcome."""
        return f"{code}{text}{RESET}" if self.colored(stream) else text


OUTPUT = Output()
"""One per process: set from the command line before the command runs."""
