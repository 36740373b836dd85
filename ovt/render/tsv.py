"""A table for `cut` and `awk`: tab-separated, one line per row, nothing quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.render.table import Table


def as_tsv(table: Table) -> str:
    """Headers and rows; a tab or line break inside a cell becomes a space."""
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in (table.headers, *table.rows))
