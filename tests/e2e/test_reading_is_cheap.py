"""Reading commands import none of the heavy packages, measured in the process that reads."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from person import Person

HEAVY = ("torch", "pandas", "dvc", "boto3", "git", "optuna", "sklearn")


@pytest.mark.parametrize("words", [
    ["--help"], ["log"], ["diff", "HEAD~1", "HEAD"], ["show", "HEAD"], ["check", "HEAD~1"], ["status"],
    ["source", "list"], ["slice", "list"], ["run"],
], ids=" ".join)
def test_a_reading_command_imports_nothing_heavy(trained: Person, words: list[str]) -> None:
    trained.types("git", "commit", "--quiet", "--allow-empty", "-m", "second")
    script = (
        "import sys, json\nfrom ovt.cli.main import main\n"
        f"code = main({words!r})\nsys.stdout.flush()\n"
        f"print('\\n' + json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    code, found = json.loads(trained.types(sys.executable, "-c", script).strip().splitlines()[-1])
    assert code == 0
    assert found == []
