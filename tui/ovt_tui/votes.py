"""What the sources said about one item before and after, side by side, and which of them decided the flip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.slicediff import Flip, SourceVote

ABSTAINS = "abstains"
ABSENT = "not there"


@dataclass(frozen=True)
class VotePair:
    """One source in both versions."""

    source: str
    before: SourceVote | None
    """None: the source is not in that version."""
    after: SourceVote | None
    deciding: bool = False

    @property
    def changed(self) -> bool:
        """Whether its vote is another one; a source that came or went has changed if it says something."""
        return _label(self.before) != _label(self.after)


def _label(vote: SourceVote | None) -> str | None:
    return vote.label if vote else None


def said(vote: SourceVote | None) -> str:
    """A vote as it is shown."""
    if vote is None:
        return ABSENT
    return ABSTAINS if vote.label is None else vote.label


def pairs(flip: Flip, before: Sequence[SourceVote], after: Sequence[SourceVote]) -> list[VotePair]:
    """All sources of either version: the deciding one, then those that changed, then the others, by name."""
    old, new = ({vote.source: vote for vote in votes} for votes in (before, after))
    found = [VotePair(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
    decided = deciding(flip, found)
    marked = [VotePair(one.source, one.before, one.after, one.source == decided) for one in found]
    return sorted(marked, key=lambda one: (not one.deciding, not one.changed, one.source))


def deciding(flip: Flip, found: Sequence[VotePair]) -> str | None:
    """The source whose vote made the difference, where that is plain; None where it is not.

    It is plain if one source alone changed its vote in the direction of the
    flip: to the new prediction, or away from the old one.
    """
    changed = [one for one in found if one.changed]
    towards = [one for one in changed if _label(one.after) == flip.new]
    away = [one for one in changed if _label(one.before) == flip.old]
    for suspects in (towards, away):
        if len(suspects) == 1:
            return suspects[0].source
        if suspects:
            return None
    return None
