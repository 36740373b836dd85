"""What a bundle keeps of how its model reads and answers: `config.json`, `vocabulary/`, transitions of chains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.documents import Document
from ovt.schema.parse import parse_schema
from ovt.serving.model import Parts
from ovt.training.decoding import Chain
from ovt.training.lexicon_files import load_lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG, CHAINS = "config.json", "transitions.json"


def read_parts(folder: Path) -> Parts:
    """Read them from a bundle."""
    config = _read(folder / CONFIG)
    chains = _read(folder / CHAINS) if (folder / CHAINS).is_file() else {}
    return Parts(
        schema=parse_schema(Document(CONFIG, config["schema"])),
        classes={task: tuple(names) for task, names in config["classes"].items()},
        lexicon=load_lexicon(folder, config),
        chains={task: Chain(_floats(found["first"]), _floats(found["step"])) for task, found in chains.items()},
    )


def plain_chains(chains: Mapping[str, Chain]) -> dict[str, Any]:
    """Transitions as JSON has them; float32 survives the way there and back."""
    return {task: {"first": chain.first.tolist(), "step": chain.step.tolist()} for task, chain in chains.items()}


def _floats(values: Any) -> Any:
    return np.asarray(values, np.float32)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
