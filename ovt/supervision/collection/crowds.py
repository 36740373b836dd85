"""Crowds in reports: thousands of workers told as one source, and nobody by name.

A worker is a source `CROWD/WORKER`. Rows with a `worker` are read under
pseudonyms already; workers that records name themselves are told together from
a score of them on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ovt.supervision.collection.rows import PSEUDONYM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MANY = 20
"""Workers of one crowd that records name, from which on they are told together."""
_PSEUDONYM = re.compile(rf".+/w[0-9a-f]{{{PSEUDONYM}}}")


def crowd_of(name: str) -> str:
    """The crowd of a worker's name, empty for a name that is none."""
    return name.rpartition("/")[0]


def groups(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The sources as reports tell them, sorted, and (m,) which of them each source belongs to."""
    by_crowd: dict[str, list[str]] = {}
    for name in names:
        by_crowd.setdefault(crowd_of(name), []).append(name)
    together = {
        crowd for crowd, members in by_crowd.items()
        if crowd and (len(members) >= MANY or any(_PSEUDONYM.fullmatch(member) for member in members))
    }
    told = [crowd if (crowd := crowd_of(name)) in together else name for name in names]
    shown = tuple(sorted(set(told)))
    number = {name: at for at, name in enumerate(shown)}
    return shown, np.array([number[name] for name in told], np.int64)
