"""`tuning.lock.yaml`: the values that training uses, and the question that they answer.

The train stage reads this file alone, never `tuning.yaml`. What it does not
say comes from the defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ovt.documents import Document, parse_document, read_document
from ovt.errors import ProjectError, nearest
from ovt.storage.files import write_text
from ovt.training.tuning.values import Values, overlay
from ovt.training.tuning.variants import Variant  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILE = "tuning.lock.yaml"
FORMAT = "ovt.tuning/1"
LATER = frozenset({"freeze", "init", "variants"})
"""Keys that are not written where they say nothing."""
HEADER = "# Made by `ovt tune`; commit it. Training uses these values.\n"


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file."""

    answers: str
    """Digest of the schema and the spec that were searched."""
    values: dict[str, Any]
    """Fixed values, in the shape of `tuning.yaml`."""
    seed: int = 0
    """Of the trials."""
    score: float | None = None
    """Dev score of these values; None where there was nothing to choose."""
    parent: str | None = None
    """DVC's hash of the model that training starts from; None: from scratch."""
    init: str | None = None
    """What `train.init` said when the parent was looked up."""
    freeze: tuple[str, ...] = ()
    """Tasks whose answers must stay the parent's."""
    variants: tuple[Variant, ...] = ()
    """The models to train, the served one first; empty: one."""
    format: str = FORMAT


def read_lock(root: Path) -> Lock | None:
    """The project's lock; None if there is none.

    Raises:
        ProjectError: someone edited it into something else, or another version of ovt made it.
    """
    path = root / LOCK_FILE
    return _checked(read_document(path)) if path.is_file() else None


def parse_lock(text: str) -> Lock:
    """A lock from its text, e.g. of a commit.

    Raises:
        ProjectError: as `read_lock`.
    """
    return _checked(parse_document(text, LOCK_FILE))


def _checked(document: Document) -> Lock:
    try:
        lock = msgspec.convert(document.value, Lock)
    except msgspec.ValidationError as error:
        raise ProjectError(f"`{LOCK_FILE}` cannot be read", at=document.name, why=str(error), fix="make it again",
                           command="ovt tune") from None
    if lock.format != FORMAT:
        raise ProjectError(f"`{LOCK_FILE}` has another format", at=document.at("format"),
                           why=f"found {lock.format}, this ovt reads {FORMAT}", fix="make it again", command="ovt tune")
    return lock


def write_lock(root: Path, lock: Lock) -> None:
    """Write the file; the same lock gives the same bytes."""
    import yaml

    plain = {key: value for key, value in msgspec.to_builtins(lock).items() if value or key not in LATER}
    write_text(root / LOCK_FILE, HEADER + yaml.safe_dump(plain, sort_keys=True, allow_unicode=True, width=120))


def locked_values(lock: Lock | None, defaults: Values) -> Values:
    """The values to train with: the lock's, and the defaults where it says nothing.

    Raises:
        ProjectError: the lock speaks of a payload that the schema no longer has, or has a wrong value.
    """
    if lock is None:
        return defaults
    gone = sorted(set(lock.values.get("payloads", {})) - set(defaults.payloads))
    if gone:
        raise ProjectError(f"`{LOCK_FILE}` has values for payload `{gone[0]}`", at=LOCK_FILE,
                           why=f"the schema has no such payload; {nearest(gone[0], defaults.payloads)}",
                           fix="search again, or remove it there", command="ovt tune")
    try:
        return overlay(defaults, lock.values)
    except (msgspec.ValidationError, KeyError, AttributeError) as error:
        raise ProjectError(f"`{LOCK_FILE}` has a wrong value", at=LOCK_FILE, why=str(error), fix="make it again",
                           command="ovt tune") from None
