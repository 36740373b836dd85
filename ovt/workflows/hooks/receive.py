"""The judge of a bare repository: the check's policy, held against the reports that come with a push.

Everything is read from Git: what is pushed lies in quarantine and is never
checked out, and no code of it runs. The policy, and the waivers, are those of
the branch as it was: a push cannot weaken its own judge. A report counts only
where it belongs to the inputs that came with it: `dvc.lock` names them and the
report itself, or it is the run of their KEY.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.settings import SETTINGS_FILE
from ovt.storage.git import Git
from ovt.versions.runs import RUNS
from ovt.workflows.hooks.events import HookResult
from ovt.workflows.hooks.received import Judged, judge_change, judge_removal
from ovt.workflows.hooks.server import read_branches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
BRANCHES = "refs/heads/"
WAIVE = "ovt-waive"
REFUSED = 1


@dataclass(frozen=True)
class Update:
    """One ref that is pushed."""

    old: str
    new: str
    ref: str

    @property
    def made(self) -> bool:
        """Whether it did not exist."""
        return not self.old.strip("0")

    @property
    def removed(self) -> bool:
        """Whether it goes."""
        return not self.new.strip("0")


def pre_receive(folder: Path, content: str, environ: Mapping[str, str]) -> HookResult:
    """Judge a push.

    Args:
        folder: the bare repository.
        content: what Git wrote to the hook's stdin.
        environ: the hook's environment: the quarantine and the push options.
    """
    updates = [Update(*line.split(" ", 2)) for line in content.splitlines() if line.count(" ") >= 2]
    branches = {f"{BRANCHES}{name}" for name in read_branches(folder)}
    handed = {name: environ[name] for name in QUARANTINE if name in environ}
    lines = [f"ovt: {update.ref} is there already: a run is made once" for update in updates if _moved_run(update)]
    refused = bool(lines)
    reasons = _waivers(environ)
    with Git(folder.resolve(), handed) as git:
        runs = {update.ref.removeprefix(RUNS): update.new for update in updates if update.ref.startswith(RUNS)}
        for update in updates:
            if update.ref in branches and not update.removed:
                for judged in _judged(git, update, runs):
                    waived = bool(judged.refused and reasons)
                    if waived:
                        _note_waiver(folder, git, update, judged, reasons[0])
                    refused |= judged.refused and not waived
                    lines += _told(update, judged, reasons if waived else ())
    if any(option.rstrip(" =") == WAIVE for option in _options(environ)):
        lines.append(f'ovt: a waiver needs a reason: git push -o {WAIVE}="the reason"')
    return HookResult(tuple(lines), REFUSED if refused else 0)


def _moved_run(update: Update) -> bool:
    return update.ref.startswith(RUNS) and not update.made and not update.removed and update.old != update.new


def _judged(git: Git, update: Update, runs: Mapping[str, str]) -> Iterator[Judged]:
    """The verdict on each project whose folder the push changes."""
    here = _projects(git, update.new)
    for prefix in [] if update.made else _projects(git, update.old):
        if prefix not in here:
            yield judge_removal(git, prefix, _tree(update.old, prefix))
    for prefix in here:
        before = None if update.made else git.object_id(_tree(update.old, prefix))
        after = git.object_id(_tree(update.new, prefix))
        if after is not None and before != after:
            found = judge_change(git, prefix, before, after, runs)
            if found is not None:
                yield found


def _projects(git: Git, commit: str) -> list[str]:
    """Folders with an `ovt.yaml`, with a final slash; the root is `""`."""
    paths = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).split(b"\0")
    names = [os.fsdecode(path) for path in paths if path.rpartition(b"/")[2] == SETTINGS_FILE.encode()]
    return [name.removesuffix(SETTINGS_FILE) for name in names]


def _tree(commit: str, prefix: str) -> str:
    return f"{commit}:{prefix.rstrip('/')}" if prefix else f"{commit}^{{tree}}"


def _told(update: Update, judged: Judged, reasons: tuple[str, ...]) -> Iterator[str]:
    where = update.ref.removeprefix(BRANCHES) + (f" · {judged.prefix.rstrip('/')}" if judged.prefix else "")
    word = "refused" if judged.refused else judged.word
    yield f"ovt: {where}: {'waived: ' + reasons[0] if reasons else word}"
    yield from (f"  {line}" for line in judged.lines)
    if judged.refused and not reasons:
        yield f"  judged by ovt.yaml of {update.ref.removeprefix(BRANCHES)} at {update.old[:12]}"
        yield f'  to accept it all the same: git push -o {WAIVE}="the reason"'


def _options(environ: Mapping[str, str]) -> list[str]:
    count = environ.get("GIT_PUSH_OPTION_COUNT", "0")
    return [environ.get(f"GIT_PUSH_OPTION_{number}", "") for number in range(int(count) if count.isdigit() else 0)]


def _waivers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The reasons that came with the push, printable."""
    found = (option.partition("=")[2].strip() for option in _options(environ) if option.startswith(f"{WAIVE}="))
    return tuple("".join(letter for letter in reason if letter.isprintable()) for reason in found if reason)


def _note_waiver(folder: Path, git: Git, update: Update, judged: Judged, reason: str) -> None:
    """Keep who accepted what, and why; a log that cannot be written stops no push."""
    who = git.text("log", "-1", "--format=%cn <%ce>", update.new)
    entry = {"when": int(time.time()), "ref": update.ref, "old": update.old, "new": update.new, "by": who,
             "project": judged.prefix, "reason": reason, "findings": list(judged.lines)}
    try:
        with (folder / "ovt" / "waivers.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, sort_keys=True) + "\n")
    except OSError:
        return
