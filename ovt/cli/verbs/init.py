"""`ovt init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, verb_app
from ovt.errors import UsageError

app = verb_app()


@app.command()
def init(
    paths: Annotated[list[Path] | None, typer.Argument(
        metavar="[DIR]", help="Where (default: here); after --data more data files.")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t", help=(
        "factoid (default), classify, tag, intent-slots, link or blank."))] = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="Your schema; without one it is proposed.")] = None,
    data: Annotated[list[Path] | None, typer.Option("--data", help="JSONL, CSV or Parquet; may be repeated.")] = None,
    no_hooks: Annotated[bool, typer.Option("--no-hooks", help="Leave the Git hooks alone.")] = False,
) -> None:
    """Start a project: from a starter, or from your data."""
    from ovt.workflows.starting.init import InitRequest, initialise

    target, files = _targets(tuple(paths or ()), tuple(data or ()))
    request = InitRequest(target, template, schema, files, not no_hooks)
    with progress() as listener:
        result = initialise(request, listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.init/1", "root": str(result.root), "told": list(result.told),
                     "estimate_seconds": result.estimate_seconds})
        return
    OUTPUT.data(f"project in {result.root}")
    for line in result.told:
        OUTPUT.data(f"  {line}")
    if result.estimate_seconds:
        OUTPUT.data(f"  the first run takes about {result.estimate_seconds} seconds here")
    OUTPUT.next(result.next[0] if result.next else "ovt run")


def _targets(loose: tuple[Path, ...], data: tuple[Path, ...]) -> tuple[Path, tuple[Path, ...]]:
    """`--data A B C` reaches us as one option and loose arguments: files are data, a folder is the target.

    Raises:
        UsageError: more than one target.
    """
    more = tuple(path for path in loose if path.is_file()) if data else ()
    folders = [path for path in loose if path not in more]
    if len(folders) > 1:
        raise UsageError(f"two folders: {folders[0]} and {folders[1]}", fix="name one", command="ovt init --help")
    return OUTPUT.folder / folders[0] if folders else OUTPUT.folder, (*data, *more)
