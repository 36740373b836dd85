"""`ovt fsck`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import EXIT_FINDING

if TYPE_CHECKING:
    from ovt.versions.safety.fsck import Checked, Fault

app = verb_app()


@app.command()
def fsck(
    revisions: Annotated[list[str] | None, typer.Option("--rev", help="Only these (default: all).")] = None,
    remote: Annotated[bool, typer.Option("--remote", help="The remote's copies too.")] = False,
    name: Annotated[str | None, typer.Option("--remote-name", help="Which (default: the project's).")] = None,
    heal: Annotated[bool, typer.Option("--heal", help="Mend from a good second copy.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Read what was read before, too.")] = False,
) -> None:
    """Is every object of every version here, and right?"""
    from ovt.versions.safety.fsck import Options
    from ovt.versions.safety.fsck import fsck as check

    options = Options(tuple(revisions or ()), remote or name is not None, name, heal, again)
    with progress() as listener:
        found = check(project(), listener, options)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.fsck/1", "clean": found.clean, **{
            key: value for key, value in asdict(found).items() if key != "faults"},
            "faults": [asdict(fault) for fault in found.faults]})
    else:
        _show(found)
    if not found.clean:
        raise typer.Exit(EXIT_FINDING)


def _show(found: Checked) -> None:
    if found.faults:
        OUTPUT.table(("what", "where", "version", "what to do"), [_row(fault) for fault in found.faults])
    OUTPUT.note(f"{found.objects:,} objects looked at, {found.read / 1024**2:,.1f} MiB read"
                + (f", and the remote {found.remote}" if found.remote else ""))
    if found.elsewhere:
        held = "on the remote" if found.remote else "the remote should have them"
        OUTPUT.note(f"{found.elsewhere:,} are not on this machine, {held}"
                    + ("" if found.remote else " · ovt fsck --remote looks"))
    if found.only_here:
        OUTPUT.note(f"{found.only_here:,} are on this machine alone · ovt push sends those of a version")
    if found.clean:
        OUTPUT.data("all is right" if not found.faults else "all is right again")


def _row(fault: Fault) -> tuple[str, ...]:
    what = f"{fault.kind}, healed" if fault.healed else fault.kind
    return what, fault.path, fault.version[:10], fault.advice
