"""`ovt check [BASE]`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError, nearest

app = verb_app()
FORMATS = ("text", "md", "json")


@app.command()
def check(
    base: Annotated[str | None, typer.Argument(metavar="[BASE]", help="Default: where this branch left main.")] = None,
    form: Annotated[str | None, typer.Option("--format", metavar="text|md|json", help="How to tell it.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """The verdict on a change: exit 0 pass or advisory, 1 a regression, 4 cannot compare."""
    from ovt.render.as_json import check_json
    from ovt.render.markdown import check_markdown
    from ovt.workflows.check import check as judge

    chosen = form or ("json" if OUTPUT.as_json else "text")
    if chosen not in FORMATS:
        raise UsageError(f"no format `{chosen}`", why=nearest(chosen, FORMATS), command="ovt check --help")
    result = judge(project(), base)
    if chosen == "text":
        text = "\n".join([result.verdict.upper(), *(f"  {reason}" for reason in result.reasons),
                          *(f"  note: {note}" for note in result.diff.notes)])
    else:
        markdown = chosen == "md"
        text = check_markdown(result) if markdown else json.dumps(check_json(result), ensure_ascii=False, indent=1)
    if output:
        output.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    else:
        OUTPUT.data(text.rstrip("\n"))
    if result.exit_code:
        raise typer.Exit(result.exit_code)
