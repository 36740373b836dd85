"""`ovt ci init github|gitlab|jenkins`, `ovt ci post github`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import verb_app
from ovt.errors import UsageError

app = verb_app()


@app.callback()
def ci() -> None:
    """The check on every pull request."""


@app.command()
def init(
    service: Annotated[str, typer.Argument(metavar="github|gitlab|jenkins", help="Where pull requests are.")],
    on_missing: Annotated[str, typer.Option("--on-missing", metavar="train|fail", help=(
        "Where nobody pushed a model: train it in CI, or fail with the command to type."))] = "train",
    install: Annotated[str | None, typer.Option("--install", metavar="COMMAND", help=(
        "How CI installs ovt (default: this version from the package index)."))] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Write over changed files.")] = False,
) -> None:
    """Write the workflow files that check every pull request, and main on a schedule."""
    from ovt.cli.session import project
    from ovt.workflows.checking.ci_init import CiRequest, ci_init

    if on_missing not in {"train", "fail"}:
        raise UsageError(f"no way to go on `{on_missing}`", why="known: fail, train", command="ovt ci init --help")
    way = cast("Literal['train', 'fail']", on_missing)
    result = ci_init(project(), CiRequest(service, way, install, force))
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.ci/1", "files": [{"path": file.path, "state": file.state} for file in result.files],
                     "todo": list(result.todo)})
        return
    for file in result.files:
        OUTPUT.data(f"{file.state}\t{file.path}")
    for line in result.todo:
        OUTPUT.note(f"to do: {line}")
    OUTPUT.next(result.next)


@app.command()
def post(
    service: Annotated[str, typer.Argument(metavar="github", help="Where.")],
    report: Annotated[Path, typer.Option("--report", help="The Markdown that another job wrote.")],
    key: Annotated[str, typer.Option("--key", help="Of the project, where a repository has several.")] = "",
) -> None:
    """Post a report as a comment that is kept up to date; for a job that runs nothing of the pull request."""
    from ovt.workflows.checking.post import post_report

    if service != "github":
        raise UsageError(f"cannot post to `{service}`", why="known: github", command="ovt ci post github --help")
    for line in post_report(report, key):
        OUTPUT.note(line)
