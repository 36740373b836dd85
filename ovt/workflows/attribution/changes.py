"""What changed between two versions, sorted by what blame can do with it.

Sources whose votes changed can be taken back one by one. Everything else that
training depends on (records, schema, tuning, settings, gold of dev, slices) is
named as a possible cause, so that no function is blamed for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.workflows.attribution.carrying import Definitions, votes_before
from ovt.workflows.attribution.other_changes import OtherChange, other_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.data.votes import Votes
    from ovt.progress import Progress
    from ovt.quality.attribution.blame import BlameKind
    from ovt.quality.attribution.vote_changes import VoteChanges
    from ovt.workflows.attribution.sides import Side

GROUP = "/"
"""`crowd/17` and `crowd/4` are told, and taken back, together as `crowd/*`."""
SETTINGS_FILE = "ovt.yaml"


@dataclass(frozen=True)
class SourceChange:
    """A source, or a group of workers, whose votes changed."""

    name: str
    sources: tuple[str, ...]
    kind: BlameKind
    path: str | None
    line: int | None
    tasks: tuple[str, ...]
    votes: int
    """Votes that came, went or changed, on records that both versions have."""


@dataclass(frozen=True)
class Changes:
    """All that changed, on the newer version's line of items."""

    before: dict[str, Votes]
    """By task, what the base's sources say about the head's items."""
    after: dict[str, Votes]
    moved: dict[str, VoteChanges]
    sources: tuple[SourceChange, ...]
    """Most changed votes first."""
    others: tuple[OtherChange, ...]
    notes: tuple[str, ...] = ()


def what_changed(base: Side, head: Side, progress: Progress) -> Changes:
    """Compare the inputs and the votes of two versions.

    Raises:
        MissingError: votes of a side are not on this machine.
    """
    from ovt.quality.attribution.vote_changes import vote_changes

    definitions = Definitions.of(base, head)
    before = votes_before(base, head, definitions, progress)
    after = {task: head.votes(task) for task in head.store.schema.tasks}
    moved = {task: vote_changes(before[task], after[task]) for task in after}
    sources = _source_changes(moved, before, after, _Places(base, head, definitions))
    return Changes(before, after, moved, sources, other_changes(base, head), definitions.notes)


def kind_of(sources: tuple[str, ...], before: Mapping[str, Votes], after: Mapping[str, Votes]) -> BlameKind:
    """Told by who votes at all: only now, only before, or both times."""
    voted_before = any(_votes_at_all(votes, name) for votes in before.values() for name in sources)
    voted_after = any(_votes_at_all(votes, name) for votes in after.values() for name in sources)
    return "edited" if voted_before and voted_after else "new" if voted_after else "removed"


class _Places:
    """Where sources are written."""

    def __init__(self, base: Side, head: Side, definitions: Definitions) -> None:
        self.definitions = definitions
        self._bulk = [
            f"{name}.dvc" for name in ("supervision", "data")
            if base.source.digest(name) != head.source.digest(name)
        ]

    def of(self, name: str) -> tuple[str | None, int | None]:
        """File and line of a function; the `.dvc` file of the folder that changed for labels from outside."""
        found = self.definitions.head.get(name) or self.definitions.base.get(name)
        if found is None:
            return (self._bulk[0] if self._bulk else None), None
        return (SETTINGS_FILE, None) if self.only_settings(name) else (found.file, found.line)

    def only_settings(self, name: str) -> bool:
        """Whether the function computes the same and only what its silence means changed."""
        old, new = self.definitions.base.get(name), self.definitions.head.get(name)
        return old is not None and new is not None and old.key == new.key


def _source_changes(
    moved: Mapping[str, VoteChanges], before: Mapping[str, Votes], after: Mapping[str, Votes], places: _Places,
) -> tuple[SourceChange, ...]:
    counts: dict[str, int] = defaultdict(int)
    members: dict[str, set[str]] = defaultdict(set)
    tasks: dict[str, list[str]] = defaultdict(list)
    for task, changes in moved.items():
        for source, count in changes.by_source().items():
            name = _shown(source, places.definitions)
            counts[name] += count
            members[name].add(source)
            if task not in tasks[name]:
                tasks[name].append(task)
    found = []
    for name, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        sources = tuple(sorted(members[name]))
        path, line = places.of(sources[0])
        kind: BlameKind = "reweighted" if places.only_settings(sources[0]) else kind_of(sources, before, after)
        found.append(SourceChange(name, sources, kind, path, line, tuple(tasks[name]), count))
    return tuple(found)


def _shown(source: str, definitions: Definitions) -> str:
    """Functions go by their own name, workers of one crowd by the crowd's."""
    if source in definitions.head or source in definitions.base or GROUP not in source:
        return source
    return f"{source.partition(GROUP)[0]}{GROUP}*"


def _votes_at_all(votes: Votes, name: str) -> bool:
    return name in votes.names and bool((votes.sources == votes.names.index(name)).any())
