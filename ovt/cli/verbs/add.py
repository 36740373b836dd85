"""`ovt add PATH…`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: data/, labelers/x.py, a JSONL file…")],
    note: Annotated[str | None, typer.Option(help="How these labels were collected (files of supervision/).")] = None,
) -> None:
    """Put records, labels or tags under version control: bulk to DVC, the rest to Git's index."""
    from ovt.workflows.committing.add import add as add_paths

    found = project()
    result = add_paths(found, [OUTPUT.folder / path for path in paths], note)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.add/1", "copied": list(result.copied), "tracked": list(result.tracked),
                     "staged": list(result.staged), "described": list(result.described)})
        return
    told = (("copied", result.copied), ("tracked by DVC", result.tracked), ("staged", result.staged),
            ("guideline noted", result.described))
    for word, done in told:
        for path in done:
            OUTPUT.data(f"{path}: {word}")
    OUTPUT.next("ovt run")
