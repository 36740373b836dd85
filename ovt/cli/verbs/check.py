"""`ovt check [BASE]`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.quality.policy.verdict import CheckResult

app = verb_app()
FORMAT_HELP = "text|md|json|junit|sarif|github|codequality|openmetrics|badge"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@app.command()
def check(
    base: Annotated[str | None, typer.Argument(metavar="[BASE]", help="Default: where this branch left main.")] = None,
    head: Annotated[str | None, typer.Option("--head", metavar="REV", help="Judge this version, not HEAD.")] = None,
    form: Annotated[list[str] | None, typer.Option(
        "--format", metavar=FORMAT_HELP, help="How to tell it; may be repeated, one for each --output.")] = None,
    output: Annotated[list[str] | None, typer.Option(
        "--output", "-o", metavar="[FORMAT:]FILE", help="Write a file, its format by its ending; may be repeated.",
    )] = None,
    blame: Annotated[bool, typer.Option("--blame", help="Find out which changed source made it worse.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Train both with more seeds, compare those.")] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0, help="Time for --blame or --confirm, each.")] = 20,
    fetch: Annotated[bool, typer.Option("--fetch", help="First fetch what both versions need.")] = False,
    train: Annotated[bool, typer.Option("--train", help="And train a version that nobody has a model of.")] = False,
    post: Annotated[str | None, typer.Option("--post", metavar="github", help="Comment on the pull request.")] = None,
) -> None:
    """The verdict on a change: exit 0 pass or advisory, 1 a finding, 4 cannot compare."""
    from ovt.render.checks.formats import targets
    from ovt.workflows.checking.check import Extras
    from ovt.workflows.checking.check import check as judge

    if post not in {None, "github"}:
        raise UsageError(f"cannot post to `{post}`", why="known: github", command="ovt check --post github")
    wanted = targets(form or (), output or (), "json" if OUTPUT.as_json else "text")
    found = project()
    with progress() as listener:
        if fetch or train:
            from ovt.workflows.checking.readiness import make_ready

            make_ready(found, base, head, listener, train=train)
        result = judge(found, base, head, extras=Extras(blame, confirm, minutes), progress=listener)
    for target in wanted:
        _write(result, target.form, target.path)
    if post:
        _post(found, result)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _write(result: CheckResult, form: str, path: str) -> None:
    from ovt.render.checks.formats import STDOUT, render
    from ovt.storage.files import write_text

    text = render(result, form)
    if path != STDOUT:
        write_text(Path(path), text)
    elif text:
        OUTPUT.data(text.rstrip("\n"))
    if form == "github":
        _append_summary(result)


def _append_summary(result: CheckResult) -> None:
    """The page that GitHub shows for the run, where this runs there."""
    from ovt.render.checks.formats import render

    path = os.environ.get(STEP_SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(render(result, "md"))
    except OSError as error:
        OUTPUT.note(f"the step summary could not be written: {error.strerror}")


def _post(found: Project, result: CheckResult) -> None:
    """A comment that cannot be posted changes no verdict."""
    from ovt.workflows.checking.post import post_check

    for line in post_check(found, result):
        OUTPUT.note(line)
