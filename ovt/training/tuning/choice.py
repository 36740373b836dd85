"""Which trial is chosen, and why in words.

Every score is measured on the same few dev records, and the best of many
trials is partly the luckiest. So the choice says how many others lie within one
standard error of it (Breiman et al. 1984), and with `search: {prefer: cost}`
takes the cheapest of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.errors import ProjectError
from ovt.training.tuning.spec import SPEC_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.training.tuning.trial import Result


@dataclass(frozen=True)
class Choice:
    """The trial that training will be like."""

    trial: int
    """As the study numbers it."""
    reason: str


def choose(results: Mapping[int, Result], prefer: Literal["quality", "cost"] = "quality") -> Choice:
    """The best of some trials.

    Raises:
        ProjectError: none is complete; where a limit is the reason, it names the one that came nearest.
    """
    complete = {key: found for key, found in results.items() if found.state == "complete" and found.score is not None}
    if not complete:
        raise _nothing(results)
    best = min(complete, key=lambda key: (-_score(complete[key]), complete[key].parameters, key))
    top = complete[best]
    near = [key for key, found in complete.items() if _score(found) >= _score(top) - top.error]
    chosen = best
    if prefer == "cost":
        chosen = min(near, key=lambda key: (_cost(complete[key]), -_score(complete[key]), key))
    return Choice(chosen, _reason(complete, best, chosen, len(near) - 1))


def _reason(complete: Mapping[int, Result], best: int, chosen: int, near: int) -> str:
    top, taken = complete[best], complete[chosen]
    parts = [f"trial {top.number} has the best score on dev, {_score(top):.4f} (standard error {top.error:.4f})"]
    if chosen != best:
        parts.append(f"trial {taken.number}, {_score(taken):.4f}, is the cheapest within one standard error of it")
    elif near:
        parts.append(f"{near} other{'s lie' if near > 1 else ' lies'} within one standard error: "
                     "what sets them apart may be chance")
    first = min(complete)
    if first != chosen and complete[first].number == 1:
        parts.append(f"the defaults (trial 1) score {_score(complete[first]):.4f}")
    return "; ".join(parts)


def _nothing(results: Mapping[int, Result]) -> ProjectError:
    costly = [found for found in results.values() if found.state == "too costly"]
    if costly:
        nearest = min(costly, key=lambda found: found.excess or 0.0)
        return ProjectError(
            f"none of {len(results)} trials keeps the limits of `search`", at=SPEC_FILE,
            why=f"trial {nearest.number} came nearest: {nearest.why}",
            fix="allow more, or offer smaller sizes and faster encoders", command="ovt tune --show")
    failed = next((found.why for found in results.values() if found.why), "no trial was run")
    return ProjectError("no trial of the search was completed", at=SPEC_FILE, why=failed,
                        fix="give it more time, or mend what the trial says", command="ovt tune --show")


def _score(found: Result) -> float:
    return found.score or 0.0


def _cost(found: Result) -> tuple[float, float]:
    return (found.latency_ms or 0.0, found.parameters)
