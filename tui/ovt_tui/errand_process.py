"""The other side of `ovt_tui.errands`: does one errand and tells about it, a line of JSON at a time.

Called as `python -m ovt_tui.errand_process FOLDER`, then `run`, `commit MESSAGE` or `fetch REVISION`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ovt.errors import EXIT_INTERRUPTED, EXIT_OK, InternalError, OvtError
from ovt.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.progress import Progress

PACE = 0.1
"""Seconds between two lines of progress of one stage; more could not be read."""


class Teller:
    """Progress as lines of JSON."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told = ("", 0.0)

    def say(self, **value: Any) -> None:
        """One line."""
        self._out.write(json.dumps(value) + "\n")
        self._out.flush()

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on; of a stage that hurries, not every line."""
        before, when = self._told
        now = time.monotonic()
        if stage == before and now - when < PACE and (done is None or done != total):
            return
        self._told = (stage, now)
        self.say(update=[stage, message, done, total])

    def note(self, text: str) -> None:
        """Pass it on."""
        self.say(note=text)


def run(project: Project, progress: Progress) -> dict[str, Any]:
    """`ovt run`: what happened to each stage."""
    from ovt.workflows.run import run_all

    return {"stages": {stage.name: stage.action for stage in run_all(project, progress).stages}}


def commit(project: Project, progress: Progress, message: str) -> dict[str, Any]:
    """`ovt commit`: the run can be interrupted, the commit that follows it cannot."""
    from ovt.storage.git import Git
    from ovt.workflows.committing import commit as workflow
    from ovt.workflows.sharing.pinning import pin_predictions

    with Git(project.root) as git:
        workflow.refuse_partly_staged(git, project)
    pin_predictions(project, progress)
    stages = run(project, progress)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from here on Git writes; its own process inherits this
    progress.update("commit", "recording inputs and results as one version")
    made = workflow.commit(project, message, progress)
    return {**stages, "commit": made.commit, "files": len(made.files), "first": made.first}


def fetch(project: Project, progress: Progress, revision: str) -> dict[str, Any]:
    """Get a version's report, predictions and all else that `ovt pull` gets, but leave the working tree alone.

    Raises:
        MissingError: nobody has pushed a model for it, or its objects are out of reach.
    """
    from ovt.errors import MissingError
    from ovt.versions.history import resolve
    from ovt.workflows.sharing.checkout import bring_objects
    from ovt.workflows.sharing.share import fetch_runs

    progress.update("fetch", "looking for runs on the Git remote")
    runs = fetch_runs(project)
    version = resolve(project, revision)
    if version.report is None:
        command = "ovt jobs wait" if version.state == "pending" else f"ovt run --rev {revision}"
        raise MissingError(f"no model of {revision[:12]} was found", why="there is no run of it here or on the remote",
                           fix="push it from where it was trained, or train it here", command=command)
    progress.update("fetch", "looking for what DVC's cache lacks")
    return {"runs": runs, "objects": bring_objects(project, version, progress)}


ERRANDS: dict[str, Callable[..., dict[str, Any]]] = {"run": run, "commit": commit, "fetch": fetch}


def main(arguments: list[str]) -> int:
    """Do an errand; the exit code is that of the same work in a shell."""
    teller = Teller(_own_output())
    folder, name, *about = arguments
    try:
        teller.say(answer=ERRANDS[name](Project.find(Path(folder)), teller, *about))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last net: whoever waits must hear of it
        told = error if isinstance(error, OvtError) else _bug(error, Path(folder))
        teller.say(error={"kind": type(told).__name__, "what": told.what, "at": told.at, "why": told.why,
                          "fix": told.fix, "command": told.command})
        return told.exit_code
    return EXIT_OK


def _bug(error: Exception, folder: Path) -> InternalError:
    from ovt.workflows.crash import write_crash_log

    log = write_crash_log(folder, traceback.format_exc())
    return InternalError(f"a bug in ovt: {type(error).__name__}: {error}", at=str(log) if log else None,
                         fix="please report it with that file", command="ovt doctor")


def _own_output() -> TextIO:
    """Standard output for us alone: a labeling function that prints must not come between our lines."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
