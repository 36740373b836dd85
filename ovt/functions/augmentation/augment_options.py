"""What the decorator or the YAML entry of a transformation function or generator says, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

LabelMode = Literal["carry", "relabel"]
MODES = ("carry", "relabel")
WHERE_KEYS = ("slice", "tag", "probability")


@dataclass(frozen=True)
class AugmentOptions:
    """How new records are made; the same for Python and YAML."""

    labels: LabelMode | dict[str, Any] = "carry"
    """`carry`: the parent's votes stand on the new record too; `relabel`: only labeling functions speak of it; by
    task: one of these words, or a label that the function itself votes for (tasks left out are relabelled)."""
    per: int | None = None
    """New records per parent; None: all that one call returns."""
    where: dict[str, Any] | None = None
    """Which train records are parents: `slice`, `tag` (or `name`: whichever of the two there is), `probability`."""
    max_records: int | None = None
    """At most so many records."""

    def plain(self) -> dict[str, Any]:
        """What differs from the defaults, as plain values."""
        return {name: value for name, value in vars(self).items() if value != getattr(AugmentOptions, name)}

    def mode(self, task: str) -> LabelMode:
        """Whether a parent's votes on a task stand on the new record."""
        found = self.labels if isinstance(self.labels, str) else self.labels.get(task, "relabel")
        return "carry" if found == "carry" else "relabel"

    def own_labels(self) -> dict[str, Any]:
        """Labels that stand on every record that is made, as votes of the function."""
        if isinstance(self.labels, str):
            return {}
        return {task: label for task, label in self.labels.items() if label not in MODES}


def read_options(
    *, labels: object, per: object = None, where: object = None, max_records: object = None,
) -> AugmentOptions:
    """Check what was given.

    Raises:
        TypeError: something has no meaning; the message says what it may be.
    """
    return AugmentOptions(_labels(labels), _count("per", per), _where(where), _count("max_records", max_records))


def _labels(value: object) -> LabelMode | dict[str, Any]:
    if value == "carry":
        return "carry"
    if value == "relabel":
        return "relabel"
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise TypeError(f'`labels` is "carry", "relabel" or a label per task, found {value!r}')


def _count(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError(f"`{name}` is a number from 1, found {value!r}")
    return value


def _where(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, str) and value:
        return {"name": value}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"probability": _probability(value)}
    if isinstance(value, Mapping) and value and set(value) <= set(WHERE_KEYS):
        found = dict(value)
        if "probability" in found:
            found["probability"] = _probability(found["probability"])
        if all(isinstance(found[key], str) for key in ("slice", "tag") if key in found):
            return found
    raise TypeError(f"`where` is a slice or tag, a probability, or a mapping with {', '.join(WHERE_KEYS)}; "
                    f"found {value!r}")


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise TypeError(f"the probability in `where` is above 0 and at most 1, found {value!r}")
    return float(value)
