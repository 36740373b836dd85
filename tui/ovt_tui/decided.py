"""How many flips each source stands behind, and how many nobody does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovt.workflows.attribution.causes import FlipCauses

READING = "…"
NONE = "–"


@dataclass(frozen=True)
class Decided:
    """Flips by source; nothing is known before they were read."""

    sources: Mapping[tuple[str, str], tuple[int, int]] | None = None
    """Broken and fixed, by task and source; None while they are being read."""
    others: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Flips with no source behind them, by task and cause."""
    trouble: str = ""

    @classmethod
    def of(cls, found: Iterable[FlipCauses]) -> Decided:
        """Count."""
        sources: dict[tuple[str, str], tuple[int, int]] = {}
        others: dict[tuple[str, str], int] = {}
        for part in found:
            for group in part.groups:
                if group.source is None:
                    others[part.task, group.cause] = others.get((part.task, group.cause), 0) + group.count
                else:
                    broken, fixed = sources.get((part.task, group.source), (0, 0))
                    sources[part.task, group.source] = (broken + group.broken, fixed + group.fixed)
        return cls(sources, others)

    def by(self, task: str, source: str) -> str:
        """The flips of one source, broken and fixed."""
        if self.trouble or self.sources is None:
            return "?" if self.trouble else READING
        found = self.sources.get((task, source))
        return f"-{found[0]} +{found[1]}" if found else NONE

    def told(self, task: str | None) -> str:
        """What no source explains, in words."""
        if self.trouble or self.sources is None:
            return self.trouble
        behind = sum(sum(counts) for (where, _), counts in self.sources.items() if task in {None, where})
        rest: dict[str, int] = {}
        for (where, cause), count in self.others.items():
            if task in {None, where}:
                rest[cause] = rest.get(cause, 0) + count
        parts = [f"{behind} because of a source", *(f"{count} {cause}" for cause, count in sorted(rest.items()))]
        return f"flips: {', '.join(parts)}" if behind or rest else ""
