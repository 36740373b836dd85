"""Flips under headings: one for each source or reason that stands behind some, to be opened and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.quality.attribution.causes import FlipCause
from ovt.render.causes import WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ovt.quality.attribution.blame import BlameKind
    from ovt.quality.slicediff import Flip
    from ovt.workflows.attribution.causes import FlipCauses

UNFOLDED = 50
"""Up to as many flips are shown below their headings at once."""
UNKNOWN = FlipCause("unknown", None)
NO_SOURCE = "no source explains them"
Place = tuple[str, str, int]
"""Task, record and position: what a flip is about."""


@dataclass(frozen=True)
class Heading:
    """One group of flips."""

    cause: FlipCause
    kind: BlameKind | None
    broken: int
    fixed: int
    open: bool

    @property
    def text(self) -> str:
        """Its line in the table."""
        who = f"◆ {self.cause.source}" if self.cause.source else self.cause.cause
        parts = [f"{'▾' if self.open else '▸'} {who}", self.kind or "", f"▼ {self.broken} ▲ {self.fixed}"]
        why = NO_SOURCE if self.cause == UNKNOWN else WORDS[self.cause.cause]
        return " · ".join([*(part for part in parts if part), why])


def place_of(flip: Flip) -> Place:
    """What a flip is about."""
    return flip.task, flip.id, flip.position


def by_place(found: Iterable[FlipCauses]) -> dict[Place, FlipCause]:
    """The cause of each flip."""
    return {place_of(flip): cause for part in found for flip, cause in zip(part.flips, part.causes, strict=True)}


def kinds_of(found: Iterable[FlipCauses]) -> dict[FlipCause, BlameKind | None]:
    """What happened to the source of each cause."""
    return {FlipCause(group.cause, group.source): group.kind for part in found for group in part.groups}


@dataclass(frozen=True)
class Group:
    """The flips of one cause."""

    cause: FlipCause
    kind: BlameKind | None
    flips: Sequence[Flip]
    """In the order in which they are shown below the heading."""
    broken: int


def grouped(
    flips: Sequence[Flip], causes: Mapping[Place, FlipCause], kinds: Mapping[FlipCause, BlameKind | None],
) -> list[Group]:
    """Flips by cause: sources first, the largest group on top.

    Args:
        flips: in their order.
        causes: of each; one that has none is of unknown cause.
        kinds: of each cause.
    """
    members: dict[FlipCause, list[Flip]] = {}
    for flip in flips:
        members.setdefault(causes.get(place_of(flip), UNKNOWN), []).append(flip)
    order = sorted(members, key=lambda one: (one.source is None, -len(members[one]), one.source or "", one.cause))
    return [Group(cause, kinds.get(cause), members[cause], sum(flip.kind == "broken" for flip in members[cause]))
            for cause in order]


def rows_of(groups: Sequence[Group], toggled: Collection[FlipCause]) -> list[Heading | Flip]:
    """Headings with the flips of the open groups: of all where there are few flips, but for those `toggled`."""
    few = sum(len(group.flips) for group in groups) <= UNFOLDED
    rows: list[Heading | Flip] = []
    for group in groups:
        shown = few != (group.cause in toggled)
        rows.append(Heading(group.cause, group.kind, group.broken, len(group.flips) - group.broken, shown))
        rows += group.flips if shown else []
    return rows
