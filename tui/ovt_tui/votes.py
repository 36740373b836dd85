"""What the sources said about one item before and after, side by side, and which of them decided the flip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.quality.answers import Answer
    from ovt.quality.attribution.causes import FlipCause
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
    def mark(self) -> str:
        """`◆` it decided the flip, `◇` the label model's answer hangs on it in the newer version."""
        return "◆" if self.deciding else "◇" if self.after is not None and self.after.decisive else ""

    @property
    def changed(self) -> bool:
        """Whether its vote is another one; a source that came or went has changed if it says something."""
        return _label(self.before) != _label(self.after)

    @property
    def silent(self) -> bool:
        """Whether it says nothing in either version."""
        return _label(self.before) is None and _label(self.after) is None


def _label(vote: SourceVote | None) -> str | None:
    return vote.label if vote else None


def said(vote: SourceVote | None) -> str:
    """A vote as it is shown."""
    if vote is None:
        return ABSENT
    return ABSTAINS if vote.label is None else vote.label


def pairs(
    flip: Flip | Answer, before: Sequence[SourceVote], after: Sequence[SourceVote], cause: FlipCause | None = None,
) -> list[VotePair]:
    """All sources of either version: the deciding one, then those that changed, then those that vote, then the others.

    The deciding one is what the flip's cause names; while that is not known, the one whose vote made it plain.
    """
    old, new = ({vote.source: vote for vote in votes} for votes in (before, after))
    found = [VotePair(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
    decided = cause.source if cause is not None else deciding(flip, found)
    marked = [VotePair(one.source, one.before, one.after, one.source == decided) for one in found]
    return sorted(marked, key=lambda one: (not one.deciding, not one.changed, one.silent, one.source))


def deciding(flip: Flip | Answer, found: Sequence[VotePair]) -> str | None:
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


def weight(pair: VotePair) -> str:
    """What the vote adds to the log-odds of the label model's answer, before and after; once where it did not move."""
    old, new = (_signed(vote.weight) if vote else "–" for vote in (pair.before, pair.after))
    return new if old == new else f"{old} → {new}"


def without(pair: VotePair) -> str:
    """Probability of the label model's answer in the newer version without the source."""
    value = pair.after.without if pair.after else None
    return "–" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}"


MOST = 3
"""Labels of the label model's answer that are shown."""
LEAST = 0.05
"""Their least probability; the first is shown in any case."""


def posterior(answer: Sequence[tuple[str, float]], shown: Callable[[str], str], *, several: bool = False) -> str:
    """What the label model makes of the votes: its labels with their probabilities, and none if it names none."""
    none = "(none), most likely of all " if several and answer and answer[0][1] < 0.5 else ""
    kept = [pair for at, pair in enumerate(answer[:MOST]) if not at or pair[1] >= LEAST]
    return none + ", ".join(f"{shown(label)} {value:.2f}" for label, value in kept) or "nothing: no source votes"
