"""`ovt gc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.versions.safety.gc import Garbage, Plan

app = verb_app()


@app.command()
def gc(
    yes: Annotated[bool, typer.Option("--yes", help="Remove it (default: only tell).")] = False,
    keep_days: Annotated[float, typer.Option("--keep-days", min=0, help="Keep what is younger.")] = 14,
    only_copies: Annotated[bool, typer.Option("--only-copies", help="Also what exists nowhere else.")] = False,
    also: Annotated[list[Path] | None, typer.Option("--also", help="A project with the same cache.")] = None,
) -> None:
    """Make room: remove objects that no version needs, and old caches."""
    from ovt.versions.safety.gc import Rules, collect, plan

    rules = Rules(keep_days, only_copies, tuple(also or ()))
    with progress() as listener:
        found = (collect if yes else plan)(project(), listener, rules)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.gc/1", "removed": found.removed, "freed": found.freed,
                     "objects": [item.digest for item in found.objects], "files": len(found.files),
                     "kept": {"needed": found.needed, "young": found.young,
                              "only_copy": [item.digest for item in found.only]}})
        return
    _show(found, keep_days)
    if not yes and (found.objects or found.files):
        named = "".join(f" --also {folder}" for folder in rules.also)
        OUTPUT.next(f"ovt gc --yes --keep-days {keep_days:g}{' --only-copies' if only_copies else ''}{named}")


def _show(found: Plan, keep_days: float) -> None:
    verb = "removed" if found.removed else "would go"
    OUTPUT.table(("what", "number", "size", ""), [
        ("objects no version needs", f"{len(found.objects):,}", _size(found.objects), verb),
        ("old files of .ovt/", f"{len(found.files):,}", _size(found.files), verb),
        ("objects a version needs", f"{found.needed:,}", "", "kept"),
        (f"objects younger than {keep_days:g} days", f"{found.young:,}", "", "kept"),
        ("objects that exist nowhere else", f"{len(found.only):,}", _size(found.only), "kept"),
    ], right=frozenset({1, 2}))
    if found.only:
        OUTPUT.note("no version needs those, and no remote has them; --only-copies removes them for good")
    OUTPUT.note(f"{'freed' if found.removed else 'this would free'} {_bytes(found.freed)}")


def _size(items: Iterable[Garbage]) -> str:
    return _bytes(sum(item.size for item in items))


def _bytes(count: int) -> str:
    return f"{count / 1024**3:,.2f} GiB" if count >= 1024**3 else f"{count / 1024**2:,.2f} MiB"
