"""What surrounds a verdict: sources and files that changed, where slices and tasks are defined, records that broke.

All of it is read from Git and from reports; no code of the project runs, since
a check may be about a change that nobody has reviewed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.documents import Document
    from ovt.functions.listing import Listing
    from ovt.project import Project
    from ovt.quality.changed import ChangedFile, ChangedSource
    from ovt.quality.policy.verdict import Context, RowFlips
    from ovt.quality.slicediff import SliceDiff, SliceRow
    from ovt.versions.history import Version
    from ovt.versions.source import Source

FOLDERS = ("labelers", "slices")
RULE_FOLDERS = ("examples", "waivers")
"""Files that decide what passes: a change of them is told."""
MOST_ROWS, MOST_FLIPS = 10, 10
"""How many rows, and records of each, are listed."""


@dataclass(frozen=True)
class Files:
    """A version's files."""

    project: Project
    version: Version

    @cached_property
    def source(self) -> Source:
        """Where they lie."""
        from ovt.versions.source import source_of

        return source_of(self.project, self.version.commit)

    @cached_property
    def listing(self) -> Listing:
        """Its functions, told from their text."""
        from ovt.functions.listing import list_functions

        paths = [path for folder in FOLDERS for path in self.source.blobs(folder)]
        return list_functions({path: self.source.read(path) or b"" for path in paths})

    def document(self, *names: str) -> Document | None:
        """The first of some files that it has; None if it has none, or that cannot be parsed."""
        from ovt.documents import parse_document

        for name in names:
            content = self.source.read(name)
            if content is not None:
                with suppress(ProjectError):
                    return parse_document(content.decode("utf-8-sig", "replace"), name)
        return None

    def report(self, name: str) -> dict[str, Any]:
        """One of its reports; empty if it has none."""
        from ovt.versions.artifacts import read_report

        return read_report(self.project, self.version, name) or {}


def surroundings(project: Project, diff: SliceDiff, rows: tuple[SliceRow, ...]) -> Context:
    """Gather what is told around a verdict.

    Args:
        project: the project.
        diff: the comparison.
        rows: those whose broken records are listed.
    """
    from ovt.quality.policy.verdict import Context
    from ovt.storage.git import git_of
    from ovt.versions.history import resolve

    base, head = (Files(project, resolve(project, side.name)) for side in (diff.a, diff.b))
    return Context(
        prefix=git_of(project.root).layout.prefix,
        slices={name: (place.path, place.line) for name, place in head.listing.slicing.items()},
        tasks=_task_places(head), sources=_sources(base, head), files=tuple(_files(base, head)),
        flips=tuple(_broken(project, diff, head.version, rows[:MOST_ROWS])), notes=tuple(_policy_notes(base, head)),
    )


def _task_places(head: Files) -> dict[str, tuple[str, int]]:
    from ovt.schema.parse import SCHEMA_FILES

    document = head.document(*SCHEMA_FILES)
    if document is None or not isinstance(document.value, dict):
        return {}
    tasks = document.value.get("tasks") or {}
    return {task: (document.name, document.lines.get(("tasks", task), 1)) for task in tasks}


def _sources(base: Files, head: Files) -> tuple[ChangedSource, ...]:
    from ovt.quality.changed import changed_sources

    return changed_sources(base.report("sources.json"), head.report("sources.json"), base.listing.labeling,
                           head.listing.labeling)


def _files(base: Files, head: Files) -> Iterator[ChangedFile]:
    """Inputs of the model that are not the same, by path; bulk folders as their `.dvc` file."""
    from ovt.quality.changed import ChangedFile
    from ovt.versions.key import inputs_of

    try:
        old, new = inputs_of(base.source), inputs_of(head.source)
    except ProjectError:
        return
    if old is None or new is None:
        return
    before, after = ({**side.files, **{f"{name}.dvc": digest for name, digest in side.bulk.items()}}
                     for side in (old, new))
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield ChangedFile(path, "new" if path not in before else "gone" if path not in after else "edited")
    for section in sorted(old.settings):
        if old.settings[section] != new.settings.get(section):
            yield ChangedFile(f"ovt.yaml: {section}", "edited")


def _policy_notes(base: Files, head: Files) -> Iterator[str]:
    """A version that changes what it is judged by says so."""
    old, new = (flattened((document.value or {}).get("check") if document else None)
                for document in (base.document("ovt.yaml"), head.document("ovt.yaml")))
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"the policy changed with this version: check.{key} {_word(old, key)} → {_word(new, key)}"
    for folder in RULE_FOLDERS:
        before, after = base.source.blobs(folder), head.source.blobs(folder)
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                how = "is new" if path not in before else "is gone" if path not in after else "changed"
                yield f"{path} {how} with this version"


def flattened(value: Any, path: str = "") -> dict[str, Any]:
    """Nested settings as `slices.nutrition.minimum` → value."""
    if not isinstance(value, dict):
        return {path: value} if path else {}
    inner = [flattened(found, f"{path}.{key}" if path else str(key)) for key, found in value.items()]
    return {name: found for part in inner for name, found in part.items()}


def _word(values: dict[str, Any], key: str) -> str:
    return str(values[key]) if key in values else "(default)"


def _broken(
    project: Project, diff: SliceDiff, head: Version, rows: tuple[SliceRow, ...],
) -> Iterator[RowFlips]:
    from ovt.quality.policy.verdict import RowFlips
    from ovt.workflows.review.compare import flips

    for row in rows:
        listed = [flip for flip in flips(project, diff.a.name, diff.b.name, row.task, row.slice)
                  if flip.kind == "broken"][:MOST_FLIPS]
        texts = _texts(project, head, {flip.id for flip in listed}) if project.settings.privacy.text_in_reports else {}
        yield RowFlips(row, tuple(listed), texts)


def _texts(project: Project, version: Version, ids: set[str]) -> dict[str, str]:
    """What records say, where their store is on this machine."""
    from ovt.workflows.review.votes import opened_store

    found: dict[str, str] = {}
    try:
        with opened_store(project, version) as store:
            for name in sorted(ids):
                row = store.row_of(name)
                if row is not None:
                    found[name] = _text(store.record(row), list(store.schema.payloads))
    except MissingError:
        return {}
    return found


def _text(record: Any, payloads: list[str]) -> str:
    """The first payload that is text, or a list of words."""
    for name in payloads:
        value = record[name]
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list | tuple) and value and isinstance(value[0], str):
            return " ".join(value)
    return ""
