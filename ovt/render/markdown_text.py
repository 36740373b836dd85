"""Markdown's small parts: text that stays text, inline code, tables, folded sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ovt.render.table import Table

ESCAPES = str.maketrans({
    **{char: f"&#{ord(char)};" for char in "&<>@#|"}, **{char: f"\\{char}" for char in "\\*_`[]~"},
})


def plain(text: str) -> str:
    """Text that stays text: nothing in a slice's name or a commit's subject becomes a table, a tag or a mention."""
    return " ".join(text.translate(ESCAPES).split())


def code(text: str) -> str:
    """Inline code; a backtick or a line break inside would end it."""
    return f"`{' '.join(text.replace('`', '').split())}`"


def cell_code(text: str) -> str:
    """Inline code in a cell of a table, which a pipe would end even there."""
    return code(text).replace("|", "\\|")


def table(found: Table) -> str:
    """A table whose cells are plain text."""
    ruler = ["---:" if column in found.right else "---" for column in range(len(found.headers))]
    body = ([plain(cell) for cell in row] for row in found.rows)
    return "\n".join(_line(cells) for cells in (found.headers, ruler, *body))


def marked_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already."""
    return "\n".join(_line(cells) for cells in (headers, ["---"] * len(headers), *rows))


def listed(lines: Iterable[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)


def folded(summary: str, body: str) -> str:
    """A section that opens on a click; the summary is plain text."""
    return f"<details><summary>{plain(summary)}</summary>\n\n{body}\n\n</details>"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
