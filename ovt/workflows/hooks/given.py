"""What Git told a hook: the repository, the arguments, stdin; and whether this is a moment to act at all.

A hook that the pre-commit framework runs gets neither arguments nor stdin:
there they come in variables of the environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.progress import Progress
    from ovt.storage.git import Git

OPERATIONS = ("rebase-merge", "rebase-apply", "BISECT_LOG")
"""In Git's folder of a working tree while a rebase, an `am` or a bisect goes on."""
CONCLUDED_LATER = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
"""And while a merge, a pick or a revert waits for its commit."""
NEVER_DURING = {
    "pre-commit": (*OPERATIONS, *CONCLUDED_LATER), "post-checkout": (*OPERATIONS, *CONCLUDED_LATER),
    "post-commit": OPERATIONS, "post-merge": OPERATIONS,
}


@dataclass(frozen=True)
class Event:
    """What Git told a hook."""

    git: Git
    arguments: tuple[str, ...]
    content: str
    index_file: str | None
    progress: Progress


def skipped(git: Git, event: str) -> bool:
    """Whether somebody said no, or Git is in the middle of something."""
    if os.environ.get("OVT_SKIP", "0") not in {"", "0"} or os.environ.get("CI", "0") not in {"", "0", "false"}:
        return True
    return any((git.layout.git_dir / name).exists() for name in NEVER_DURING.get(event, ()))


def from_framework(
    event: str, arguments: Sequence[str], content: str, environ: Mapping[str, str],
) -> tuple[tuple[str, ...], str]:
    """Arguments and stdin of a hook that the pre-commit framework runs; those given, if it does not."""
    if environ.get("PRE_COMMIT") != "1" or arguments:
        return tuple(arguments), content
    names = VARIABLES.get(event, ())
    values = tuple(environ.get(f"PRE_COMMIT_{name}", "") for name in names)
    if event == "pre-push":
        content = " ".join(environ.get(f"PRE_COMMIT_{name}", "") for name in PUSHED)
    return (values if any(values) else ()), content


VARIABLES = {
    "post-checkout": ("FROM_REF", "TO_REF", "CHECKOUT_TYPE"), "post-merge": ("IS_SQUASH_MERGE",),
    "post-rewrite": ("REWRITE_COMMAND",), "pre-push": ("REMOTE_NAME", "REMOTE_URL"),
}
PUSHED = ("LOCAL_BRANCH", "TO_REF", "REMOTE_BRANCH", "FROM_REF")
