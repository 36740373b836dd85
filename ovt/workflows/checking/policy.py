"""The policy of a project, with every name in it checked against what there is, and its waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.documents import read_document
from ovt.errors import ProjectError, nearest
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.documents import Document
    from ovt.project import Project
    from ovt.quality.policy.waivers import Waiver

FOLDER = "waivers"
PER_METRIC = ("floor", "minimum", "maximum")


def check_names(project: Project) -> None:
    """Refuse tasks and metrics that do not exist; unknown slices are told by the comparison, which knows them.

    Raises:
        ProjectError: an unknown task or metric, with file and line and the nearest known one.
    """
    from ovt.quality.metrics import LOWER_IS_BETTER, METRICS

    if not (project.root / SETTINGS_FILE).is_file():
        return
    document = read_document(project.root / SETTINGS_FILE)
    for path, task in _tasks(document):
        if task not in project.schema.tasks:
            raise ProjectError(f"the policy names an unknown task `{task}`", at=document.at(*path),
                               why="the schema has no such task", fix=nearest(task, project.schema.tasks))
    for path, key, metric in _metrics(document):
        if metric not in METRICS:
            raise ProjectError(f"the policy names an unknown metric `{metric}`", at=document.at(*path),
                               why=f"found below `{key}`", fix=nearest(metric, METRICS))
        if key == "minimum" and metric in LOWER_IS_BETTER:
            raise ProjectError(f"`{metric}` has a minimum", at=document.at(*path), why="less of it is better",
                               fix="write it below `maximum:`")


def read_waivers(project: Project) -> list[Waiver]:
    """All of `waivers/*.yaml`, in the order of files and lines.

    Raises:
        ProjectError: one cannot be understood, with file and line.
    """
    from ovt.quality.policy.waivers import parse_waivers

    folder = project.folder(FOLDER)
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    return [waiver for path in paths for waiver in parse_waivers(read_document(path, project.shown(path)))]


def line_of(project: Project, *keys: str) -> int | None:
    """The line of a key of `ovt.yaml`."""
    if not (project.root / SETTINGS_FILE).is_file():
        return None
    return read_document(project.root / SETTINGS_FILE).lines.get(keys)


def _tasks(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    check = _mapping(document.value, "check")
    for task in _mapping(check, "tasks"):
        yield ("check", "tasks", str(task)), str(task)
    for name, asked in _mapping(check, "slices").items():
        for task in _mapping(asked, "tasks"):
            yield ("check", "slices", str(name), "tasks", str(task)), str(task)


def _metrics(document: Document) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Every metric that is named, with its path and the setting it stands below."""
    def visit(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            if key in PER_METRIC and isinstance(inner, dict) and path[-1] not in {"tasks", "slices"}:
                yield from (((*path, key, str(metric)), key, str(metric)) for metric in inner)
            else:
                yield from visit(inner, (*path, str(key)))

    yield from visit(_mapping(document.value, "check"), ("check",))


def _mapping(value: Any, key: str) -> dict[Any, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
