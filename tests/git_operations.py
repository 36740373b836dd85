"""What Git users do all day, each as commands that run alike in a repository with ovt's hooks and in its twin without.

`Place` runs Git with nobody at the keyboard: no stdin, no prompt, a limit on
time, one clock for all commits, so that two repositories in which the same is
done hold the same commits.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LABELER = "- {{name: {0}, task: Intent, keyword: [{0}], label: height}}\n"
QUIET = {
    "GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z", "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false", "LC_ALL": "C",
}
LIMIT = 60


@dataclass(frozen=True)
class Place:
    """A working tree in which things are done."""

    top: Path
    prefix: str = ""
    """The project in it, with a final slash."""
    origin: bool = True
    """Whether there is a remote called `origin`."""
    environment: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, codes: tuple[int, ...] = (0,), **environment: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.top, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False, text=True, timeout=LIMIT,
                              env={**os.environ, **QUIET, **self.environment, **environment})
        assert done.returncode in codes, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def edit(self, word: str, name: str = "own") -> str:
        """Change an input; its path from the top."""
        path = f"{self.prefix}labelers/{name}.yaml"
        (self.top / path).write_text(LABELER.format(word))
        return path

    def write(self, name: str, text: str) -> str:
        (self.top / name).write_text(text)
        return name


def commit(at: Place) -> None:
    at.git("add", at.edit("one"))
    at.git("commit", "-q", "-m", "x")


def commit_of_no_input(at: Place) -> None:
    at.git("add", at.write("NOTES.md", "x\n"))
    at.git("commit", "-q", "-m", "x")


def commit_all(at: Place) -> None:
    at.edit("two", "height")
    at.git("commit", "-q", "-a", "-m", "x")


def commit_path(at: Place) -> None:
    at.git("add", at.write("NOTES.md", "staged, and not in this commit\n"))
    at.git("commit", "-q", "-m", "x", at.edit("three", "height"))


def commit_part(at: Place) -> None:
    """Staged and unstaged changes of one file: the index alone is committed."""
    at.git("add", at.edit("staged", "height"))
    at.edit("unstaged", "height")
    at.git("commit", "-q", "-m", "x")


def amend(at: Place) -> None:
    at.git("add", at.edit("four"))
    at.git("commit", "-q", "--amend", "-m", "y")


def reword(at: Place) -> None:
    at.git("commit", "-q", "--amend", "-m", "better said")


def rebase(at: Place) -> None:
    at.git("checkout", "-q", "--detach", "side")
    at.git("rebase", "-q", "other")


def rebase_interactive(at: Place) -> None:
    at.git("checkout", "-q", "--detach", "side")
    at.git("rebase", "-q", "-i", "base", GIT_SEQUENCE_EDITOR="sed -i -e '2s/^pick/fixup/'")


def rebase_stopped(at: Place) -> None:
    """A rebase that stops for an edit, in which a commit is amended."""
    at.git("checkout", "-q", "--detach", "side")
    at.git("rebase", "-q", "-i", "base", GIT_SEQUENCE_EDITOR="sed -i -e '1s/^pick/edit/'")
    at.git("add", at.edit("midway"))
    at.git("commit", "-q", "--amend", "--no-edit")
    at.git("rebase", "--continue")


def cherry_pick(at: Place) -> None:
    at.git("cherry-pick", "side~2")


def cherry_pick_many(at: Place) -> None:
    at.git("cherry-pick", "base..side")


def revert(at: Place) -> None:
    at.git("reset", "-q", "--hard", "side")
    at.git("revert", "--no-edit", "HEAD")


def merge(at: Place) -> None:
    at.git("reset", "-q", "--hard", "other")
    at.git("merge", "-q", "--no-ff", "--no-edit", "side")


def merge_forward(at: Place) -> None:
    at.git("merge", "-q", "--ff-only", "side")


def merge_squash(at: Place) -> None:
    at.git("merge", "-q", "--squash", "side")
    at.git("commit", "-q", "-m", "squashed")


def merge_conflict(at: Place) -> None:
    """A merge that stops, is mended by hand and concluded by a commit."""
    at.git("add", at.edit("mine", "s1"))
    at.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "mine")
    at.git("merge", "-q", "side", codes=(1,))
    at.git("add", at.edit("both", "s1"))
    at.git("commit", "-q", "--no-edit")


def stash(at: Place) -> None:
    at.edit("stashed", "height")
    at.git("stash", "push", "-q")
    at.git("stash", "pop", "-q")


def worktree_add(at: Place) -> None:
    at.git("worktree", "add", "-q", "--detach", str(at.top.parent / "another"), "side")
    at.git("worktree", "remove", "--force", str(at.top.parent / "another"))


def checkout(at: Place) -> None:
    at.edit("kept over the checkout")
    at.git("checkout", "-q", "--detach", "side")


def checkout_other_data(at: Place) -> None:
    at.git("checkout", "-q", "--detach", "fresh")


def checkout_file(at: Place) -> None:
    at.edit("thrown away", "height")
    at.git("checkout", "-q", "--", f"{at.prefix}labelers/height.yaml")


def switch(at: Place) -> None:
    at.git("switch", "-q", "-c", "made-by-switch")
    at.git("switch", "-q", "--detach", "fresh")
    at.git("branch", "-q", "-D", "made-by-switch")


def bisect(at: Place) -> None:
    """Over commits of which some change the data."""
    at.git("checkout", "-q", "--detach", "fresh", OVT_SKIP="1")
    at.git("bisect", "start", "fresh", "base~1")
    at.git("bisect", "run", "sh", "-c", f"! grep -q fresh {at.prefix}labelers/fresh.yaml")


def am(at: Place) -> None:
    mails = at.git("format-patch", "--stdout", "base..side")
    (at.top.parent / "mails").write_text(f"{mails}\n")
    at.git("am", "-q", "../mails")


def reset(at: Place) -> None:
    at.git("reset", "-q", "--hard", "side")
    at.git("reset", "-q", "--soft", "HEAD~1")


def tag(at: Place) -> None:
    at.git("tag", "-a", "-m", "a tag", "tagged")


def clone_shallow(at: Place) -> None:
    target = at.top.parent / "shallow"
    at.git("clone", "-q", "--depth", "1", "--branch", "side", f"file://{at.top}", str(target))
    assert (target / at.prefix / "schema.json").is_file()


def force_push(at: Place) -> None:
    if at.origin:
        at.git("push", "-q", "origin", "side:refs/heads/pushed")
        at.git("push", "-q", "--force", "origin", "other:refs/heads/pushed")


def fetch(at: Place) -> None:
    at.git("fetch", "-q", *(["origin"] if at.origin else ["."]))


def gc(at: Place) -> None:
    at.git("gc", "-q")


@dataclass(frozen=True)
class Operation:
    """Something that is done, and what ovt is to hear of it."""

    do: Callable[[Place], None]
    events: tuple[str, ...] = ()
    """Those for which Python starts."""
    same_key: str | None = None
    """A revision whose inputs HEAD has afterwards."""

    @property
    def name(self) -> str:
        return self.do.__name__


BOTH = ("pre-commit", "post-commit")
OPERATIONS = (
    Operation(commit, BOTH), Operation(commit_of_no_input, (), "base"), Operation(commit_all, BOTH),
    Operation(commit_path, BOTH), Operation(commit_part, BOTH), Operation(amend, BOTH), Operation(reword, (), "base"),
    Operation(rebase, ("post-rewrite",), "side"), Operation(rebase_interactive, ("post-rewrite",), "side"),
    Operation(rebase_stopped, ("post-rewrite",)), Operation(cherry_pick, ("post-commit",), "side~2"),
    Operation(cherry_pick_many, ("post-commit",), "side"), Operation(revert, ("post-commit",), "side~1"),
    Operation(merge, ("post-merge",), "side"), Operation(merge_forward, ("post-merge",), "side"),
    Operation(merge_squash, ("post-merge", *BOTH), "side"), Operation(merge_conflict, ("post-commit",)),
    Operation(stash, (), "base"), Operation(worktree_add, ("post-checkout",), "base"), Operation(checkout, (), "side"),
    Operation(checkout_other_data, ("post-checkout",), "fresh"), Operation(checkout_file, (), "base"),
    Operation(switch, ("post-checkout",), "fresh"), Operation(bisect), Operation(am, (), "side"),
    Operation(reset, (), "side~1"), Operation(tag, (), "base"), Operation(clone_shallow, (), "base"),
    Operation(force_push, ("pre-push", "pre-push"), "base"), Operation(fetch, (), "base"), Operation(gc, (), "base"),
)
