"""The commit that brought a function in, read from Git: stages write no commits into what they make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.storage.git import git_of

if TYPE_CHECKING:
    from ovt.project import Project


@dataclass(frozen=True)
class Introduction:
    """Who added a function, and when."""

    commit: str
    """Full id."""
    author: str
    when: int
    """Seconds since 1970."""
    subject: str


def introduced(project: Project, file: str, name: str) -> Introduction | None:
    """The first commit on HEAD's history whose change of a file holds a name; None if there is none yet.

    Args:
        project: in a Git repository, or not.
        file: relative to the project.
        name: of the function, as a word of the file.
    """
    form = "--format=%H%x09%an%x09%ct%x09%s"
    done = git_of(project.root).attempt(
        "log", "--reverse", form, "--pickaxe-regex", f"-S\\b{re.escape(name)}\\b", "HEAD", "--", file)
    lines = done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []
    if not lines:
        return None
    commit, author, when, subject = lines[0].split("\t", 3)
    return Introduction(commit, author, int(when), subject)
