"""`ovt add PATH…`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.workflows.committing.logs import TakenIn

app = verb_app()


@app.command()
def add(
    paths: Annotated[list[Path] | None, typer.Argument(
        metavar="PATH…", help="Files or folders: data/, labelers/x.py, a JSONL file…")] = None,
    note: Annotated[str | None, typer.Option(help="How these labels were collected (files of supervision/).")] = None,
    logs: Annotated[Path | None, typer.Option(
        "--logs", metavar="DIR", help="Records that `ovt serve --log DIR` wrote.")] = None,
) -> None:
    """Put records, labels or tags under version control: bulk to DVC, the rest to Git's index."""
    from ovt.workflows.committing.add import Added
    from ovt.workflows.committing.add import add as add_paths

    found = project()
    wanted = [OUTPUT.folder / path for path in paths or ()]
    taken = None
    if logs is not None:
        from ovt.workflows.committing.logs import take_in_logs

        taken = take_in_logs(found, OUTPUT.folder / logs)
        wanted += [found.root / name for name in taken.files]
        _tell(taken)
    elif not wanted:
        raise UsageError("nothing to add", fix="name files or folders", command="ovt add data labelers")
    result = add_paths(found, wanted, note) if wanted else Added((), (), ())
    if OUTPUT.as_json:
        told_logs = {"logs": {"new": taken.new, "known": taken.known, "bad": taken.bad}} if taken else {}
        OUTPUT.json({"format": "ovt.add/1", "copied": list(result.copied), "tracked": list(result.tracked),
                     "staged": list(result.staged), "described": list(result.described), **told_logs})
        return
    told = (("copied", result.copied), ("tracked by DVC", result.tracked), ("staged", result.staged),
            ("guideline noted", result.described))
    for word, done in told:
        for path in done:
            OUTPUT.data(f"{path}: {word}")
    OUTPUT.next("ovt run")


def _tell(taken: TakenIn) -> None:
    OUTPUT.note(f"{taken.new} new records, {taken.known} known already"
                + (f", {taken.bad} that are no records of the schema:" if taken.bad else ""))
    for problem in taken.problems:
        OUTPUT.note(f"  {problem}")
