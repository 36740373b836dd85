"""Which rows of which weights are about the same thing in two models: words, names, classes and slices by their name.

A tensor of unchanged name and shape is taken whole. Where only the things it
lists have changed (a class was added, words came and went), the rows of those
that stayed are taken and the new ones keep their fresh start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from ovt.training.embeddings.characters import FIRST, Characters
from ovt.training.embeddings.pieces import Pieces
from ovt.training.embeddings.vectors import Vectors
from ovt.training.features import FIRST_WORD
from ovt.training.lexicon import UNKNOWN_NAME
from ovt.training.network.network import key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network


@dataclass(frozen=True)
class Listing:
    """Parameters whose rows each stand for something that has a name."""

    prefix: str
    """Of the parameters' names."""
    names: tuple[str, ...]
    kind: str
    """What the names are: words, classes, …"""
    before: int = 0
    """Rows before the first, with a meaning of their own (padding, unknown)."""


@dataclass
class Taken:
    """What a network got from its parent."""

    whole: list[str] = field(default_factory=list)
    """Parameters taken as they are."""
    partly: dict[str, str] = field(default_factory=dict)
    """Parameters of which some rows were taken, and how many."""
    fresh: dict[str, str] = field(default_factory=dict)
    """Parameters that start anew, and why."""
    left: list[str] = field(default_factory=list)
    """Parameters of the parent that nothing here has a use for."""

    def told(self) -> str:
        """In words, for a note."""
        parts = [f"{len(self.whole)} of {len(self.whole) + len(self.partly) + len(self.fresh)} tensors as they are"]
        if self.partly:
            parts.append("by name: " + ", ".join(f"{name} ({how})" for name, how in sorted(self.partly.items())))
        if self.fresh:
            parts.append("new: " + ", ".join(f"{name} ({why})" for name, why in sorted(self.fresh.items())))
        if self.left:
            parts.append(f"not used: {', '.join(self.left)}")
        return "; ".join(parts)


def listings(network: Network, lexicon: Lexicon) -> list[Listing]:
    """Everything in a network that is by name."""
    blueprint = network.blueprint
    words = lexicon.words.words
    found = [Listing("words.words.", words, "words", FIRST_WORD),
             Listing(f"others.parts.{key('words')}.", words, "words", FIRST_WORD)]
    for part, source in lexicon.embeddings.parts.items():
        found += [Listing(f"others.parts.{key(part)}.table", *about) for about in _rows_in(source)]
    for name, names in lexicon.names.items():
        payload, is_id = (name.removesuffix(".id"), True) if name not in blueprint.schema.payloads else (name, False)
        learned = lexicon.embeddings.tables.get(name, (len(names), 0))[0] if is_id else len(names)
        part = "ids" if is_id else "table"
        found.append(Listing(f"payloads.{key(payload)}.{part}.", names[:learned], "names", UNKNOWN_NAME + 1))
        found.append(Listing(f"payloads.{key(payload)}.vectors.", names, "names", UNKNOWN_NAME + 1))
    found += [Listing(f"heads.{key(task)}.", names, "classes") for task, names in blueprint.classes.items()]
    found += [Listing(f"slices.{name}.", blueprint.slices, "slices") for name in network.slices]
    return found


def _rows_in(source: object) -> list[tuple[tuple[str, ...], str, int]]:
    """What the rows of a part's table are called, and how many stand before them."""
    if isinstance(source, Characters):
        return [(source.alphabet, "characters", FIRST)]
    if isinstance(source, Pieces):
        return [(source.vocabulary, "pieces", 1)]
    return [(source.words, "words", 1)] if isinstance(source, Vectors) else []


@torch.no_grad()
def take_weights(network: Network, lexicon: Lexicon, parent: Network, parent_lexicon: Lexicon) -> Taken:
    """Put the parent's weights into a network, as far as they mean the same."""
    own, theirs = dict(network.named_parameters()), dict(parent.named_parameters())
    taken = Taken(left=sorted(theirs.keys() - own.keys()))
    _take_all(own, theirs, (listings(network, lexicon), listings(parent, parent_lexicon)), taken)
    return taken


