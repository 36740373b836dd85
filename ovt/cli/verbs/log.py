"""`ovt log`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.quality.trend import Series

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.versions.history import Version

app = verb_app()


@app.command()
def log(
    revisions: Annotated[list[str] | None, typer.Argument(help="Revisions or ranges (default: HEAD).")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.")] = 20,
    slice_: Annotated[str | None, typer.Option("--slice", "-s", help="Follow this slice or tag.")] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="Follow this task.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", "-m", help="Follow this metric (default: primary).")] = None,
) -> None:
    """The versions and their quality."""
    from ovt.versions.history import history
    from ovt.versions.promotions import aliases_at
    from ovt.workflows.background.jobs import resume
    from ovt.workflows.review.scores import headlines

    found = project()
    resume(found)
    versions = history(found, tuple(revisions or ("HEAD",)), limit)
    if slice_ or task or metric:
        _follow(found, versions, Series(task or "", slice_, metric))
        return
    scores = headlines(found, versions)
    means = aliases_at(found, versions)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.log/1", "versions": [
            {"commit": version.commit, "key": version.key, "subject": version.subject, "author": version.author,
             "when": version.when, "refs": list(version.refs), "aliases": means.get(version.commit or "", []),
             "state": version.state, "metrics": score}
            for version, score in zip(versions, scores, strict=True)
        ]})
        return
    tasks = sorted({task for score in scores for task in score})
    OUTPUT.table(
        ("version", "when", "author", *tasks, "model", "message"),
        [(
            (version.commit or "")[:10], datetime.fromtimestamp(version.when).astimezone().strftime("%Y-%m-%d %H:%M"),
            version.author, *(f"{score[task]:.4f}" if task in score else "–" for task in tasks), _state(version),
            f"{version.subject}{_names(version, means)}",
        ) for version, score in zip(versions, scores, strict=True)],
        right=frozenset(range(3, 3 + len(tasks))), drop=(2, 1),
    )


def _follow(found: Project, versions: list[Version], asked: Series) -> None:
    """One metric over the versions."""
    from ovt.render.trend import headline, trend_json, trend_table
    from ovt.workflows.review.monitor import trend

    result = trend(found, versions, asked)
    if OUTPUT.as_json:
        OUTPUT.json(trend_json(result.task, result.slice, result.metric, result.versions, result.points))
        return
    OUTPUT.note(headline(result.task, result.slice, result.metric, result.points[::-1]))
    OUTPUT.render(trend_table(result.versions, result.points))


def _state(version: object) -> str:
    state = getattr(version, "state", "none")
    if state == "pending":
        return f"pending {100 * (getattr(version, 'progress', None) or 0):.0f} %"
    return "ready" if state == "ready" else "no model yet"


def _names(version: Version, means: dict[str, list[str]]) -> str:
    """What means or names a version: aliases first, with the mark of something that is in use."""
    from ovt.versions.promotions import plain_refs

    names = [f"► {alias}" for alias in means.get(version.commit or "", [])] + plain_refs(version)
    return f" ({', '.join(names)})" if names else ""
