"""Git's own side of a repository's health: whether every commit, tree and file that a ref needs is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovt.storage.git import Git

HARMLESS = ("dangling ", "notice: ", "Checking ", "unreachable ")


def git_faults(git: Git) -> list[str]:
    """What `git fsck --connectivity-only` complains about, in its words; an empty repository is fine."""
    done = git.attempt("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
    if done.returncode == 0:
        return []
    lines = (done.stdout + b"\n" + done.stderr).decode(errors="replace").splitlines()
    found = [line.strip() for line in lines if line.strip() and not line.startswith(HARMLESS)]
    return list(dict.fromkeys(found)) or [f"git fsck ended with {done.returncode}"]
