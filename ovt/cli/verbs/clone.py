"""`ovt clone URL [DIR]`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, verb_app

if TYPE_CHECKING:
    from ovt.workflows.sharing.cloning import Cloned, ClonedProject

app = verb_app()


@app.command()
def clone(
    url: Annotated[str, typer.Argument(help="As for `git clone`.")],
    directory: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Default: the repository's name.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", "-b", help="Check this one out.")] = None,
    no_data: Annotated[bool, typer.Option("--no-data", help="Leave data and model where they are.")] = False,
    hooks: Annotated[bool | None, typer.Option(
        "--hooks/--no-hooks", help="Install the Git hooks. Without it: asked on a terminal, else no.")] = None,
) -> None:
    """Clone a repository, with the data and model of its newest version. Nothing of it is executed."""
    from ovt.workflows.sharing.cloning import clone as bring

    # The option -C is called `folder` inside, and would take an argument of that name for its own.
    target = OUTPUT.folder / directory if directory else None
    with progress() as listener:
        result = bring(url, target, listener, branch=branch, data=not no_data)
    _hooks(result, hooks)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.clone/1", "folder": str(result.folder), "runs": result.runs, "projects": [
            {"folder": str(found.project.root), "objects": found.objects, "model": found.model,
             "problem": found.problem.what if found.problem else None} for found in result.projects]})
    else:
        _tell(result, no_data=no_data)
    problem = next((found.problem for found in result.projects if found.problem), None)
    if problem is not None:
        raise typer.Exit(problem.exit_code)


def _hooks(result: Cloned, wanted: bool | None) -> None:
    if not result.projects:
        return
    if wanted is None and sys.stdin.isatty() and sys.stderr.isatty() and not OUTPUT.as_json:
        wanted = typer.confirm("install ovt's Git hooks (they check commits and train in the background)?", err=True)
    if not wanted:
        return
    from ovt.workflows.hooks.install import install

    for found in result.projects:
        for line in install(found.project):
            OUTPUT.note(line)


def _tell(result: Cloned, *, no_data: bool) -> None:
    if not result.projects:
        OUTPUT.data(f"{result.folder.name}: cloned, but there is no ovt project in it")
        OUTPUT.next(f"ovt init {_shown(result.folder)}")
        return
    for found in result.projects:
        OUTPUT.data(f"{_name(result, found)}: {_state(found, no_data=no_data)}, {result.runs} runs")
        if found.problem is not None:
            OUTPUT.error(found.problem)
    first = result.projects[0]
    verb = "ovt log" if no_data or first.problem else "ovt show" if first.model else "ovt run"
    OUTPUT.next(f"cd {_shown(first.project.root)} && {verb}   (hooks: ovt hooks install)")


def _state(found: ClonedProject, *, no_data: bool) -> str:
    if found.problem is not None:
        return "cloned without data; versions can be listed, compared and checked"
    if no_data:
        return "cloned without data, as asked"
    return f"{found.objects} objects fetched" + ("" if found.model else ", no model yet")


def _name(result: Cloned, found: ClonedProject) -> str:
    return (Path(result.folder.name) / found.project.root.relative_to(result.folder)).as_posix()


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return shlex.quote(str(folder.relative_to(here) if folder.is_relative_to(here) else folder))
