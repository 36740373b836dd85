"""`ovt tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import UsageError

if TYPE_CHECKING:
    from ovt.project import Project

app = verb_app()


@app.command()
def tune(
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="How many (default: tuning.yaml).")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="How long (default: tuning.yaml).")] = None,
    jobs: Annotated[int | None, typer.Option(
        "--jobs", "-j", min=1, max=64, help="Trials at once (default: two where there are two cores).")] = None,
    show: Annotated[bool, typer.Option("--show", help="The trials so far and the reason for the choice.")] = False,
) -> None:
    """Search the choices of tuning.yaml and write tuning.lock.yaml."""
    found = project()
    if show:
        _show(found)
        return
    if minutes is not None and minutes <= 0:
        raise UsageError("no time to search", why=f"--minutes {minutes}", fix="a number above 0",
                         command="ovt tune --help")
    from ovt.workflows.tuning.tune import Effort
    from ovt.workflows.tuning.tune import tune as search

    with progress() as listener:
        search(found, listener, Effort(trials, minutes, jobs))
    OUTPUT.data((found.root / "tuning.lock.yaml").read_text(encoding="utf-8").rstrip())
    OUTPUT.next("ovt run   (the trials: ovt tune --show)")


def _show(found: Project) -> None:
    from ovt.render.tuning import trials_json, trials_table
    from ovt.workflows.tuning.trials import read_trials

    known = read_trials(found)
    rows = [(trial.result, trial.values, trial.chosen) for trial in known.trials]
    if OUTPUT.as_json:
        OUTPUT.json(trials_json(rows, known.reason, current=known.current))
        return
    if not known.current:
        OUTPUT.note("these trials answered an earlier question (other data, schema, spec or parent model)")
    OUTPUT.render(trials_table(rows))
    for result, _, _ in rows:
        if result.why:
            OUTPUT.note(f"trial {result.number}: {result.state}, {result.why}")
    OUTPUT.note(known.reason)
