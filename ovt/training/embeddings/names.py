"""What `embedding:` of a payload says: parts joined by `+`, whose vectors stand side by side.

A part is a kind, a file or a folder:

    learned            a vector per frequent word and the mean of its hashed sub-words (the default)
    words · hashed     one half of it
    characters         a convolution over the word's characters
    subwords           pieces of words, found in the train records
    glove.txt          vectors in a file of this project: `.txt`, `.vec`, `.safetensors`
    models/bert        the input vectors of a local Hugging Face folder
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, nearest
from ovt.storage.files import safe_name
from ovt.training.extensions import extension_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GROUP = "ovt.embeddings"
BUILT_IN = ("characters", "hashed", "learned", "subwords", "words")
SUFFIXES = frozenset({".txt", ".vec", ".safetensors"})
TABLE_ARRAYS = {"learned": ("id", "subwords"), "words": ("id",), "hashed": ("subwords",)}
"""Arrays `words/…` that the parts of the shared word table read."""


def parts_of(embedding: str) -> tuple[str, ...]:
    """`learned+glove.txt` -> its parts."""
    return tuple(part.strip() for part in embedding.split("+"))


def is_file(part: str) -> bool:
    """Whether a part is a file of vectors."""
    return PurePosixPath(part).suffix in SUFFIXES


def is_folder(part: str) -> bool:
    """Whether a part is a pretrained folder: a path that is no file of vectors."""
    return "/" in part and not is_file(part)


def feature(part: str) -> str:
    """The array `words/…` that a part reads, where it is no part of the shared word table."""
    return f"{'pieces' if part == 'subwords' else safe_name(part)}"


def check_embedding(embedding: str) -> None:
    """Check the spelling of an embedding; whether its files are there is seen in training.

    Raises:
        ProjectError: a part is no kind, no file of vectors and no folder; or comes twice.
    """
    parts = parts_of(embedding)
    names = extension_names(GROUP, BUILT_IN)
    for part in parts:
        if is_file(part) or is_folder(part):
            _check_path(part)
        elif part not in names:
            raise ProjectError(f"`{part}` is no embedding", fix=f"{nearest(part, names)}; a folder is `./{part}`",
                               why="neither ovt nor an installed package has it, and it is no file of vectors")
    if len(set(parts)) < len(parts):
        raise ProjectError(f"`embedding: {embedding}` has a part twice", why="the second adds nothing",
                           fix="name each part once")


def _check_path(part: str) -> None:
    path = PurePosixPath(part)
    if path.is_absolute() or ".." in path.parts:
        raise ProjectError(f"`{part}` is outside of the project", why="a version must hold all that it is made of",
                           fix="copy it into the project, and track it with DVC", command="dvc add FILE")


def pretrained_paths(payloads: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Files and folders that the values of payloads name, sorted; lists of choices too.

    Args:
        payloads: values by payload, as `tuning.lock.yaml` and `tuning.yaml` spell them.
    """
    found = set()
    for values in payloads.values():
        for key in ("embedding", "ids"):
            for embedding in _strings(_mapping(values).get(key)):
                found |= {part.removeprefix("./") for part in parts_of(embedding) if is_file(part) or is_folder(part)}
    return sorted(found)


def locked_paths(text: str) -> list[str]:
    """Files and folders that a `tuning.lock.yaml` names, for all its variants; nothing of one that is broken."""
    if not any(mark in text for mark in ("/", *SUFFIXES)):
        return []  # as nearly always: reading a version must not parse YAML for nothing
    from ovt.documents import parse_document

    try:
        document = parse_document(text, "tuning.lock.yaml").value
    except ProjectError:
        return []
    if not isinstance(document, dict):
        return []
    variants = document.get("variants") or []
    values = [document.get("values"), *(found.get("values") for found in variants if isinstance(found, dict))]
    found = [_mapping(_mapping(value).get("payloads")) for value in values]
    return sorted({path for payloads in found for path in pretrained_paths(payloads)})


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> Iterator[str]:
    values: Iterable[object] = value if isinstance(value, list) else [value]
    return (item for item in values if isinstance(item, str))
