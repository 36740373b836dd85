"""Which files DVC leaves out of a folder: `.dvcignore` of the project, and what DVC always ignores.

Patterns are translated by the library that DVC uses and tried as DVC tries
them (each parent folder first, the last pattern wins), which is not quite what
Git does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

IGNORE_FILE = ".dvcignore"
ALWAYS = (".hg/", ".git/", ".git", ".dvc/")


@dataclass(frozen=True)
class _Pattern:
    regex: re.Pattern[str]
    ignores: bool
    """False for `!pattern`."""
    folders_only: bool


class Ignore:
    """A predicate over files by their paths relative to the project; patterns are compiled on first use."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def __call__(self, path: str) -> bool:
        """Whether DVC leaves this file out."""
        patterns = _compiled(self.text)
        parts = path.split("/")
        ends = range(1, len(parts) + 1)
        return any(_ignored(patterns, "/".join(parts[:end]), is_folder=end < len(parts)) for end in ends)


def _ignored(patterns: tuple[_Pattern, ...], path: str, *, is_folder: bool) -> bool:
    spellings = (path, f"{path}/") if is_folder else (path,)
    for pattern in reversed(patterns):
        if pattern.folders_only and not is_folder:
            continue
        if any(pattern.regex.match(spelling) for spelling in spellings):
            return pattern.ignores
    return False


@lru_cache(maxsize=64)
def _compiled(text: str) -> tuple[_Pattern, ...]:
    translate = _translator()
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for line in (*ALWAYS, *(line for line in lines if line and not line.startswith("#"))):
        regex, ignores = translate(line)
        if regex is not None and ignores is not None:
            found.append(_Pattern(re.compile(regex), ignores, line.endswith("/")))
    return tuple(found)


def _translator() -> Any:
    try:
        return import_module("pathspec.patterns.gitignore.spec").GitIgnoreSpecPattern.pattern_to_regex
    except ImportError:  # pathspec before 1.0
        return import_module("pathspec.patterns").GitWildMatchPattern.pattern_to_regex
