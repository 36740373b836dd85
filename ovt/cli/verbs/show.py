"""`ovt show [REV]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import MissingError, UsageError, nearest

app = verb_app()


@app.command()
def show(
    revision: Annotated[str | None, typer.Argument(metavar="[REV]", help="Default: the workspace, or HEAD.")] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="Only this task, with its mistakes.")] = None,
    split: Annotated[str, typer.Option("--split", metavar="dev|test", help="Which records.")] = "test",
    tags: Annotated[bool, typer.Option("--tags", help="Every tag too, not slices alone.")] = False,
) -> None:
    """One version's quality report."""
    from ovt.render.show import confusion_table, quality_table
    from ovt.versions.artifacts import read_report
    from ovt.versions.history import resolve

    found = project()
    version = resolve(found, revision or "workspace")
    if revision is None and version.report is None:
        version = resolve(found, "HEAD")
    report = read_report(found, version, "quality.json")
    if report is None:
        raise MissingError(f"{version.spec} has no model yet", fix="train one", command="ovt run")
    if task is not None and task not in report["tasks"]:
        raise UsageError(f"no task `{task}` in this report", why=nearest(task, report["tasks"]), command="ovt show")
    if OUTPUT.as_json:
        OUTPUT.json(report)
        return
    kinds = ("overall", "slices", "tags") if tags else ("overall", "slices")
    OUTPUT.note(f"{version.spec} {(version.commit or '')[:10]} {version.subject}".rstrip())
    OUTPUT.render(quality_table(report, split=split, task=task, kinds=kinds))  # type: ignore[arg-type]
    if task is not None and split in report["tasks"][task]["splits"]:
        OUTPUT.render(confusion_table(report["tasks"][task]["splits"][split]["overall"]))
