"""Sources that changed between two versions, from what the versions' reports and files say of them.

A source is listed because it *changed*; that it is to blame is for
`ovt.quality.attribution.blame` to say. Nothing of the project is run for this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ovt.functions.listing import Place

ChangeKind = Literal["new", "gone", "edited", "moved"]
KINDS: tuple[ChangeKind, ...] = ("new", "edited", "gone", "moved")
GROUP = "/"
"""`crowd/17` and `crowd/4` are told together as `crowd/*`."""
MOVED = 0.02
"""A change of the estimated accuracy, or of the coverage, that is worth a line."""


@dataclass(frozen=True)
class ChangedSource:
    """One source of one task that is not what it was."""

    source: str
    task: str
    kind: ChangeKind
    """`moved`: neither new nor edited, and yet its estimated accuracy or its coverage is another."""
    path: str | None = None
    line: int | None = None
    votes: tuple[int | None, int | None] = (None, None)
    """Before and after."""
    coverage: tuple[float | None, float | None] = (None, None)
    accuracy: tuple[float | None, float | None] = (None, None)
    """As the label model estimated it."""

    @property
    def at(self) -> str:
        """FILE:LINE, or as much of it as is known."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class ChangedFile:
    """An input of the version that is another one now."""

    path: str
    kind: Literal["new", "gone", "edited"]


def changed_sources(
    before: Mapping[str, Any], after: Mapping[str, Any], listed_before: Mapping[str, Place],
    listed_after: Mapping[str, Place],
) -> tuple[ChangedSource, ...]:
    """Compare two versions' sources.

    Args:
        before: `sources.json` of the older version.
        after: of the newer one.
        listed_before: where the older version defines its functions, by name.
        listed_after: the same of the newer one.
    """
    functions = {*listed_before, *listed_after}
    found = [
        change
        for task in sorted({*before.get("tasks", {}), *after.get("tasks", {})})
        for change in _of_task(
            task, _rows(before, task, functions), _rows(after, task, functions), listed_before, listed_after,
        )
    ]
    return tuple(sorted(found, key=lambda change: (KINDS.index(change.kind), change.source, change.task)))


def _of_task(
    task: str, old: Mapping[str, Any], new: Mapping[str, Any], listed_before: Mapping[str, Place],
    listed_after: Mapping[str, Place],
) -> Iterator[ChangedSource]:
    for name in sorted({*old, *new}):
        was, now = listed_before.get(name), listed_after.get(name)
        kind = _kind(name, old, new, was, now)
        if kind is None:
            continue
        where = now or was
        yield ChangedSource(
            name, task, kind, where.path if where else None, where.line if where else None,
            *(_both(old.get(name), new.get(name), key) for key in ("votes", "coverage", "accuracy")),
        )


def _kind(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], was: Place | None, now: Place | None,
) -> ChangeKind | None:
    if name not in old:
        return "new"
    if name not in new:
        return "gone"
    if was is not None and now is not None and was.digest != now.digest:
        return "edited"
    far = any(abs((new[name].get(key) or 0) - (old[name].get(key) or 0)) > MOVED for key in ("accuracy", "coverage"))
    return "moved" if far else None


def _rows(report: Mapping[str, Any], task: str, functions: Collection[str]) -> dict[str, Any]:
    """The rows of a task by source; the workers of a crowd are one source, so that no person is told apart."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in (report.get("tasks", {}).get(task) or {}).get("sources", []):
        name = row["source"]
        group = name if name in functions or GROUP not in name else f"{name.partition(GROUP)[0]}{GROUP}*"
        rows.setdefault(group, []).append(row)
    return {name: dict(members[0]) if len(members) == 1 else _together(members) for name, members in rows.items()}


def _together(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Votes are added; accuracy is the mean over votes; coverage of several on the same items is not known."""
    known = [(row["accuracy"], row["votes"]) for row in rows if row["accuracy"] is not None and row["votes"]]
    total = sum(votes for _, votes in known)
    return {"votes": sum(row["votes"] for row in rows), "coverage": None,
            "accuracy": round(sum(value * votes for value, votes in known) / total, 6) if total else None}


def _both(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, key: str) -> tuple[Any, Any]:
    return (old or {}).get(key), (new or {}).get(key)