def _take_all(
    own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], lists: tuple[list[Listing], list[Listing]], taken: Taken,
) -> None:
    here, there = ({found.prefix: found for found in found_in} for found_in in lists)
    for name, value in own.items():
        if name not in theirs:
            taken.fresh[name] = "not in the parent"
            continue
        prefix = next((found for found in here if name.startswith(found) and found in there), None)
        pair = (here[prefix], there[prefix]) if prefix is not None else None
        _take(name, value, theirs[name], pair, taken)


def _take(name: str, value: Tensor, old: Tensor, lists: tuple[Listing, Listing] | None, taken: Taken) -> None:
    if lists is None or lists[0].names == lists[1].names:
        if value.shape == old.shape:
            value.copy_(old)
            taken.whole.append(name)
        else:
            taken.fresh[name] = f"{_shape(old)} in the parent, {_shape(value)} here"
        return
    places = [_rows(value.shape[axis], old.shape[axis], *lists) for axis in range(min(value.ndim, old.ndim))]
    named = [axis for axis, found in enumerate(places) if found is not None and _is_list(name, axis)]
    others_match = value.ndim == old.ndim and all(
        value.shape[axis] == old.shape[axis] for axis in range(value.ndim) if axis not in named)
    if not named or not others_match:
        taken.fresh[name] = f"{_shape(old)} in the parent, {_shape(value)} here"
        return
    _copy_rows(value, old, {axis: places[axis] or ([], []) for axis in named})
    shared = len(set(lists[0].names) & set(lists[1].names))
    taken.partly[name] = f"{shared} of {len(lists[0].names)} {lists[0].kind}"


@torch.no_grad()
def take_buffers(network: Network, lexicon: Lexicon, parent: Network, parent_lexicon: Lexicon) -> None:
    """The same for what is no weight: the vectors of a file, how open slices are."""
    own, theirs = dict(network.named_buffers()), dict(parent.named_buffers())
    _take_all(own, theirs, (listings(network, lexicon), listings(parent, parent_lexicon)), Taken())


def _is_list(name: str, axis: int) -> bool:
    """The first axis lists the things; of what says how two of them follow each other, the second does too."""
    return axis == 0 or name.endswith(".step")


def _copy_rows(value: Tensor, old: Tensor, places: dict[int, tuple[list[int], list[int]]]) -> None:
    to = [torch.tensor(places[axis][0] if axis in places else range(value.shape[axis])) for axis in range(value.ndim)]
    of = [torch.tensor(places[axis][1] if axis in places else range(old.shape[axis])) for axis in range(old.ndim)]
    if all(len(found) for found in to):
        value[torch.meshgrid(*to, indexing="ij")] = old[torch.meshgrid(*of, indexing="ij")]


def _rows(length: int, old_length: int, here: Listing, there: Listing) -> tuple[list[int], list[int]] | None:
    """Places of what both know, here and there; None if this axis does not list them.

    Each thing may take several neighbouring rows (a slice's expert of rank r takes r).
    """
    each, rest = divmod(length - here.before, max(1, len(here.names)))
    old_each, old_rest = divmod(old_length - there.before, max(1, len(there.names)))
    if rest or old_rest or each != old_each or each < 1:
        return None
    index = {name: place for place, name in enumerate(there.names)}
    shared = [(place, index[name]) for place, name in enumerate(here.names) if name in index]
    fixed = list(range(here.before))
    to = fixed + [here.before + place * each + step for place, _ in shared for step in range(each)]
    of = fixed + [there.before + place * each + step for _, place in shared for step in range(each)]
    return to, of


def _shape(found: Tensor) -> str:
    return "×".join(map(str, found.shape)) or "a number"
