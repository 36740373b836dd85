"""`ovt jobs [list|wait|cancel N|log N]`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app
from ovt.errors import EXIT_PROJECT

if TYPE_CHECKING:
    from ovt.project import Project
    from ovt.workflows.background.jobs import JobStatus, QueueStatus

app = verb_app()


@app.callback(invoke_without_command=True)
def jobs(ctx: typer.Context) -> None:
    """Background training: list, wait, cancel, log."""
    if ctx.invoked_subcommand is None:
        list_jobs()


@app.command("list")
def list_jobs() -> None:
    """The jobs, those that ended lately too."""
    from ovt.workflows.background.jobs import resume, status

    found = project()
    resume(found)
    show(status(found))


@app.command()
def wait(
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds (default: as long as it takes).")] = None,
) -> None:
    """Wait until nothing waits or trains."""
    wait_and_show(project(), timeout=timeout)


@app.command()
def cancel(number: Annotated[int, typer.Argument(help="Of the job.")]) -> None:
    """Take a job out of the queue, or stop it."""
    from ovt.workflows.background.jobs import cancel as stop

    job = stop(project(), number)
    OUTPUT.data(f"job {job.number} cancelled")


@app.command()
def log(number: Annotated[int, typer.Argument(help="Of the job.")]) -> None:
    """What a job has said so far."""
    from ovt.workflows.background.jobs import log as read_log

    OUTPUT.data(read_log(project(), number).rstrip("\n"))


def wait_and_show(found: Project, *, keys: tuple[str, ...] = (), timeout: float | None = None) -> None:
    """Wait for jobs (all, or those of some keys), then show the queue; a failed one ends in its exit code."""
    from ovt.workflows.background.jobs import wait as wait_for

    with progress() as listener:

        def listen(now: QueueStatus) -> None:
            for job in now.open:
                if job.progress:
                    listener.update(f"job {job.job.number}", f"{job.progress.stage}: {job.progress.message}",
                                    job.progress.fraction, 1.0)

        now = wait_for(found, timeout, keys=keys, listen=listen)
    show(now)
    if any(job.job.state == "failed" and job.job.key in keys for job in now.jobs):
        raise typer.Exit(EXIT_PROJECT)


def show(now: QueueStatus) -> None:
    """The queue as a table."""
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.jobs/1", "worker": now.worker, "jobs": [
            {"number": found.job.number, "commit": found.job.commit, "key": found.job.key, "state": found.job.state,
             "why": found.job.why, "progress": found.progress.fraction if found.progress else None,
             "seconds_left": found.seconds_left}
            for found in now.jobs]})
        return
    if not now.jobs:
        OUTPUT.data("no jobs")
        return
    OUTPUT.table(("job", "version", "state", "queued", "what"), [_row(found) for found in now.jobs],
                 right=frozenset({0}))


def _row(found: JobStatus) -> tuple[str, ...]:
    job = found.job
    now = f"{100 * found.progress.fraction:.0f} % {found.progress.stage}" if found.progress else job.why
    left = "" if found.seconds_left is None else f"about {_time(found.seconds_left)}"
    what = ", ".join(part for part in (now, f"{left} left" if left and found.progress else left) if part)
    queued = datetime.fromtimestamp(job.queued).astimezone().strftime("%Y-%m-%d %H:%M")
    return (str(job.number), job.commit[:10], job.state, queued, what)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
