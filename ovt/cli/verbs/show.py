"""`ovt show [REV]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version
    from ovt.workflows.review.quality import Asked

SPLITS = ("dev", "test")
WHERE = "Only these records: `nutrition & date:2019-09`, with & | ! and brackets over slices and tags."
app = verb_app()


@app.command()
def show(
    revision: Annotated[str | None, typer.Argument(metavar="[REV]", help="Default: the workspace, or HEAD.")] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task, with its mistakes.")] = None,
    split: Annotated[str, typer.Option("--split", metavar="dev|test", help="Which records.")] = "test",
    tags: Annotated[bool, typer.Option("--tags", help="Every tag too, not slices alone.")] = False,
    slice_: Annotated[str | None, typer.Option("--slice", "-s", metavar="EXPR", help=WHERE)] = None,
    classes: Annotated[bool, typer.Option("--classes", help="Each class of the task (needs --task).")] = False,
) -> None:
    """One version's quality report."""
    from ovt.versions.history import resolve
    from ovt.workflows.review.quality import Asked, measured, read_quality

    found = project()
    if split not in SPLITS:
        raise UsageError(f"no split `{split}` is graded", why=nearest(split, SPLITS), command="ovt show --help")
    version = resolve(found, revision or "workspace")
    if revision is None and version.report is None:
        version = resolve(found, "HEAD")
    if classes:
        _show_classes(found, version, Asked(slice_, task, (split,)))
        return
    report = read_quality(found, version) if slice_ is None else (
        measured(found, version, Asked(slice_, task, (split,) if not OUTPUT.as_json else SPLITS)))
    if task is not None and task not in report["tasks"]:
        raise UsageError(f"no task `{task}` in this report", why=nearest(task, report["tasks"]), command="ovt show")
    if OUTPUT.as_json:
        OUTPUT.json(report)
        return
    _show_tables(report, version, task, split, tags=tags)


def _show_tables(report: dict[str, Any], version: Version, task: str | None, split: str, *, tags: bool) -> None:
    from ovt.render.show import confusion_table, quality_table

    kinds = ("overall", "slices", "tags") if tags else ("overall", "slices")
    OUTPUT.note(f"{version.spec} {(version.commit or '')[:10]} {version.subject}".rstrip())
    OUTPUT.render(quality_table(report, split=split, task=task, kinds=kinds))  # type: ignore[arg-type]
    if "variants" in report:
        _show_variants(report, task, split)
    if task is not None and split in report["tasks"][task]["splits"]:
        OUTPUT.render(confusion_table(report["tasks"][task]["splits"][split]["overall"]))


def _show_variants(report: dict[str, Any], task: str | None, split: str) -> None:
    from ovt.render.variants import variants_table

    found = report["variants"]
    OUTPUT.note(f"\nvariants beside `{found['served']}`, which is served:")
    OUTPUT.render(variants_table(report, split=split, task=task))
    for name, about in found["others"].items():
        if about.get("stale"):
            OUTPUT.note(f"`{name}` is stale: it was trained on other data than `{found['served']}`")


def _show_classes(found: Project, version: Version, asked: Asked) -> None:
    from ovt.render.show import classes_json, classes_table
    from ovt.workflows.review.quality import classes

    if asked.task is None:
        raise UsageError("`--classes` is about one task", why="classes of two tasks share no table",
                         fix="name it with --task", command="ovt show --task TASK --classes")
    scores = classes(found, version, asked)
    if OUTPUT.as_json:
        OUTPUT.json(classes_json(version.spec, asked.task, scores))
        return
    for split, rows in scores.items():
        if not rows:
            OUTPUT.note(f"`{asked.task}` has no classes on {split}: a select task picks positions, or there is no gold")
        OUTPUT.render(classes_table(split, rows))
