"""`ovt log`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.command()
def log(
    revisions: Annotated[list[str] | None, typer.Argument(help="Revisions or ranges (default: HEAD).")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.")] = 20,
) -> None:
    """The versions and their quality."""
    from ovt.versions.history import history
    from ovt.workflows.scores import headline

    found = project()
    versions = history(found, tuple(revisions or ("HEAD",)), limit)
    scores = [headline(found, version) for version in versions]
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.log/1", "versions": [
            {"commit": version.commit, "key": version.key, "subject": version.subject, "author": version.author,
             "when": version.when, "refs": list(version.refs), "state": version.state, "metrics": score}
            for version, score in zip(versions, scores, strict=True)
        ]})
        return
    tasks = sorted({task for score in scores for task in score})
    OUTPUT.table(
        ("version", "when", "author", *tasks, "model", "message"),
        [(
            (version.commit or "")[:10], datetime.fromtimestamp(version.when).astimezone().strftime("%Y-%m-%d %H:%M"),
            version.author, *(f"{score[task]:.4f}" if task in score else "–" for task in tasks), _state(version),
            f"{version.subject}{' (' + ', '.join(version.refs) + ')' if version.refs else ''}",
        ) for version, score in zip(versions, scores, strict=True)],
        right=frozenset(range(3, 3 + len(tasks))), drop=(2, 1),
    )


def _state(version: object) -> str:
    state = getattr(version, "state", "none")
    if state == "pending":
        return f"pending {100 * (getattr(version, 'progress', None) or 0):.0f} %"
    return "ready" if state == "ready" else "no model yet"
