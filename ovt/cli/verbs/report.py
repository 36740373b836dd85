"""`ovt report --html [REV | A..B]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import UsageError

app = verb_app()


@app.command()
def report(
    revisions: Annotated[str | None, typer.Argument(metavar="[REV|A..B]", help="Default: the workspace.")] = None,
    html: Annotated[bool, typer.Option("--html", help="As one HTML page that needs nothing else.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file.")] = None,
) -> None:
    """One version's quality as a page to look at: slices, trends, calibration, confusion, sources."""
    from ovt.storage.files import write_text
    from ovt.workflows.review.page import html_report

    if not html:
        raise UsageError("which form?", why="`ovt report` makes a page; `ovt show` prints the table", fix="ask for it",
                         command="ovt report --html --output report.html")
    page = html_report(project(), revisions)
    if output is None:
        OUTPUT.data(page.rstrip("\n"))
        return
    write_text(output, page)
    OUTPUT.note(f"{output}: {len(page.encode()) // 1024 + 1} KB, open it in a browser")
