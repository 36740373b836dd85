"""`ovt promote` and `ovt rollback`: an alias moves only where a passed check, or a waiver with a reason, lets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError
from ovt.versions.promotions import Promotion, Record, before, check_alias, current, promotions, record

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.policy.verdict import CheckResult
    from ovt.versions.history import Version

SHORT = 12


@dataclass(frozen=True)
class Promoted:
    """What came of it."""

    promotion: Promotion | None
    """What the alias means now; None: the check failed, and nothing moved."""
    check: CheckResult | None
    """The check that was made; None: the alias meant this version already."""
    moved: bool


def promote(
    project: Project, revision: str, alias: str, progress: Progress, *, waive: str = "",
) -> Promoted:
    """Let an alias mean another version, if its check against the present one passes.

    The first version of an alias has nothing to be compared with: it is held to
    what the policy asks of a version by itself (minima, examples, budgets).

    Args:
        project: the project.
        revision: the version; a commit, since the working tree may change.
        alias: e.g. `production`.
        progress: hears what happens.
        waive: why it is promoted whatever the check says.

    Raises:
        UsageError: an unknown revision, the working tree, no name for an alias.
        MissingError: no model yet, or what the check needs is not on this machine.
    """
    from ovt.workflows.checking.check import check

    check_alias(alias)
    version = ready_version(project, revision)
    commit = version.commit or ""
    present = current(project).get(alias)
    if present is not None and present.commit == commit:
        return Promoted(present, None, moved=False)
    base = present.commit if present is not None else commit
    progress.update("promote", f"checking against {base[:SHORT]}" if present else "checking")
    result = check(project, base[:SHORT], commit[:SHORT], progress=progress)
    if result.exit_code and not waive.strip():
        return Promoted(None, result, moved=False)
    entry = Record("promoted", version.key, told(result, first=present is None), present.commit if present else "",
                   waive.strip() if result.exit_code else "", tuple(f"- {line}" for line in result.reasons))
    return Promoted(record(project, alias, commit, entry), result, moved=True)


def rollback(project: Project, alias: str, to: str | None = None) -> Promotion:
    """Let an alias mean what it meant before, at once: that version was let in when it was promoted.

    Args:
        project: the project.
        alias: e.g. `production`.
        to: an earlier version of the alias (a revision, or the number of its promotion); None: the one before.

    Raises:
        UsageError: no such revision, or one that the alias never meant.
        MissingError: there is nothing to go back to.
    """
    moves = promotions(project, check_alias(alias))
    if not moves:
        raise MissingError(f"nothing is promoted to `{alias}`", fix="promote a version first",
                           command=f"ovt promote HEAD --to {alias}")
    target = before(moves) if to is None else _earlier(project, moves, to)
    if target is None:
        raise MissingError(f"`{alias}` has no version to go back to", at=moves[-1].tag,
                           why="it has meant this version alone", fix="promote another",
                           command=f"ovt promote REV --to {alias}")
    if target.commit == moves[-1].commit:
        raise UsageError(f"`{alias}` means {target.commit[:SHORT]} already", at=moves[-1].tag, command="ovt log")
    entry = Record("rolled back", target.key, f"back to what {target.tag} let in: {target.verdict}",
                   moves[-1].commit, target.waiver)
    return record(project, alias, target.commit, entry)


def ready_version(project: Project, revision: str) -> Version:
    """A commit with a model.

    Raises:
        UsageError: an unknown revision, or the working tree.
        MissingError: it has no model yet.
    """
    from ovt.versions.history import WORKSPACE, resolve

    version = resolve(project, revision)
    if version.commit is None:
        raise UsageError(f"the {WORKSPACE} is no version", why="it may change; production follows commits",
                         fix="commit it first", command='ovt commit -m "…"')
    if version.state != "ready":
        raise MissingError(f"`{revision}` has no model yet", at=version.commit[:SHORT],
                           fix="train it", command=f"ovt run --rev {revision}")
    return version


def told(result: CheckResult, *, first: bool) -> str:
    """A verdict in one line."""
    count = {"improved": 0, "regressed": 0}
    for row in result.diff.rows:
        if row.verdict in count:
            count[row.verdict] += 1
    word = {"pass": "passed", "fail": "failed", "advisory": "advisory: no gold", "cannot compare": "could not compare"}
    detail = "the first version" if first else f"{count['improved']} improved, {count['regressed']} regressed"
    return f"{word[result.verdict]} · {detail}"


def _earlier(project: Project, moves: list[Promotion], to: str) -> Promotion:
    from ovt.versions.history import resolve

    by_number = next((move for move in moves if str(move.serial) == to), None)
    if by_number is not None:
        return by_number
    commit = resolve(project, to).commit
    found = next((move for move in reversed(moves) if move.commit == commit), None)
    if found is None:
        shown = ", ".join(f"{move.serial} ({move.commit[:SHORT]})" for move in moves[-5:])
        raise UsageError(f"`{moves[0].alias}` never meant `{to}`", why=f"it has meant {shown}",
                         fix="a version that was never promoted has to pass its check",
                         command=f"ovt promote {to} --to {moves[0].alias}")
    return found
