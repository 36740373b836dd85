"""`ovt doctor`."""

from __future__ import annotations

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.command()
def doctor() -> None:
    """Is everything here that ovt needs?"""
    from ovt.workflows.doctor import examine

    findings = examine(project())
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.doctor/1", "findings": [
            {"name": item.name, "ok": item.ok, "found": item.found, "fix": item.fix} for item in findings]})
    else:
        OUTPUT.table(("", "what", "found", "fix"), [
            ("✓" if item.ok else "✗", item.name, item.found, item.fix) for item in findings])
    if any(not item.ok and item.name not in {"remote", "hooks"} for item in findings):
        raise typer.Exit(4)
