"""`ovt hooks install|uninstall|status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import EXIT_FINDING, UsageError, nearest

if TYPE_CHECKING:
    from ovt.workflows.hooks.managers import Manager

app = verb_app()


@app.command()
def install(
    manager: Annotated[str | None, typer.Option(
        "--with", metavar="pre-commit|lefthook|husky|git-config", help="Let this hook manager run them.")] = None,
    server: Annotated[bool, typer.Option("--server", help="Of a bare repository: judge what is pushed.")] = False,
    branch: Annotated[list[str] | None, typer.Option(
        "--branch", metavar="NAME", help="With --server: a branch that is judged (main); may be repeated.")] = None,
) -> None:
    """Put the Git hooks in place; an existing hook is kept and runs first."""
    if server:
        from ovt.workflows.hooks.server import install_server

        _tell(install_server(OUTPUT.folder, tuple(branch or ("main",))), "")
        OUTPUT.next("ovt hooks status")
        return
    if branch:
        raise UsageError("--branch is about --server", command="ovt hooks install --help")
    from ovt.workflows.hooks.install import install as put_in

    _tell(put_in(project(), _known(manager)), "the hooks are in place already")
    OUTPUT.next('git commit -m "…"')


@app.command()
def uninstall() -> None:
    """Take them out; what was there before comes back byte for byte."""
    from ovt.workflows.hooks.server import is_server, uninstall_server

    if is_server(OUTPUT.folder):
        _tell(uninstall_server(OUTPUT.folder), "there is none of ovt's hooks")
        return
    from ovt.workflows.hooks.install import uninstall as take_out

    _tell(take_out(project()), "there are none of ovt's hooks")
    OUTPUT.next('ovt commit -m "…"')


@app.command()
def status() -> None:
    """Which hooks are in place, and what to do if one is not; exit 1 then."""
    from ovt.workflows.hooks.server import is_server, server_status

    if is_server(OUTPUT.folder):
        found = server_status(OUTPUT.folder)
        OUTPUT.table(("hook", "state", "branches", "path"),
                     [("pre-receive", found.state, ", ".join(found.branches), str(found.path))])
        return
    from ovt.workflows.hooks.install import overview

    seen = overview(project())
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.hooks/1", "hooks": [
            {**asdict(hook), "path": str(hook.path)} for hook in seen.hooks], "manager": seen.manager,
            "projects": list(seen.projects), "python": seen.python, "merge_drivers": seen.merge_drivers,
            "advice": list(seen.advice)})
    else:
        OUTPUT.table(("hook", "state", "runs before it", "path"), [
            (hook.event, hook.state if hook.state != "through" else f"through {seen.manager or hook.owner}",
             "yes" if hook.chained else "–", str(hook.path)) for hook in seen.hooks])
        drivers = "set" if seen.merge_drivers else "not set"
        OUTPUT.note(f"merge drivers: {drivers} · {seen.python or 'no Python chosen'}")
        for line in seen.advice:
            OUTPUT.next(line)
    if seen.advice:
        raise typer.Exit(EXIT_FINDING)


def _known(name: str | None) -> Manager | None:
    from ovt.workflows.hooks.managers import MANAGERS

    if name is None:
        return None
    found = next((manager for manager in MANAGERS if manager == name), None)
    if found is None:
        raise UsageError(f"no hook manager `{name}`", why=nearest(name, MANAGERS), command="ovt hooks install --help")
    return found


def _tell(lines: tuple[str, ...], nothing: str) -> None:
    for line in lines or (nothing,):
        OUTPUT.data(line)
