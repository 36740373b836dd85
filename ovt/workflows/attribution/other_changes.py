"""Inputs of training that changed and are no source: what a drop may come from when no function is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.workflows.attribution.sides import CORRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.versions.key import Inputs
    from ovt.workflows.attribution.sides import Side

BULK_WORDS = {
    "data": "records, or labels inside them, changed", "supervision": "labels given from outside changed",
    "tags": "tag sets changed",
}


@dataclass(frozen=True)
class OtherChange:
    """An input of training that changed and is no source."""

    name: str
    path: str | None
    """The file in Git that shows the change."""
    what: str
    """In words."""


def other_changes(base: Side, head: Side) -> tuple[OtherChange, ...]:
    """What could have changed the model beside the votes of sources.

    An input counts only where something that the train stage reads from it
    changed: records that were put into test, or labels inside records that
    are votes, train nothing differently.
    """
    from ovt.versions.key import inputs_of

    old, new = inputs_of(base.source), inputs_of(head.source)
    if old is None or new is None:
        return ()
    return (*_records(base, head, old, new), *_gold_and_slices(base, head), *_tuning(base, head, old, new))


def _records(base: Side, head: Side, old: Inputs, new: Inputs) -> Iterator[OtherChange]:
    """Where the row store is another one."""
    if _same(base, head, "build/store"):
        return
    for path in sorted(_schemas(old) | _schemas(new)):
        if old.files.get(path) != new.files.get(path):
            yield OtherChange(path, path, "the schema changed")
    for name in ("data", "tags"):
        if old.bulk.get(name) != new.bulk.get(name):
            yield OtherChange(f"{name}/", f"{name}.dvc", BULK_WORDS[name])
    if old.bulk.get("data") == new.bulk.get("data") and _schemas(old) == _schemas(new):
        yield OtherChange("build/store", None, "the records that are made of the same data changed")


def _gold_and_slices(base: Side, head: Side) -> Iterator[OtherChange]:
    if not _same(base, head, "build/gold/dev"):
        yield OtherChange("gold of dev", "data.dvc", "the truth that label models and training are steered by changed")
    if base.corrections != head.corrections:
        yield OtherChange(CORRECTIONS, "supervision.dvc", "corrections, which outvote every source, changed")
    if not _same(base, head, "build/slices") and _same(base, head, "build/store"):
        yield OtherChange("slices/", None, "slices, which give the model capacity, changed")


def _tuning(base: Side, head: Side, old: Inputs, new: Inputs) -> Iterator[OtherChange]:
    from ovt.settings import SETTINGS_FILE
    from ovt.stages.pipeline import TUNING_LOCK

    if base.tuning_lock != head.tuning_lock:
        yield OtherChange(TUNING_LOCK, TUNING_LOCK, "the tuned values changed")
    for section in ("train", "gold"):
        if _of_one_model(old.settings[section]) != _of_one_model(new.settings[section]):
            yield OtherChange(f"{SETTINGS_FILE}: {section}", SETTINGS_FILE, f"the settings `{section}` changed")


def _of_one_model(settings: dict[str, Any]) -> dict[str, Any]:
    """More seeds are more models; the first stays the same."""
    return {name: value for name, value in settings.items() if name != "replicates"}


def _schemas(inputs: Inputs) -> set[str]:
    from ovt.schema.parse import SCHEMA_FILES

    return {path for path in inputs.files if path in SCHEMA_FILES}


def _same(base: Side, head: Side, output: str) -> bool:
    return base.hashes.get(output) == head.hashes.get(output)
