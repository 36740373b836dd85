"""`ovt predict [--rev R | --bundle DIR] FILE|-`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import patient_progress, project, verb_app
from ovt.errors import EXIT_FINDING, UsageError

FORMATS = ("jsonl", "parquet")
SHOWN = 20
"""Lines that are no record of which each is told."""
app = verb_app()


@app.command()
def predict(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, `-` for stdin.")],
    revision: Annotated[str | None, typer.Option("--rev", metavar="REV", help="Whose model.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", metavar="DIR", help="What `ovt export` wrote.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")] = None,
    form: Annotated[str | None, typer.Option("--format", metavar="jsonl|parquet", help="As FILE ends.")] = None,
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Default: all cores.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a line is no record.")] = False,
) -> None:
    """Answer a stream of records, in order; lines that are no record are told and left out."""
    from ovt.workflows.shipping.predict import predict_stream

    wanted = form or ("parquet" if output is not None and output.suffix == ".parquet" else "jsonl")
    if wanted not in FORMATS:
        raise UsageError(f"no format `{wanted}`", why=f"known: {', '.join(FORMATS)}", command="ovt predict --help")
    if wanted == "parquet" and output is None:
        raise UsageError("Parquet goes into a file", why="its index is written last, at a place that stdout lacks",
                         fix="name one", command=f"ovt predict {file} --output predictions.parquet")
    told = 0

    def tell(text: str) -> None:
        nonlocal told
        told += 1
        if told <= SHOWN:
            OUTPUT.note(text)

    folder = bundle or _cached(revision)
    count, bad = predict_stream(folder, file, output, wanted, tell, processes)
    OUTPUT.note(f"answered {count:,} {'record' if count == 1 else 'records'}{_left_out(bad)}")
    if output is not None and wanted == "jsonl":
        OUTPUT.next(f"head -n 1 {output}")
    if bad and strict:
        raise typer.Exit(EXIT_FINDING)


def _left_out(bad: int) -> str:
    if not bad:
        return ""
    if bad == 1:
        return "; 1 line is no record of the schema and was left out"
    return f"; {bad:,} lines are no records of the schema and were left out"


def _cached(revision: str | None) -> Path:
    from ovt.workflows.review.network import model_version
    from ovt.workflows.shipping.export import cached_bundle

    found = project()
    with patient_progress() as listener:
        return cached_bundle(found, model_version(found, revision), listener)
