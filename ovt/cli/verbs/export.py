"""`ovt export [REV] --output DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def export(
    revision: Annotated[str | None, typer.Argument(metavar="[REV]", help="Default: the workspace, or HEAD.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder.")] = Path("bundle"),
    variant: Annotated[str | None, typer.Option("--variant", metavar="NAME", help="Of the model's variants.")] = None,
    torch: Annotated[bool, typer.Option("--torch", help="Also a torch.export program.")] = False,
    mlflow: Annotated[bool, typer.Option("--mlflow", help="Also an MLflow python_function model.")] = False,
    int8: Annotated[bool, typer.Option("--int8/--no-int8", help="Serve int8 where it is faster and as good.")] = True,
) -> None:
    """A version as one folder that serves without torch: network, vocabularies, signature, quality, checksums."""
    from ovt.workflows.review.network import model_version
    from ovt.workflows.shipping.export import Wanted
    from ovt.workflows.shipping.export import export as write

    found = project()
    with progress() as listener:
        done = write(found, model_version(found, revision), output, Wanted(torch, mlflow, variant, int8), listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.export/1", "folder": str(output), "bytes": done.size, "manifest": done.manifest})
    else:
        OUTPUT.data(str(output))
    OUTPUT.note(f"{done.version.spec}: {len(done.manifest['files']) + 1} files, {done.size / 1e6:.1f} MB, "
                f"serves {done.manifest['network']}")
    OUTPUT.next(f"ovt predict --bundle {output} FILE.jsonl")
