"""The part of the gateway that explains a change: votes, causes, cells of a confusion, definitions, records."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.project import Project
    from ovt.quality.answers import Answer, Wanted
    from ovt.quality.changed import ChangedSource
    from ovt.workflows.attribution.causes import FlipCauses
    from ovt.workflows.committing.definitions import Definition, Kind
    from ovt.workflows.review.votes import ItemVotes


class Explaining(Protocol):
    """What the screens below a slice ask for; never on the app's own thread."""

    @property
    def root(self) -> Path:
        """The project's folder."""

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> ItemVotes:
        """What each source says about an item in a version, and what the label model makes of it."""

    def causes(self, a: str, b: str, task: str | None, slice_: str | None) -> list[FlipCauses]:
        """The flips of a slice, each with the source behind it, of one task or of all."""

    def cell(self, a: str, b: str, task: str, slice_: str | None, wanted: Wanted) -> list[Answer]:
        """The items of one cell of the confusion, in either version."""

    def answers(self, a: str, b: str, task: str, record_id: str) -> list[Answer]:
        """What both versions say of every token or member of a record."""

    def definition(self, a: str, b: str, kind: Kind, name: str) -> Definition:
        """How a source or slice is written in both versions."""

    def changed_sources(self, a: str, b: str) -> tuple[ChangedSource, ...]:
        """Sources that are new, gone, edited, or have other numbers."""

    def records(self, a: str, b: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Records from the stores of two versions, the newer one's first; those that neither has are left out."""


class ProjectExplaining:
    """The same, from a real project."""

    _project: Project

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._project.root

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> ItemVotes:
        """What each source says about an item."""
        from ovt.workflows.review.votes import item_votes

        return item_votes(self._project, spec, task, record_id, position)

    def causes(self, a: str, b: str, task: str | None, slice_: str | None) -> list[FlipCauses]:
        """The flips that `ovt diff --flips` prints."""
        from ovt.workflows.attribution.causes import all_causes, causes

        if task is None:
            return all_causes(self._project, a, b, None, slice_)
        return [causes(self._project, a, b, task, slice_)]

    def cell(self, a: str, b: str, task: str, slice_: str | None, wanted: Wanted) -> list[Answer]:
        """The items of one cell."""
        from ovt.workflows.labeling.answers import cell

        return cell(self._project, a, b, task, slice_, wanted)

    def answers(self, a: str, b: str, task: str, record_id: str) -> list[Answer]:
        """The answers on one record."""
        from ovt.workflows.labeling.answers import record_answers

        return record_answers(self._project, a, b, task, record_id)

    def definition(self, a: str, b: str, kind: Kind, name: str) -> Definition:
        """Its text from Git and from the working tree."""
        from ovt.workflows.committing.definitions import definition

        return definition(self._project, a, b, kind, name)

    def changed_sources(self, a: str, b: str) -> tuple[ChangedSource, ...]:
        """By files and reports."""
        from ovt.workflows.committing.definitions import changed_between

        return changed_between(self._project, a, b)

    def records(self, a: str, b: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """From whichever store is on this machine."""
        from ovt.errors import MissingError
        from ovt.workflows.review.records import stored_records

        found: dict[str, dict[str, Any]] = {}
        for spec in (b, a):
            with suppress(MissingError):  # the text of a record is a help: all else is shown without it
                found |= stored_records(self._project, spec, [name for name in ids if name not in found])
        return found
