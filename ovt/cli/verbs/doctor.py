"""`ovt doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.errors import EXIT_MISSING

app = verb_app()


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the remote.")] = False,
) -> None:
    """Is everything here that ovt needs?"""
    from ovt.workflows.doctor import examine, mend

    findings = examine(project(), network=not offline)
    if fix:
        findings = mend(findings)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.doctor/1", "findings": [
            {"name": item.name, "ok": item.ok, "found": item.found, "fix": item.fix, "weight": item.weight}
            for item in findings]})
    else:
        OUTPUT.table(("", "what", "found", "fix"), [
            (_mark(item.ok, item.weight), item.name, item.found, item.fix) for item in findings])
    if any(not item.ok and item.weight == "needed" for item in findings):
        raise typer.Exit(EXIT_MISSING)


def _mark(ok: bool, weight: str) -> str:
    return "✓" if ok else "✗" if weight == "needed" else "–"
