"""`python -m ovt …`, and what `torchrun -m ovt run` starts."""

from __future__ import annotations

import sys

from ovt.cli.main import run

if __name__ == "__main__":
    # One name for the process, however it was started: messages say `ovt`.
    sys.argv[0] = "ovt"
    run()
