"""The lexicon in a model folder, read and written without torch: serving reads the same files.

config.json                  scales of numbers, tables of vectors, configuration of pretrained encoders
vocabulary/words.json        words with a vector of their own, in the order of their ids
vocabulary/names.KEY.json    known categories, and members by `PAYLOAD.id`
vocabulary/embeddings.json   alphabets, pieces and known words of other embeddings, where some payload has one
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.storage.files import safe_name, write_json
from ovt.training.embeddings.alignment import Alignment
from ovt.training.embeddings.sources import Embeddings, Source
from ovt.training.features import WordFeatures
from ovt.training.lexicon import Lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VOCABULARY = "vocabulary"
WORDS, EMBEDDINGS = "words.json", "embeddings.json"


def save_lexicon(folder: Path, lexicon: Lexicon) -> None:
    """Write `vocabulary/`; the same lexicon gives the same bytes."""
    write_json(folder / VOCABULARY / WORDS, list(lexicon.words.words))
    for key, names in lexicon.names.items():
        write_json(_names_file(folder, key), list(names))
    found = lexicon.embeddings
    if found != Embeddings():
        write_json(folder / VOCABULARY / EMBEDDINGS, {
            "parts": msgspec.to_builtins(found.parts), "table": list(found.table),
            "alignments": msgspec.to_builtins(found.alignments), "configs": found.configs,
            "tables": {part: list(shape) for part, shape in found.tables.items()},
        })


def lexicon_config(lexicon: Lexicon) -> dict[str, Any]:
    """What `config.json` says of it."""
    return {
        "words": len(lexicon.words.words), "names": {key: len(names) for key, names in lexicon.names.items()},
        "scales": {name: list(scale) for name, scale in lexicon.scales.items()},
    }


def load_lexicon(folder: Path, config: Mapping[str, Any]) -> Lexicon:
    """Read it.

    Args:
        folder: of a model, or of whatever holds its `vocabulary/`.
        config: the content of `config.json`.
    """
    words = WordFeatures(tuple(_read(folder / VOCABULARY / WORDS)), config["values"]["words"]["buckets"])
    names = {key: tuple(_read(_names_file(folder, key))) for key in config["names"]}
    scales = {name: (mean, spread) for name, (mean, spread) in config["scales"].items()}
    path = folder / VOCABULARY / EMBEDDINGS
    return Lexicon(words, names, scales, _embeddings(_read(path)) if path.is_file() else Embeddings())


def _embeddings(plain: dict[str, Any]) -> Embeddings:
    return Embeddings(
        parts=msgspec.convert(plain["parts"], dict[str, Source]), table=tuple(plain["table"]),
        alignments=msgspec.convert(plain["alignments"], dict[str, Alignment]), configs=plain["configs"],
        tables={part: (rows, length) for part, (rows, length) in plain["tables"].items()},
    )


def _names_file(folder: Path, key: str) -> Path:
    return folder / VOCABULARY / f"names.{safe_name(key)}.json"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
