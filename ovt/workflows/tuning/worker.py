"""One process of a search: `python -m ovt.workflows.tuning.worker ROOT [PARENT]`, jobs on stdin, results on stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(root: str, parent: str = "") -> None:
    """Train what is asked for, until nobody asks any more."""
    from ovt.project import Project
    from ovt.training.tuning.crew import serve
    from ovt.workflows.tuning.tune import bench_maker

    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not stand among the results
    bench = bench_maker(Project(Path(root)), Path(parent) if parent else None)()

    def say(line: bytes) -> None:
        out.write(line + b"\n")

    try:
        serve(bench, sys.stdin.buffer, say)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)  # whoever asked is gone, or was interrupted too


if __name__ == "__main__":
    main(*sys.argv[1:])
