"""Labels that are several names at once, the way a person reads them."""

from __future__ import annotations

import json

NONE = "(none)"


def names(label: str) -> list[str]:
    """The names of a bitvector's label; of anything else none."""
    try:
        found = json.loads(label)
    except ValueError:
        return []
    return [str(name) for name in found] if isinstance(found, list) else []


def against(label: str, gold: str) -> str:
    """An answer beside gold: `+` what is too many, `-` what is missing, then the names that both have."""
    said, right = names(label), names(gold)
    both = [name for name in said if name in right]
    wrong = [f"+{name}" for name in said if name not in right] + [f"-{name}" for name in right if name not in said]
    return " ".join([*wrong, *both]) or NONE
