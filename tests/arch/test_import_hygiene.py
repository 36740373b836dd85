"""Commands that only read start fast: they import none of the heavy packages (checked in a real process)."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "dvc", "boto3", "git", "sklearn", "optuna")


def _imported(code: str) -> list[str]:
    script = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return list(eval(done.stdout.strip().splitlines()[-1]))  # our own list, printed above


@pytest.mark.parametrize("module", [
    "ovt", "ovt.cli.main", "ovt.workflows.run", "ovt.workflows.review.compare", "ovt.workflows.checking.check", "ovt.workflows.starting.init",
    "ovt.workflows.committing.commit", "ovt.versions.history", "ovt.versions.artifacts", "ovt.storage.git", "ovt.storage.dvc",
    "ovt.render.markdown", "ovt.repository", "ovt_tui.gateway", "ovt.serving.loading", "ovt.serving.streaming",
])
def test_importing_reads_nothing_heavy(module: str) -> None:
    assert _imported(f"import {module}") == []


def test_help_imports_no_numpy_or_rich() -> None:
    code = (
        "import sys, contextlib, io\nfrom ovt.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    assert main(['--help']) == 0\n"
        "print([n for n in ('numpy', 'pyarrow', 'rich', 'yaml', 'textual') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
