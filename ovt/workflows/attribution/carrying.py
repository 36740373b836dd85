"""What the older version's sources say about the newer version's items.

Where the records are the same the stored votes are the answer. Where they are
not, labels that people or models gave are carried over by record id, and
functions that changed are asked again as the older version defines them (from
the vote cache where it has them): a record that is new is no change of its
sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import OvtError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.data.votes import Votes
    from ovt.functions.discover import Function
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.workflows.attribution.sides import Side

CODE_FOLDER = "labelers"


@dataclass(frozen=True)
class Definition:
    """A labeling function as one version has it."""

    file: str
    line: int
    key: str
    """Of what it computes."""
    silence: str
    """What an item that it leaves out means."""

    @property
    def meaning(self) -> tuple[str, str]:
        """Two definitions with the same give the same votes."""
        return self.key, self.silence


@dataclass(frozen=True)
class Definitions:
    """The labeling functions of both versions, by name."""

    base: Mapping[str, Definition]
    head: Mapping[str, Definition]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, base: Side, head: Side) -> Definitions:
        """Read them; a version whose code cannot be imported here has none, and a note says so."""
        found: list[dict[str, Definition]] = []
        notes: list[str] = []
        for side in (base, head):
            try:
                with side.functions() as (project, functions):
                    found.append(_defined(project, functions))
            except OvtError as error:
                found.append({})
                notes.append(f"labeling functions of `{side.version.spec}` cannot be read here: {error.what}")
        return cls(found[0], found[1], tuple(notes))

    @property
    def names(self) -> frozenset[str]:
        """All functions of both."""
        return frozenset({*self.base, *self.head})

    def unchanged(self) -> frozenset[str]:
        """Functions that both versions have and that mean the same."""
        both = set(self.base) & set(self.head)
        return frozenset(name for name in both if self.base[name].meaning == self.head[name].meaning)


def votes_before(base: Side, head: Side, definitions: Definitions, progress: Progress) -> dict[str, Votes]:
    """By task of the head, the base's votes on the head's items.

    Raises:
        MissingError: votes of a side are not on this machine.
    """
    from ovt.quality.attribution.vote_changes import same_items

    tasks = list(head.store.schema.tasks)
    known = [task for task in tasks if task in base.store.schema.tasks]
    same = {task for task in known if same_items(task, base.store, head.store)}
    others = [task for task in tasks if task not in same]
    again = _asked_again(base, head, definitions, others, progress) if others else {}
    return {
        task: base.votes(task) if task in same else _carried(base, head, task, definitions, again.get(task, []))
        for task in tasks
    }


def _carried(
    base: Side, head: Side, task: str, definitions: Definitions, again: Sequence[Votes],
) -> Votes:
    from ovt.data.votes import Votes
    from ovt.quality.attribution.vote_changes import carry, carry_outside, only

    after = head.votes(task)
    if task not in base.store.schema.tasks:
        return Votes.empty(after.n_items)
    carried = carry(base.votes(task), task, base.store, head.store)
    outside = carry_outside(carried.votes, after, carried.shared, definitions.names)
    unchanged = only(after, definitions.unchanged())
    return Votes.concat([outside, unchanged, *again], after.n_items)


def _asked_again(
    base: Side, head: Side, definitions: Definitions, tasks: Sequence[str], progress: Progress,
) -> dict[str, list[Votes]]:
    """The votes of functions that the head edited or removed, as the base defines them."""
    wanted = set(definitions.base) - definitions.unchanged()
    if not wanted:
        return {}
    with base.functions() as (project, functions):
        chosen = [function for function in functions if function.name in wanted and function.task in tasks]
        return _apply(project, head, chosen, progress)


def _apply(
    project: Project, head: Side, functions: Sequence[Function], progress: Progress,
) -> dict[str, list[Votes]]:
    from ovt.data.tags import TagTable
    from ovt.functions.apply import try_functions
    from ovt.functions.voting import votes_of

    if not functions:
        return {}
    reads_tags = any(function.reads_tags for function in functions)
    tags = TagTable.load(head.path("build/tags.parquet")) if reads_tags else None
    applied = try_functions(project, head.store, functions, progress, tags=tags)
    votes, _ = votes_of(head.store, functions, applied, lambda name: project.settings.source(name).silence == "vote")
    return votes


def _defined(project: Project, functions: Sequence[Function]) -> dict[str, Definition]:
    return {
        function.name: Definition(
            function.file, function.line, function.key, project.settings.source(function.name).silence)
        for function in functions
    }
