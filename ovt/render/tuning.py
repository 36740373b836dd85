"""The trials of a search as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.render.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.training.tuning.trial import Result

HEADERS = ("trial", "state", "dev", "± s.e.", "epochs", "seconds", "parameters", "ms", "MB", "values")


def trials_table(rows: Sequence[tuple[Result, dict[str, Any], bool]]) -> Table:
    """A row per trial; the chosen one has a ✓. `rows`: result, values by path, whether it was chosen."""
    table = tuple(
        (f"{found.number}{' ✓' if chosen else ''}", found.state, _number(found.score, 4),
         _number(found.error or None, 4), str(len(found.curve)), f"{found.seconds:.1f}", f"{found.parameters:,}",
         _number(found.latency_ms, 3), _number(found.size_mb, 2), told(values))
        for found, values, chosen in rows
    )
    return Table(HEADERS, table, frozenset({2, 3, 4, 5, 6, 7, 8}), drop=(6, 4, 3, 8, 7))


def trials_json(rows: Sequence[tuple[Result, dict[str, Any], bool]], reason: str, *, current: bool) -> dict[str, Any]:
    """``ovt.tune/1``."""
    return {"format": "ovt.tune/1", "current": current, "reason": reason, "trials": [
        {"trial": found.number, "state": found.state, "chosen": chosen, "score": found.score, "error": found.error,
         "tasks": found.tasks, "epochs": len(found.curve), "seconds": found.seconds, "parameters": found.parameters,
         "latency_ms": found.latency_ms, "size_mb": found.size_mb, "why": found.why, "values": values}
        for found, values, chosen in rows
    ]}


def told(values: dict[str, Any]) -> str:
    """`tokens.encoder cnn · batch 32`."""
    return " · ".join(f"{label.split('.', 1)[-1]} {value}" for label, value in values.items())


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
