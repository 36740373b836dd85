"""`reports/sources.json` as tables: the sources of each task, and the label models that were tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.render.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADERS = ("task", "source", "votes", "coverage", "overlaps", "conflicts", "accuracy", "dev accuracy", "dev n",
           "says", "copies")
LABELS_SHOWN = 6
"""Of what a source ever says; more are counted."""


def sources_table(report: Mapping[str, Any], task: str | None = None) -> Table:
    """A row per source, of one task or of all."""
    rows = tuple(
        _cells(name, row) for name, about in _tasks(report, task) for row in (*about["sources"], *_others(about))
    )
    return Table(HEADERS, rows, frozenset({2, 3, 4, 5, 6, 7, 8}))


def label_models_table(report: Mapping[str, Any], task: str | None = None) -> Table:
    """Per task, every label model that was tried with its score on dev; the chosen one is marked."""
    rows = []
    for name, about in _tasks(report, task):
        scored = about["candidates"]
        for model in sorted(scored, key=lambda model: (model != about["label_model"], model)):
            mark = "chosen" if model == about["label_model"] else ""
            rows.append((name, model, mark, *(number(scored[model].get(key)) for key in ("accuracy", "log_loss"))))
    return Table(("task", "label model", "", "dev accuracy", "dev log-loss"), tuple(rows), frozenset({3, 4}))


def _tasks(report: Mapping[str, Any], task: str | None) -> Iterator[tuple[str, Any]]:
    return ((name, about) for name, about in sorted(report["tasks"].items()) if task in {None, name})


def _cells(task: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    dev = row.get("dev") or {}
    return (
        task, row["source"], str(row["votes"]), number(row["coverage"]), number(row["overlaps"]),
        number(row["conflicts"]), number(row["accuracy"]), number(dev.get("accuracy")), str(dev.get("n", "–")),
        _listed(row["polarity"]), " ".join(row["copies"]),
    )


def _others(about: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """One row for the sources that have none of their own."""
    others = about.get("others")
    if others:
        empty: dict[str, Any] = {"votes": "–", "coverage": None, "overlaps": None, "conflicts": None, "accuracy": None,
                 "polarity": [], "copies": []}
        yield {**empty, **others, "source": f"({others['sources']} others)"}


def _listed(labels: list[str]) -> str:
    more = len(labels) - LABELS_SHOWN
    return " ".join(labels[:LABELS_SHOWN]) + (f" +{more}" if more > 0 else "")
