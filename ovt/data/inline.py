"""Labels inside records become votes: gold of dev and test apart, classes numbered at the end, memory bounded."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import Spill
from ovt.data.vocabulary import VocabularyBuilder
from ovt.data.votes import VOTED, Votes
from ovt.schema.spec import SPLITS, Schema, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.settings import Settings

Destination = str
"""`votes`, `dev` or `test`."""
DESTINATIONS: tuple[Destination, ...] = ("votes", "dev", "test")
_ABSTAINS = -2


class VoteSpill:
    """Unsorted votes of one destination, with provisional source and class numbers."""

    def __init__(self, folder: Path) -> None:
        self.items = Spill(folder / "items", np.int64)
        self.sources = Spill(folder / "sources", np.int32)
        self.labels = Spill(folder / "labels", np.int32)
        self.ends: list[int] = []
        """Length after each shard: no item has votes in two shards."""

    def add(self, items: NDArray[np.int64], sources: NDArray[np.int32], labels: NDArray[np.int32]) -> None:
        """Append the votes of a shard."""
        self.items.add(items)
        self.sources.add(sources)
        self.labels.add(labels)
        self.ends.append(self.items.length)


class InlineLabels:
    """Collects the labels of one task."""

    def __init__(self, schema: Schema, task: Task, settings: Settings, scratch: Path) -> None:
        self._task = task
        self._granularity = schema.granularity(task.name)
        self._gold = settings.gold
        self._silence: Callable[[str], bool] = lambda source: settings.source(source).silence == "vote"
        self._sources = VocabularyBuilder()
        self._classes: dict[str | None, int] = VocabularyBuilder()  # type: ignore[assignment]
        for name in task.classes or ():
            self._classes[name]
        self._classes[None] = _ABSTAINS
        self._spills = {name: VoteSpill(scratch / name) for name in DESTINATIONS}
        self._scratch = scratch
        self._items = 0
        self._seen: dict[Destination, set[int]] = {name: set() for name in DESTINATIONS}

    def add(self, given: list[dict[str, Any] | None], splits: NDArray[np.int8], lengths: NDArray[np.int64]) -> None:
        """Append a shard: what each record says about this task.

        Args:
            given: source → label, per record, in the one form of `RecordChecks`.
            splits: (records,) split codes.
            lengths: (records,) items of each record that the store keeps; for `select` its candidates.
        """
        rows, sources, labels = self._flatten(given)
        bases = self._item_bases(lengths)
        held_out = sources == self._sources.get(self._gold.source, -1)
        goes = np.where(held_out, splits[rows], 0)
        if not self._gold.train:
            # Nobody's vote, yet its classes are classes of the task.
            goes[held_out & (splits[rows] == 0)] = len(DESTINATIONS)
        for code, name in enumerate((*DESTINATIONS, None)):
            picked = np.flatnonzero(goes == code)
            said = [labels[at] for at in picked.tolist()]
            votes = self._votes(rows[picked], sources[picked], said, bases, lengths)
            if name is not None:
                self._seen[name].update(np.unique(sources[picked]).tolist())
                self._spills[name].add(*votes)
        self._items += len(lengths) if self._granularity == "record" else int(lengths.sum())

    def _item_bases(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._granularity == "record":
            return self._items + np.arange(len(lengths))
        return self._items + np.concatenate(([0], np.cumsum(lengths)[:-1])) if len(lengths) else lengths

    def _flatten(self, given: list[dict[str, Any] | None]) -> tuple[NDArray[np.int64], NDArray[np.int32], list[Any]]:
        """One entry per (record, source)."""
        present = [row for row, labels in enumerate(given) if labels]
        said = [labels for labels in given if labels]
        counts = np.fromiter(map(len, said), np.int64, len(said))
        rows = np.repeat(np.array(present, np.int64), counts)
        sources = np.fromiter(map(self._sources.__getitem__, chain.from_iterable(said)), np.int32, len(rows))
        return rows, sources, list(chain.from_iterable(map(dict.values, said)))

    def _votes(
        self, rows: NDArray[np.int64], sources: NDArray[np.int32], labels: list[Any], bases: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        if self._task.type == "select":
            chosen = np.fromiter((_ABSTAINS if label is None else label for label in labels), np.int32, len(labels))
            keep = (chosen >= 0) & (chosen < lengths[rows])
            return bases[rows][keep], sources[keep], chosen[keep]
        items = bases[rows]
        if self._granularity != "record":
            items, sources, labels = self._per_item(rows, sources, labels, bases, lengths)
        if self._task.type == "bitvector":
            return self._bits(items, sources, labels)
        return self._one_class(items, sources, labels)

    def _per_item(
        self, rows: NDArray[np.int64], sources: NDArray[np.int32], labels: list[Any], bases: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], list[Any]]:
        """From a list per (record, source) to a label per (item, source); items beyond `max_length` are left out."""
        kept = [(label or ())[:length] for label, length in zip(labels, lengths[rows].tolist(), strict=True)]
        counts = np.fromiter(map(len, kept), np.int64, len(kept))
        starts = np.cumsum(counts) - counts
        within = np.arange(int(counts.sum())) - np.repeat(starts, counts)
        return np.repeat(bases[rows], counts) + within, np.repeat(sources, counts), list(chain.from_iterable(kept))

    def _one_class(
        self, items: NDArray[np.int64], sources: NDArray[np.int32], labels: list[Any],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        numbers = np.fromiter(map(self._classes.__getitem__, labels), np.int32, len(labels))
        silent = (numbers == _ABSTAINS) & self._votes_silently(sources)
        if silent.any():
            numbers[silent] = self._classes["O"]
        keep = numbers != _ABSTAINS
        return items[keep], sources[keep], numbers[keep]

    def _bits(
        self, items: NDArray[np.int64], sources: NDArray[np.int32], labels: list[Any],
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        given = np.fromiter((label is not None for label in labels), bool, len(labels))
        voted = given | self._votes_silently(sources)
        counts = np.fromiter((len(label or ()) for label in labels), np.int64, len(labels))
        flat = list(chain.from_iterable(label for label in labels if label))
        numbers = np.fromiter(map(self._classes.__getitem__, flat), np.int32, len(flat))
        return (
            np.concatenate((items[voted], np.repeat(items, counts))),
            np.concatenate((sources[voted], np.repeat(sources, counts))),
            np.concatenate((np.full(int(voted.sum()), VOTED, np.int32), numbers)),
        )

    def _votes_silently(self, sources: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Where a null is a vote for "none": on tokens and members, where "none" can be said at all."""
        task = self._task
        has_none = task.type == "bitvector" or task.spans is not None or "O" in (task.classes or ())
        if self._granularity == "record" or not has_none:
            return np.zeros(len(sources), bool)
        return np.array([self._silence(name) for name in self._sources] or [False], bool)[sources]

    def classes(self) -> list[str]:
        """The task's classes: as declared, or all that was met, sorted; closed under B- and I- for BIO."""
        if self._task.classes is not None:
            return list(self._task.classes)
        met = {name for name in self._classes if name is not None}
        if self._task.spans is None:
            return sorted(met)
        types = sorted({name[2:] for name in met if name != "O"})
        return ["O", *(f"{position}-{kind}" for kind in types for position in "BI")]

    def save(self, paths: dict[Destination, Path]) -> None:
        """Write a votes file per destination, sorted, with final source and class numbers."""
        order = {name: position for position, name in enumerate(self.classes())}
        remap = np.zeros(len(self._classes), np.int32)
        for name, number in self._classes.items():
            if name is not None:
                remap[number] = order[name]
        for destination, path in paths.items():
            self._save_one(destination, remap, path)

    def _save_one(self, destination: Destination, remap: NDArray[np.int32], path: Path) -> None:
        spill, known = self._spills[destination], list(self._sources)
        used = sorted(known[number] for number in self._seen[destination])
        if destination in SPLITS:
            used = [self._gold.source]
        rank = {name: position for position, name in enumerate(used)}
        ranks = np.array([rank.get(name, -1) for name in known] or [-1], np.int32)
        final = VoteSpill(self._scratch / f"{destination}.sorted")
        items, sources, labels = spill.items.mapped(), spill.sources.mapped(), spill.labels.mapped()
        start = 0
        for end in spill.ends:
            part = slice(start, end)
            start = end
            raw = np.asarray(labels[part])
            numbers = raw if self._task.type == "select" else np.where(raw == VOTED, VOTED, remap[raw])
            built = Votes.build(np.asarray(items[part]), ranks[sources[part]], numbers, used, self._items)
            final.add(built.items, built.sources, built.labels)
        Votes(final.items.mapped(), final.sources.mapped(), final.labels.mapped(), tuple(used), self._items).save(path)
