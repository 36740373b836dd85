"""`ovt resolve [--ours|--theirs]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.workflows.sharing.resolving import Resolved

app = verb_app()


@app.command()
def resolve(
    ours: Annotated[bool, typer.Option("--ours", help="Where both changed the same label, what is here.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="… what comes in.")] = False,
) -> None:
    """Merge what a merge left in conflict: lock and reports, records, labels and tags; nobody edits a lock by hand."""
    from ovt.workflows.sharing.resolving import resolve_conflicts

    if ours and theirs:
        raise UsageError("--ours and --theirs exclude each other", command="ovt resolve --help")
    with progress() as listener:
        found = resolve_conflicts(project(), listener, prefer="ours" if ours else "theirs" if theirs else None)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.resolve/1", "merged": list(found.merged), "others": list(found.others),
                     "undecided": {path: [{"what": item.what, "here": item.here, "there": item.there}
                                          for item in items] for path, items in found.undecided.items()},
                     "problems": [str(error) for error in found.problems]})
    else:
        _tell(found)
    if not found.done:
        raise typer.Exit(3 if not found.problems else found.problems[0].exit_code)


def _tell(found: Resolved) -> None:
    for path in found.merged:
        OUTPUT.data(f"merged {path}")
    for path, conflicts in found.undecided.items():
        for conflict in conflicts:
            OUTPUT.data(f"undecided {path}: {conflict}")
    for path in found.others:
        OUTPUT.data(f"yours {path}")
    for error in found.problems:
        OUTPUT.error(error)
    if found.undecided:
        OUTPUT.next("ovt resolve --theirs   (or --ours, or edit the files and ovt add them)")
    elif found.others:
        OUTPUT.next(f"git add {found.others[0]}   (when it is as it should be)")
    elif found.merged:
        OUTPUT.next("ovt run && ovt commit -m MESSAGE")
    elif not found.problems:
        OUTPUT.data("nothing is in conflict")
