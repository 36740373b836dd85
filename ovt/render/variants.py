"""The variants of a version as a table: quality and disagreement with the served one, overall and by slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.render.diff import ALL
from ovt.render.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = ("variant", "task", "subset", "n", "metric", "served", "value", "disagree")


def variants_table(report: Mapping[str, Any], *, split: str = "test", task: str | None = None) -> Table:
    """A row per variant, task and subset; `report` is a `quality.json` with the section `variants`."""
    rows = []
    for name, about in report["variants"]["others"].items():
        shown = f"{name} (stale)" if about.get("stale") else name
        for which, found in sorted(about["tasks"].items()):
            if task not in {None, which} or split not in found["splits"]:
                continue
            entries = [(ALL, found["splits"][split]["overall"]), *sorted(found["splits"][split]["slices"].items())]
            rows += [(shown, which, subset, str(entry["n"]), found["primary"], number(entry.get("served")),
                      number(entry.get("value")), number(entry.get("disagreement"))) for subset, entry in entries]
    return Table(HEADERS, tuple(rows), frozenset({3, 5, 6, 7}), drop=(3, 4))
