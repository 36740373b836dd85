"""Which commit brought a labeling function in, and which changed it last: read from Git, one `git blame` per file.

What a file's lines say about their commits is kept in `.ovt/cache` under HEAD
and the file's content, so that a second look asks Git nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from ovt.errors import OvtError
from ovt.storage.files import write_bytes
from ovt.storage.git import git_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ovt.project import Project

FORMAT = "lineage/1"
NOT_COMMITTED = "0" * 7
_LINE = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")


@dataclass(frozen=True)
class Origin:
    """One commit, as far as a reader wants to know it."""

    commit: str
    """Its id; empty: not committed yet."""
    author: str
    when: int
    """Unix seconds of the author's date; 0 if not committed."""
    subject: str


@dataclass(frozen=True)
class Lineage:
    """Where a function comes from."""

    brought: Origin
    """The commit of the line that defines it."""
    changed: Origin
    """The newest commit among its lines."""


HERE = Origin("", "", 0, "not committed yet")


def lineages(project: Project, places: Mapping[str, str]) -> dict[str, Lineage]:
    """Of each function by name, given where it is defined (FILE:LINE).

    A function's lines reach to the next function of the same file.
    """
    by_file: dict[str, list[tuple[int, str]]] = {}
    for name, place in places.items():
        file, _, line = place.rpartition(":")
        if file and line.isdecimal():
            by_file.setdefault(file, []).append((int(line), name))
    found: dict[str, Lineage] = {}
    for file, functions in by_file.items():
        lines = _blamed(project, file)
        starts = sorted(functions)
        for at, (start, name) in enumerate(starts):
            end = starts[at + 1][0] if at + 1 < len(starts) else len(lines) + 1
            own = lines[start - 1:max(end - 1, start)] or [HERE]
            found[name] = Lineage(own[0], max(own, key=lambda origin: (not origin.commit, origin.when)))
    return found


def _blamed(project: Project, file: str) -> list[Origin]:
    """The commit of each line of a file, in order."""
    path = project.root / file
    try:
        content = path.read_bytes()
    except OSError:
        return []
    try:
        head = git_of(project.root).resolve("HEAD") or ""
    except OvtError:  # no repository
        return [HERE] * len(content.splitlines())
    key = hashlib.sha256("\0".join((FORMAT, head, file)).encode() + content).hexdigest()
    kept = project.cache / "lineage" / f"{key}.json"
    lines = _load(kept)
    if lines is None:
        lines = _ask(project, file, len(content.splitlines()))
        _keep(kept, lines)
    return lines


def _ask(project: Project, file: str, length: int) -> list[Origin]:
    done = git_of(project.root).attempt("blame", "--porcelain", "--", file)
    if done.returncode:  # Git does not have it
        return [HERE] * length
    return _parsed(done.stdout.split(b"\n"), length)


def _parsed(output: Iterable[bytes], length: int) -> list[Origin]:
    """The porcelain format: a header for each line, a commit's details with its first."""
    commits: dict[str, dict[str, str]] = {}
    lines = [""] * length
    current = ""
    for text in output:
        found = _LINE.fullmatch(text)
        if found and not text.startswith(b"\t"):
            current = found[1].decode()
            commits.setdefault(current, {})
            if int(found[2]) <= length:
                lines[int(found[2]) - 1] = current
        elif not text.startswith(b"\t"):
            key, _, value = text.decode(errors="replace").partition(" ")
            commits[current][key] = value
    origins = {name: _origin(name, told) for name, told in commits.items()}
    return [origins.get(name, HERE) for name in lines]


def _origin(commit: str, told: Mapping[str, str]) -> Origin:
    if commit.startswith(NOT_COMMITTED):
        return HERE
    return Origin(commit, told.get("author", ""), int(told.get("author-time", "0")), told.get("summary", ""))


def _load(path: Path) -> list[Origin] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Origin])
    except (OSError, msgspec.DecodeError):
        return None


def _keep(path: Path, lines: list[Origin]) -> None:
    try:
        write_bytes(path, msgspec.json.encode([asdict(line) for line in lines]))
    except OSError:
        return  # a read-only folder: asked again next time
