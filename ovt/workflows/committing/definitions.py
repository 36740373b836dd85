"""How a source or a slice is written in two versions: the text of its function in both, and where it stands now.

All of it comes from Git and from the working tree as text; nothing of the project runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ovt.functions.listing import Place
    from ovt.project import Project
    from ovt.quality.changed import ChangedSource
    from ovt.workflows.checking.surroundings import Files

Kind = Literal["labeling", "slicing"]
DefinitionChange = Literal["new", "gone", "edited", "same", "nowhere"]


@dataclass(frozen=True)
class Written:
    """A function in one version."""

    path: str
    """Relative to the project."""
    line: int
    """Of its first decorator, or of its YAML entry; from 1."""
    lines: tuple[str, ...]
    """Its text."""
    whole: tuple[str, ...]
    """The text of its file."""
    digest: str
    """Of its code and of what it uses in its file; comments and docstrings do not count."""


@dataclass(frozen=True)
class Definition:
    """A source or a slice in two versions."""

    kind: Kind
    name: str
    old: Written | None
    """None: no file of that version defines it (labels from data, a tag of the records, a function made by code)."""
    new: Written | None
    here: Place | None
    """Where the working tree has it now."""

    @property
    def change(self) -> DefinitionChange:
        """What happened to it between the versions; a comment changes nothing."""
        if self.old is None or self.new is None:
            return "new" if self.new else "gone" if self.old else "nowhere"
        return "same" if self.old.digest == self.new.digest else "edited"


def definition(project: Project, a: str, b: str, kind: Kind, name: str) -> Definition:
    """Look a source or slice up in both versions and in the working tree.

    Raises:
        UsageError: no such revision.
    """
    from ovt.workflows.review.opened import WORKSPACE

    old, new, here = (_files(project, spec) for spec in (a, b, WORKSPACE))
    return Definition(kind, name, _written(old, kind, name), _written(new, kind, name), _place(here, kind, name))


def changed_between(project: Project, a: str, b: str) -> tuple[ChangedSource, ...]:
    """Sources that are new, gone or edited, or whose numbers moved, by what both versions' files and reports say.

    Raises:
        UsageError: no such revision.
    """
    from ovt.quality.changed import changed_sources

    old, new = _files(project, a), _files(project, b)
    return changed_sources(old.report("sources.json"), new.report("sources.json"), old.listing.labeling,
                           new.listing.labeling)


def _files(project: Project, spec: str) -> Files:
    from ovt.versions.history import resolve
    from ovt.workflows.checking.surroundings import Files

    return Files(project, resolve(project, spec))


def _place(files: Files, kind: Kind, name: str) -> Place | None:
    listing = files.listing
    return (listing.labeling if kind == "labeling" else listing.slicing).get(name)


def _written(files: Files, kind: Kind, name: str) -> Written | None:
    from ovt.functions.excerpt import excerpt

    place = _place(files, kind, name)
    content = files.source.read(place.path) if place is not None else None
    if place is None or content is None:
        return None
    whole = content.decode("utf-8-sig", "replace").splitlines()
    return Written(place.path, place.line, tuple(excerpt(place.path, content, place.line)), tuple(whole), place.digest)
