"""What makes records, as tables: a trial of one function, all functions of a project, and the lift of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ovt.quality.slicediff import SIGNS
from ovt.render.table import Table, number

if TYPE_CHECKING:
    from ovt.workflows.labeling.augment_trial import AugmentTrial
    from ovt.workflows.labeling.augmenters import AugmenterRow
    from ovt.workflows.labeling.lift import Lift

AUGMENTERS = ("source", "kind", "parents", "made", "kept", "dropped", "task", "coverage", "agreement", "of votes", "at")
LONGEST = 60


def trial_table(trial: AugmentTrial) -> Table:
    """A row per record that would be made, or that the function failed on."""
    rows = []
    for found in trial.records:
        if found.problem:
            rows.append((found.parent or "", "", f"failed: {found.problem}", found.at or "", found.fix or ""))
            continue
        labels = " ".join(
            f"{task}:{source}={_short(label)}" for task, said in found.labels.items() for source, label in said.items())
        after = _payloads(found.after) or "the same as its parent: would be dropped"
        rows.append((found.parent or "", found.id, _payloads(found.before), after, labels))
    return Table(("parent", "new record", "before", "after", "labels"), tuple(rows))


def augmenters_table(rows: list[AugmenterRow]) -> Table:
    """A row per transformation function and generator, and task that its records are labelled for."""
    cells = []
    for row in rows:
        dropped = None if row.made is None else sum(row.dropped.values())
        head = (row.source, row.kind, *map(_count, (row.parents, row.made, row.kept, dropped)))
        tasks = [(task, about) for task, about in row.tasks.items() if about["coverage"]] or [("", None)]
        for place, (task, about) in enumerate(tasks):
            agreement = (about or {}).get("agreement") or {}
            cells.append((
                *(head if place == 0 else ("",) * len(head)), task, number((about or {}).get("coverage")),
                number(agreement.get("value")), str(agreement.get("n", "–")),
                (f"{row.at}{' (not run yet)' if row.stale else ''}") if place == 0 else "",
            ))
    return Table(AUGMENTERS, tuple(cells), frozenset({2, 3, 4, 5, 7, 8, 9}), drop=(10, 2, 9, 3))


def lift_table(lift: Lift) -> Table:
    """A row per task, and per slice where the records matter."""
    rows = []
    for row in lift.rows:
        interval = f"[{row.low:+.3f}, {row.high:+.3f}]" if row.low is not None and row.high is not None else "–"
        change = f"{row.delta:+.3f}" if row.delta is not None else "–"
        rows.append((row.task, row.slice or "all dev records", row.metric, str(row.n), number(row.old), number(row.new),
                     change, interval, str(row.fixed), str(row.broken), f"{SIGNS[row.verdict]} {row.verdict}"))
    headers = ("task", "records", "metric", "n", "without", "with", "lift", "interval", "fixed", "broken", "verdict")
    return Table(headers, tuple(rows), frozenset(range(3, 7)))


def _payloads(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
