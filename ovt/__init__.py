"""ovt: Overton made Git-native.

The public names are imported on first use, so that `import ovt` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovt.functions.decorators import (
        ABSTAIN,
        generator,
        labeling_function,
        slicing_function,
        transformation_function,
    )
    from ovt.functions.earlier import predictions
    from ovt.repository import Repository
    from ovt.repository import open_repository as open  # noqa: A004 - `ovt.open` is the public name
    from ovt.serving.loading import load
    from ovt.supervision.combine import combine

__version__ = "0.1.0"
__all__ = [
    "ABSTAIN",
    "Repository",
    "combine",
    "generator",
    "labeling_function",
    "load",
    "open",
    "predictions",
    "slicing_function",
    "transformation_function",
]

_HOMES = {
    "ABSTAIN": ("ovt.functions.decorators", "ABSTAIN"),
    "Repository": ("ovt.repository", "Repository"),
    "combine": ("ovt.supervision.combine", "combine"),
    "generator": ("ovt.functions.decorators", "generator"),
    "labeling_function": ("ovt.functions.decorators", "labeling_function"),
    "load": ("ovt.serving.loading", "load"),
    "open": ("ovt.repository", "open_repository"),
    "predictions": ("ovt.functions.earlier", "predictions"),
    "slicing_function": ("ovt.functions.decorators", "slicing_function"),
    "transformation_function": ("ovt.functions.decorators", "transformation_function"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ovt' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
