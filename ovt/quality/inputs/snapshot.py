"""The data of one version, as far as two versions are compared by it: counts and keys, no text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.votes import VOTED
from ovt.quality.inputs.payload_keys import PayloadKeys
from ovt.schema.spec import SPLITS
from ovt.schema.write import plain_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.data.votes import Votes
    from ovt.quality.membership import RowsByName

Counts = dict[str, int]
TRAIN = SPLITS.index("train")
CROWD = "/"
"""A source `crowd/ada` is one of the crowd `crowd/*`, told together: thousands of workers are nobody's table."""


@dataclass(frozen=True)
class Labels:
    """What one source says about the train items of one task."""

    items: int
    """It labelled so many."""
    counts: Counts
    """By label; of a select task by position."""


@dataclass(frozen=True)
class Snapshot:
    """One version."""

    ids: Any
    """Arrow string array (n,)."""
    splits: NDArray[np.int8]
    keys: PayloadKeys
    schema: dict[str, Any]
    train_items: Counts
    """By task."""
    sources: dict[str, dict[str, Labels]]
    """By task and source, on train."""
    labels: dict[tuple[str, str], Counts]
    """By task and split: the labels that training aims at (train) and the gold (dev, test)."""
    numbers: dict[tuple[str, str], NDArray[np.float64]]
    """By what (`length of tokens`, `values of age`) and split."""
    categories: dict[tuple[str, str], Counts]
    """By what (`values of device`) and split."""
    unseen: dict[tuple[str, str], float]
    """By payload and split (dev, test): the share of tokens that no train record has."""
    names: dict[tuple[str, str], tuple[int, int, int]]
    """By kind (tag, slice) and name: records of train, dev, test."""


@dataclass(frozen=True)
class Material:
    """What a snapshot is made of."""

    store: Store
    votes: Mapping[str, Votes]
    """By task, of all sources."""
    gold: Mapping[tuple[str, str], Votes]
    """By task and split."""
    targets: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    """By task: items that training uses, and the most probable label of each."""
    tags: RowsByName
    slices: RowsByName


def snapshot(material: Material) -> Snapshot:
    """Count."""
    store = material.store
    sources, labels, train_items = {}, {}, {}
    for task in store.schema.tasks:
        of_train = store.splits[store.rows_of_items(task, np.arange(store.n_items(task)))] == TRAIN
        train_items[task] = int(of_train.sum())
        if task in material.votes:
            sources[task] = _by_source(store, task, material.votes[task].on_items(of_train))
        if task in material.targets:
            items, found = material.targets[task]
            labels[task, "train"] = _named(store, task, found[of_train[items]])
        for split in SPLITS[1:]:
            if (task, split) in material.gold:
                votes = material.gold[task, split]
                labels[task, split] = _named(store, task, votes.labels[votes.labels != VOTED])
    numbers, categories, unseen = _distributions(store)
    names = {
        (kind, name): _per_split(store.splits[rows])
        for kind, found in (("tag", material.tags), ("slice", material.slices)) for name, rows in found.rows.items()
    }
    return Snapshot(
        ids=store.ids, splits=store.splits, keys=PayloadKeys.of(store), schema=plain_schema(store.schema),
        train_items=train_items, sources=sources, labels=labels, numbers=numbers, categories=categories,
        unseen=unseen, names=names,
    )


def _by_source(store: Store, task: str, votes: Votes) -> dict[str, Labels]:
    shown = [f"{name.partition(CROWD)[0]}{CROWD}*" if CROWD in name else name for name in votes.names]
    groups = sorted(set(shown))
    number = np.asarray([groups.index(name) for name in shown], np.int64)[votes.sources] if groups else (
        np.empty(0, np.int64))
    found = {}
    for code, name in enumerate(groups):
        own = number == code
        mine = votes.items[own]  # ascending, as votes are
        items = int(np.count_nonzero(np.diff(mine))) + 1 if len(mine) else 0
        said = votes.labels[own]
        found[name] = Labels(items, _named(store, task, said[said != VOTED]))
    return {name: labels for name, labels in found.items() if labels.items}


def _named(store: Store, task: str, labels: NDArray[np.integer]) -> Counts:
    classes = store.classes.get(task)
    counts = np.bincount(labels[labels >= 0].astype(np.int64)).tolist()
    return {classes[code] if classes else str(code): count for code, count in enumerate(counts) if count}


def _per_split(splits: NDArray[np.int8]) -> tuple[int, int, int]:
    train, dev, test = np.bincount(splits, minlength=len(SPLITS)).tolist()
    return train, dev, test


def _distributions(store: Store) -> tuple[
    dict[tuple[str, str], NDArray[np.float64]], dict[tuple[str, str], Counts], dict[tuple[str, str], float],
]:
    numbers: dict[tuple[str, str], NDArray[np.float64]] = {}
    categories: dict[tuple[str, str], Counts] = {}
    unseen: dict[tuple[str, str], float] = {}
    inside = [(split, store.splits == code) for code, split in enumerate(SPLITS)]
    for name, payload in store.schema.payloads.items():
        present = store.present(name)
        lengths = _lengths(store, name)
        for split, rows in inside:
            kept = rows & present
            if lengths is not None:
                numbers[f"length of {name}", split] = lengths[kept].astype(np.float64)
            if payload.dtype == "number":
                numbers[f"values of {name}", split] = store.exact_numbers(name)[kept].astype(np.float64)
            if payload.dtype == "category":
                words = store.vocabulary(name).strings
                counts = np.bincount(store.categories(name)[kept], minlength=len(words)).tolist()
                categories[f"values of {name}", split] = {
                    word: count for word, count in zip(words, counts, strict=True) if count}
        if payload.type == "sequence" or payload.reads_own_text:
            unseen |= _unseen(store, name, inside[1:])
    return numbers, categories, unseen


def _lengths(store: Store, name: str) -> NDArray[np.int64] | None:
    payload = store.schema.payloads[name]
    if payload.type == "set":
        return np.diff(store.members(name).offsets)
    if payload.type == "sequence" or payload.reads_own_text:
        return np.diff(store.tokens(name).offsets)
    return None


def _unseen(
    store: Store, name: str, inside: Sequence[tuple[str, NDArray[np.bool_]]],
) -> dict[tuple[str, str], float]:
    tokens = store.tokens(name)
    new = (store.vocabulary(name).counts == 0)[tokens.values]
    owners = np.repeat(np.arange(store.n), np.diff(tokens.offsets))
    found = {}
    for split, rows in inside:
        own = rows[owners]
        if own.any():
            found[name, split] = float(new[own].mean())
    return found
