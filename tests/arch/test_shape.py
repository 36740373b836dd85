"""The house rules that a linter does not know: length of files, names, docstrings that say a purpose."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("ovt/**/*.py"), *ROOT.glob("tui/**/*.py")])
LIMIT = 350
FORBIDDEN = {"utils", "helpers", "core", "manager", "util", "helper", "misc", "common"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_has_one_purpose_and_stays_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LIMIT
    assert path.stem not in FORBIDDEN
    assert ast.get_docstring(ast.parse(text)), "a file says its purpose in its docstring"
