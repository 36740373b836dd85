"""Licences of the pretrained parts of a model: they travel with its bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project

NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
"""How files begin that say what may be done with the others beside them."""


def licences_of(project: Project, model: Path) -> dict[str, dict[str, bytes]]:
    """By pretrained file or folder of a model, the licence files beside or in it; none where there are none here.

    Args:
        project: in whose working tree the pretrained parts lie.
        model: the model folder.
    """
    from ovt.training.embeddings.names import pretrained_paths

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    return {path: _beside(project.root / path) for path in pretrained_paths(config["values"]["payloads"])}


def _beside(path: Path) -> dict[str, bytes]:
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        return {}
    found = sorted(file for file in folder.iterdir() if file.is_file() and file.name.upper().startswith(NAMES))
    return {file.name: file.read_bytes() for file in found}
