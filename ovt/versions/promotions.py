"""What is in production: every promotion and rollback is an annotated tag, made once and never moved.

    ovt/production/1, ovt/production/2, …          of the project at the repository's root
    ovt/shop/search/production/1, …                of the project in `shop/search/`

The highest number is what the alias means. A rollback is one more tag, so the
history of an alias is complete, and two people who promote at once make the
same tag: Git refuses the second push.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.errors import MissingError, UsageError
from ovt.storage.git import git_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.project import Project
    from ovt.versions.history import Version

Kind = Literal["promoted", "rolled back"]
TAGS = "refs/tags/"
NAMESPACE = "ovt/"
TRAILERS = ("Ovt-Alias", "Ovt-Kind", "Ovt-Key", "Ovt-Verdict", "Ovt-Against", "Ovt-Waiver")
FIELDS = ("refname", "*objectname", "taggername", "taggeremail", "taggerdate:unix", "contents")
_PROMOTION = re.compile(r"ovt/(?:.*/)?[a-z0-9][a-z0-9_-]{0,62}/[0-9]+")
ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Promotion:
    """One move of an alias."""

    alias: str
    serial: int
    tag: str
    """Its short name."""
    commit: str
    """What the alias means since."""
    kind: Kind
    by: str
    when: int
    """Unix seconds."""
    key: str
    verdict: str
    """What the check said, in one line."""
    against: str = ""
    """The commit that it was checked against."""
    waiver: str = ""
    """Why it was promoted although the check failed."""


@dataclass(frozen=True)
class Record:
    """What the tag of a promotion says."""

    kind: Kind
    key: str
    verdict: str
    against: str = ""
    waiver: str = ""
    notes: tuple[str, ...] = ()
    """Further lines, for people."""


def check_alias(name: str) -> str:
    """The name, if it may name an alias.

    Raises:
        UsageError: it may not.
    """
    if not ALIAS.fullmatch(name):
        raise UsageError(f"`{name}` is no name for an alias", why="lower case, digits, `-` and `_`",
                         fix="e.g. `production`")
    return name


def promotions(project: Project, alias: str | None = None) -> list[Promotion]:
    """Every move of one alias, or of all, the earliest first."""
    git = git_of(project.root)
    prefix = f"{TAGS}{_namespace(project)}"
    form = "%1f".join(f"%({field})" for field in FIELDS) + "%1e"
    out = git.run("for-each-ref", f"--format={form}", prefix).decode(errors="replace")
    found = (_parsed(line.lstrip("\n"), prefix) for line in out.split("\x1e") if line.strip())
    kept = [each for each in found if each is not None and alias in {None, each.alias}]
    return sorted(kept, key=lambda each: (each.alias, each.serial))


def current(project: Project) -> dict[str, Promotion]:
    """What every alias means now."""
    return {each.alias: each for each in promotions(project)}


def aliases_at(project: Project, versions: Iterable[Version]) -> dict[str, list[str]]:
    """By commit of some versions, the aliases that mean it now; Git is asked only if one of them has such a tag."""
    tagged = [version for version in versions if any(ref.startswith(NAMESPACE) for ref in version.refs)]
    found: dict[str, list[str]] = {}
    for alias, promotion in (current(project) if tagged else {}).items():
        found.setdefault(promotion.commit, []).append(alias)
    return found


def plain_refs(version: Version) -> list[str]:
    """A version's branches and tags without those that record promotions."""
    return [ref for ref in version.refs if not _PROMOTION.fullmatch(ref)]


def before(history: Iterable[Promotion]) -> Promotion | None:
    """What an alias meant before what it means now: where a rollback leads.

    A promotion adds to what one can go back to, a rollback takes away; so two
    rollbacks in a row go two versions back, and a version that one has rolled
    back from is not gone back to.
    """
    stack: list[Promotion] = []
    for move in history:
        if move.kind == "rolled back":
            while stack and stack[-1].commit != move.commit:
                stack.pop()
        if not stack or stack[-1].commit != move.commit:
            stack.append(move)
    return stack[-2] if len(stack) > 1 else None


def record(project: Project, alias: str, commit: str, entry: Record) -> Promotion:
    """Move an alias: make the next tag.

    Raises:
        UsageError: no name for an alias.
        MissingError: someone else made that tag at the same moment.
    """
    check_alias(alias)
    git = git_of(project.root)
    serial = max((each.serial for each in promotions(project, alias)), default=0) + 1
    tag = f"{_namespace(project)}{alias}/{serial}"
    done = git.attempt("tag", "-a", "--cleanup=verbatim", "-F", "-", tag, commit,
                       content=_message(alias, commit, entry).encode())
    if done.returncode:
        why = (done.stderr.decode(errors="replace").strip().splitlines() or ["git tag failed"])[-1]
        raise MissingError(f"`{alias}` was not moved", at=tag, why=why.removeprefix("fatal: "),
                           fix="if someone else moved it meanwhile, look again", command="ovt log")
    return next(each for each in promotions(project, alias) if each.serial == serial)


def _namespace(project: Project) -> str:
    return f"{NAMESPACE}{git_of(project.root).layout.prefix}"


def _message(alias: str, commit: str, entry: Record) -> str:
    headline = f"{commit[:12]} {entry.kind} to {alias}: {entry.verdict}"
    values = (alias, entry.kind, entry.key, entry.verdict, entry.against, entry.waiver)
    trailers = [f"{name}: {' '.join(value.split())}" for name, value in zip(TRAILERS, values, strict=True) if value]
    return "\n".join([headline, "", *entry.notes, *([""] if entry.notes else []), *trailers]) + "\n"


def _parsed(line: str, prefix: str) -> Promotion | None:
    """A tag as a promotion; None for a tag that only looks like one."""
    name, commit, by, mail, when, contents = (*line.split("\x1f", len(FIELDS) - 1), *[""] * len(FIELDS))[:len(FIELDS)]
    alias, slash, serial = name.removeprefix(prefix).partition("/")
    if not (slash and serial.isdigit() and commit and ALIAS.fullmatch(alias)):
        return None
    told = dict(row.split(": ", 1) for row in contents.splitlines() if row.startswith("Ovt-") and ": " in row)
    return Promotion(
        alias, int(serial), name.removeprefix(TAGS), commit,
        "rolled back" if told.get("Ovt-Kind") == "rolled back" else "promoted", f"{by} {mail}".strip(), int(when or 0),
        told.get("Ovt-Key", ""), told.get("Ovt-Verdict", ""), told.get("Ovt-Against", ""), told.get("Ovt-Waiver", ""),
    )
