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
) -> None:
    """Put records, labels or tags under version control: bulk to DVC, the rest to Git's index."""
    from ovt.workflows.add import add as add_paths

    found = project()
    result = add_paths(found, [OUTPUT.folder / path for path in paths])
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.add/1", "copied": list(result.copied), "tracked": list(result.tracked),
                     "staged": list(result.staged)})
        return
    told = (("copied", result.copied), ("tracked by DVC", result.tracked), ("staged", result.staged))
    for word, done in told:
        for path in done:
            OUTPUT.data(f"{path}: {word}")
    OUTPUT.next("ovt run")
