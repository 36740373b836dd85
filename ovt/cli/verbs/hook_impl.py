"""`ovt hook-impl EVENT …`: what the shim calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, verb_app

app = verb_app()


@app.command(context_settings={"ignore_unknown_options": True})
def hook_impl(
    event: Annotated[str, typer.Argument()], arguments: Annotated[list[str] | None, typer.Argument()] = None,
) -> None:
    """Run one of ovt's Git hooks."""
    os.environ["GIT_TERMINAL_PROMPT"] = "0"  # a hook asks nobody
    if event == "pre-receive":
        from ovt.workflows.hooks.receive import pre_receive

        result = pre_receive(Path.cwd(), sys.stdin.read(), os.environ)
    else:
        from ovt.workflows.hooks.events import READS_STDIN
        from ovt.workflows.hooks.events import hook_impl as run

        content = sys.stdin.read() if event in READS_STDIN else ""
        with progress() as listener:
            result = run(event, arguments or [], listener, content=content)
    for line in result.lines:
        OUTPUT.note(line)
    if result.code:
        raise typer.Exit(result.code)
