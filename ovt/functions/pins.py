"""`labelers/predictions.lock`: which model each revision in `predictions:` stands for.

A branch moves and a tag can be moved, so the model is written down when a
revision is first used, by commands that a person types (`ovt label`, `ovt run`,
`ovt commit`); the stages only read it. It is committed with the labelers: the
key of a version covers it, and so every clone uses the same models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.storage.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.project import Project

LOCK = "labelers/predictions.lock"
HEADER = """\
# Which model each revision in `predictions` stands for. Kept by ovt, to be committed;
# `ovt label --source NAME --pin` moves the pin of what NAME uses.
"""


@dataclass(frozen=True)
class Pin:
    """One revision, pinned."""

    commit: str
    model: str
    """DVC's hash of the model folder."""


def read_pins(project: Project) -> dict[str, Pin]:
    """Pins by revision.

    Raises:
        ProjectError: the file cannot be understood.
    """
    path = project.root / LOCK
    return parse_pins(path.read_text(encoding="utf-8")) if path.is_file() else {}


def parse_pins(text: str) -> dict[str, Pin]:
    """Pins by revision, from the text of the file.

    Raises:
        ProjectError: it cannot be understood.
    """
    value = parse_document(text, LOCK).value or {}
    try:
        return {str(revision): Pin(str(found["commit"]), str(found["model"])) for revision, found in value.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ProjectError(f"`{LOCK}` cannot be understood", at=LOCK, why=f"{type(error).__name__}: {error}",
                           fix="delete it, it is made again", command="ovt run label") from None


def format_pins(pins: Mapping[str, Pin]) -> str:
    """The text of the file: sorted, one revision a line."""
    import json

    return HEADER + "".join(
        f'{json.dumps(revision, ensure_ascii=False)}: {{commit: "{pin.commit}", model: "{pin.model}"}}\n'
        for revision, pin in sorted(pins.items())
    )


def write_pins(project: Project, pins: Mapping[str, Pin]) -> None:
    """Write the file."""
    path: Path = project.root / LOCK
    write_text(path, format_pins(pins))


def unpinned(revision: str, name: str, at: str) -> ProjectError:
    """The error for a revision without a pin."""
    return ProjectError(
        f"`{name}` uses predictions of `{revision}`, which is not pinned to a model", at=at,
        why=f"`{LOCK}` does not have it: a branch or tag may move, a run must not", fix="pin it, and commit that file",
        command=f"ovt label --source {name}",
    )
