"""Quality of a subset of records asked for on the spot, and of single classes: measured from the stored predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project
    from ovt.quality.classes import ClassScore
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions
    from ovt.versions.history import Version

ALL_TASKS = "(all tasks)"
PREDICTIONS = "build/predictions.parquet"
FORMS: dict[str, Form] = {"accuracy": "multiclass", "span_f1": "BIO", "f1_micro": "bitvector"}
"""How a task is scored, by its primary metric."""


@dataclass(frozen=True)
class Asked:
    """What is asked for; None or empty means all."""

    where: str | None = None
    """An expression over slices and tags (`ovt.quality.where`)."""
    task: str | None = None
    splits: tuple[str, ...] = ("dev", "test")


def read_quality(project: Project, version: Version) -> dict[str, Any]:
    """The report of a version.

    Raises:
        MissingError: it has no model yet.
    """
    from ovt.versions.artifacts import read_report

    report = read_report(project, version, "quality.json")
    if report is not None:
        return report
    if version.state == "pending":
        raise MissingError(f"`{version.spec}` is still being trained", at=version.spec, fix="wait for it",
                           command="ovt jobs wait")
    here = version.commit is None
    raise MissingError(f"`{version.spec}` has no model yet", at=version.spec,
                       why="nothing was trained for its inputs", fix="train it",
                       command="ovt run" if here else f"ovt run --rev {version.spec}")


def measured(project: Project, version: Version, asked: Asked) -> dict[str, Any]:
    """A report in the form of `quality.json` whose only subset is the one asked for, as `overall`.

    Raises:
        UsageError: the expression, or the task, is not understood.
        MissingError: the version has no model, or its predictions are not on this machine.
    """
    import numpy as np

    from ovt.quality.evidence import evidence_of
    from ovt.quality.report import FORMAT, entries

    report = read_quality(project, version)
    ready = _reported(report, asked)
    if ready is not None:
        return {**report, "where": asked.where, "tasks": ready}
    tasks: dict[str, Any] = {}
    for part, inside in _parts(project, version, report, asked):
        primary = report["tasks"][part.task]["primary"]
        found = tasks.setdefault(part.task, {"primary": primary, "splits": {}})
        (entry,) = entries(evidence_of(part), [np.flatnonzero(inside)])
        found["splits"][part.split] = {"overall": entry, "tags": {}, "slices": {}}
    return {"format": FORMAT, "model": report["model"], "eval_set": report["eval_set"], "where": asked.where,
            "tasks": tasks}


def classes(project: Project, version: Version, asked: Asked) -> dict[str, list[ClassScore]]:
    """Scores of every class of a task, by split.

    Raises:
        UsageError: the expression, or the task, is not understood.
        MissingError: the version has no model, or its predictions are not on this machine.
    """
    import numpy as np

    from ovt.quality.classes import class_scores

    report = read_quality(project, version)
    return {part.split: class_scores(part, np.flatnonzero(inside))
            for part, inside in _parts(project, version, report, asked)}


def quality_rows(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The metrics of a report, one per row, in the columns that `Repository.quality` documents."""
    sections = [(task, about["primary"], about["splits"]) for task, about in sorted(report["tasks"].items())]
    if "end_to_end" in report:
        sections.append((ALL_TASKS, "exact_match", report["end_to_end"]["splits"]))
    rows: list[tuple[Any, ...]] = []
    whole = ("where", report["where"]) if report.get("where") is not None else ("overall", "")
    for task, primary, splits in sections:
        for split, found in sorted(splits.items()):
            named = [(*whole, found["overall"])]
            named += [("slice", name, entry) for name, entry in found["slices"].items()]
            named += [("tag", name, entry) for name, entry in found["tags"].items()]
            for kind, subset, entry in named:
                rows.extend(_metric_rows((task, split, kind, subset), primary, entry))
    return rows


def _metric_rows(where: tuple[str, ...], primary: str, entry: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    from ovt.quality.metrics import better

    for metric, found in entry.items():
        if isinstance(found, dict) and "value" in found:
            yield (*where, entry["n"], entry.get("items", entry["n"]), metric, found["value"], found["low"],
                   found["high"], metric == primary, better(metric))


def forms_of(report: dict[str, Any]) -> dict[str, Form]:
    """How each task of a report is scored."""
    return {task: _form(about) for task, about in report["tasks"].items()}


def _form(about: dict[str, Any]) -> Form:
    """By the primary metric; of those that are accuracies, a select task has no averages over its positions."""
    form = FORMS[about["primary"]]
    averaged = any("f1_macro" in split["overall"] for split in about["splits"].values())
    return form if averaged or form != "multiclass" else "select"


def _parts(
    project: Project, version: Version, report: dict[str, Any], asked: Asked,
) -> Iterator[tuple[GradedPredictions, Any]]:
    import numpy as np

    from ovt.quality.predictions import read_predictions
    from ovt.quality.where import mask, parse
    from ovt.versions.artifacts import output_path

    forms = forms_of(report)
    if asked.task is not None and asked.task not in forms:
        raise UsageError(f"no task `{asked.task}` in this report", why=nearest(asked.task, forms), command="ovt show")
    node = parse(asked.where) if asked.where is not None else None
    known = _known_names(report)
    path = output_path(project, version, PREDICTIONS)
    wanted = {task: form for task, form in forms.items() if asked.task in {None, task}}
    for split in asked.splits:
        for part in read_predictions(path, wanted, split).values():
            inside = np.ones(len(part.ids), bool) if node is None else mask(node, part.slices, part.tags, known)
            yield part, inside


def _reported(report: dict[str, Any], asked: Asked) -> dict[str, Any] | None:
    """What the report already says where the subset is one of its slices or tags: no predictions are needed then."""
    if asked.where is None or (asked.task is not None and asked.task not in report["tasks"]):
        return None
    tasks: dict[str, Any] = {}
    for task, about in report["tasks"].items():
        splits = {}
        for split in asked.splits:
            found = about["splits"].get(split, {})
            entry = found.get("slices", {}).get(asked.where) or found.get("tags", {}).get(asked.where)
            if entry is not None:
                splits[split] = {"overall": entry, "tags": {}, "slices": {}}
        if splits and asked.task in {None, task}:
            tasks[task] = {"primary": about["primary"], "splits": splits}
    return tasks or None


def _known_names(report: dict[str, Any]) -> frozenset[str]:
    """Slices and tags of the version, also those without a record in one of the splits."""
    found = [split for about in report["tasks"].values() for split in about["splits"].values()]
    return frozenset(name for split in found for kind in ("slices", "tags") for name in split[kind])
