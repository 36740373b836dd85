"""Transformation functions and generators of a project, with their options and which records they take as parents."""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovt.errors import ProjectError, nearest
from ovt.functions.answers import Form
from ovt.functions.augmentation.augment_options import AugmentOptions
from ovt.functions.augmentation.augmenting_files import augmenting_documents, augmenting_inputs, augmenting_modules
from ovt.functions.closure import digest_of
from ovt.functions.declarative import TAG
from ovt.functions.discover import AUGMENTING, Function, discover

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from ovt.data.view import RecordView
    from ovt.project import Project

FORMAT = 1
"""Raised when a definition that did not change makes other records."""
RANDOM_NAMES = ("random", "rng")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Augmenter:
    """A transformation function, or a generator, ready to be called."""

    function: Function
    options: AugmentOptions
    definition: str
    """Digest of its code and options: what is made from a record depends on nothing else."""
    takes_random: bool
    slices: tuple[Function, ...] = ()
    """The functions that define the slice which its parents are in."""
    tag: str | None = None
    """The tag that its parents have."""

    @property
    def name(self) -> str:
        """The source in the lineage of what it makes."""
        return self.function.name

    @property
    def has_parents(self) -> bool:
        """Whether it makes records from records."""
        return self.function.kind == "transformation"

    @property
    def reads_tags(self) -> bool:
        """Whether it, or the choice of its parents, looks at tags."""
        return self.function.reads_tags or any(found.reads_tags for found in self.slices)

    def draws(self, record_id: str) -> bool:
        """Whether its probability takes a record: the same answer always, whatever other records there are."""
        share = float((self.options.where or {}).get("probability", 1.0))
        return share >= 1.0 or number_of("where", self.name, record_id) < share * 2.0**64

    def chosen(self, records: Sequence[RecordView], names: Sequence[Collection[str]]) -> NDArray[np.bool_]:
        """(n,) which of some train records are parents; `names` are the tags of each."""
        picked = [
            (self.tag is None or self.tag in tags) and self.draws(record.id) and self._in_slice(record)
            for record, tags in zip(records, names, strict=True)
        ]
        return np.array(picked, bool)

    def _in_slice(self, record: RecordView) -> bool:
        if not self.slices:
            return True
        try:
            return any(found.call(record) for found in self.slices)
        except (Exception, SystemExit):  # noqa: BLE001  it is told when slices are computed, by its own name
            return False


def discover_augmenters(project: Project) -> list[Augmenter]:
    """Every transformation function and generator, sorted by name; nothing is imported where there is none.

    Raises:
        ProjectError: one cannot be loaded, or its options name what the project does not have.
    """
    if not augmenting_modules(project) and not augmenting_documents(project):
        return []
    functions = [function for kind in AUGMENTING for function in discover(project, kind)]
    inputs = set(augmenting_inputs(project))
    found = [_augmenter(project, function, inputs) for function in functions]
    seen: dict[str, Function] = {}
    for function in functions:
        if seen.setdefault(function.name, function) is not function:
            raise ProjectError(f"two functions are called `{function.name}`",
                               at=f"{seen[function.name].at} and {function.at}",
                               why="a name stands for one source in reports", fix="rename one of them")
    return sorted(found, key=lambda augmenter: augmenter.name)


def number_of(*words: str) -> int:
    """A 64-bit number that depends on the words alone."""
    return int.from_bytes(hashlib.blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest())


def refuse_unknown(augmenter: Augmenter, tags: Collection[str]) -> None:
    """`where` must name something; which tags there are is known when all records have been read.

    Raises:
        ProjectError: no record has the tag.
    """
    if augmenter.tag is not None and augmenter.tag not in tags:
        given = augmenter.options.where or {}
        what = "slice and no tag" if "name" in given else "tag"
        raise ProjectError(f"`where` of `{augmenter.name}` names no {what}", at=augmenter.function.at,
                           why=f"found {augmenter.tag!r}, which no record has", fix=nearest(augmenter.tag, tags),
                           command="ovt slice list")


def _augmenter(project: Project, function: Function, inputs: Collection[str]) -> Augmenter:
    known = {name: function.settings[name] for name in vars(AugmentOptions()) if name in function.settings}
    options = AugmentOptions(**known)
    _check_inputs(function, inputs)
    if function.name == project.settings.gold.source:
        raise ProjectError(f"{function.kind} `{function.name}` has the name of the gold source", at=function.at,
                           why="what it says would be taken for the truth", fix="rename it")
    for task in options.labels if isinstance(options.labels, dict) else ():
        if task not in project.schema.tasks:
            raise ProjectError(f"`labels` of `{function.name}` names an unknown task", at=function.at,
                               why=f"found {task!r}", fix=nearest(str(task), project.schema.tasks))
    slices, tag = _where(project, function, options)
    bodies = sorted(found.body for found in slices)
    forms = [repr(Form.of(project.schema, task)) for task in project.schema.tasks]
    told = json.dumps([options.plain(), function.name, bodies, forms], sort_keys=True, ensure_ascii=False)
    return Augmenter(function, options, digest_of([str(FORMAT), function.body, told]), _takes_random(function),
                     slices, tag)


def _where(project: Project, function: Function, options: AugmentOptions) -> tuple[tuple[Function, ...], str | None]:
    """The slicing functions and the tag that parents must be in; a slice that is a tag is told as one."""
    where = options.where or {}
    name = where.get("slice", where.get("name"))
    slices: list[Function] = []
    if name is not None:
        slices = [found for found in discover(project, "slicing") if (found.slice or found.name) == name]
        if not slices and "slice" in where:
            known = {found.slice or found.name for found in discover(project, "slicing")}
            raise ProjectError(f"`where` of `{function.name}` names no slice", at=function.at, why=f"found {name!r}",
                               fix=nearest(name, known), command="ovt slice list")
    awkward = next((found for found in slices if found.batch or found.predictions), None)
    if awkward is not None or function.predictions:
        raise ProjectError(
            f"`{function.name}` cannot be used while records are compiled", at=(awkward or function).at,
            why=("it is handed predictions, which need compiled records" if awkward is None
                 else f"its parents are in slice `{name}`, whose function takes batches or predictions"),
            fix="use a plain function" if awkward is None else "choose parents by a tag or a plain slicing function",
        )
    tag = where.get("tag", None if slices else where.get("name"))
    if len(slices) == 1 and TAG in slices[0].settings and tag is None:
        return (), str(slices[0].settings[TAG])
    return tuple(slices), tag


def _check_inputs(function: Function, inputs: Collection[str]) -> None:
    """A file that the stage does not depend on would go stale unseen."""
    boundary = function.environment.boundary
    for path in sorted(function.files):
        shown = boundary.shown(path)
        if shown.startswith("labelers/") and shown not in inputs:
            raise ProjectError(
                f"{function.kind} `{function.name}` reads `{shown}`, which its file does not name", at=function.at,
                why="the compile stage would not notice a change of that file",
                fix=f'name it in the decorator: `resources=["{shown}"]`',
            )


def _takes_random(function: Function) -> bool:
    try:
        parameters = list(inspect.signature(function.call).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = [found for found in parameters if found.kind in _POSITIONAL]
    after = positional[1:] if function.kind == "transformation" else positional
    return bool(after) and (after[0].name in RANDOM_NAMES or after[0].default is inspect.Parameter.empty)
