"""Two snapshots side by side: records, labels per source, tags, schema, distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.data.columns import filled
from ovt.quality.inputs.datadiff import DistributionRow, NameRow, RecordsRow, SourceRow
from ovt.quality.inputs.distances import between_counts, between_numbers
from ovt.quality.inputs.payload_keys import NOTHING
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ovt.quality.inputs.distances import Distance
    from ovt.quality.inputs.snapshot import Counts, Labels, Snapshot

SHOWN = 3
"""Classes that are named where a distribution is told in short."""
SKEWED = ("dev", "test")


def records_rows(a: Snapshot, b: Snapshot) -> tuple[RecordsRow, ...]:
    """What happened to the records of each split."""
    place = _places(b.ids, a.ids)
    both = place >= 0
    there = np.maximum(place, 0)
    gone = np.ones(len(a.splits), bool)
    gone[place[both]] = False
    changed = both & (a.keys.exact[there] != b.keys.exact) if len(a.splits) else both
    moved = both & (a.splits[there] != b.splits) if len(a.splits) else both
    rows = []
    for code, split in enumerate(SPLITS):
        inside = b.splits == code
        copies, near = leaks(b, split)
        rows.append(RecordsRow(
            split, int((a.splits == code).sum()), int(inside.sum()), int((inside & ~both).sum()),
            int((gone & (a.splits == code)).sum()), int((inside & changed).sum()), int((inside & moved).sum()),
            copies, near))
    return tuple(rows)


def leaks(found: Snapshot, split: str) -> tuple[int, int]:
    """Records of a split whose payloads, and whose words alone, are in train too; nothing leaks from train to train."""
    if split == "train":
        return 0, 0
    train, inside = found.splits == SPLITS.index("train"), found.splits == SPLITS.index(split)
    exact = np.isin(found.keys.exact[inside], found.keys.exact[train])
    text = found.keys.text[inside]
    near = np.isin(text, found.keys.text[train]) & (text != NOTHING) & ~exact
    return int(exact.sum()), int(near.sum())


def source_rows(a: Snapshot, b: Snapshot) -> tuple[SourceRow, ...]:
    """Every source of either version, by task and name."""
    rows = []
    for task in sorted({*a.sources, *b.sources}):
        old, new = a.sources.get(task, {}), b.sources.get(task, {})
        for name in sorted({*old, *new}):
            before, after = old.get(name), new.get(name)
            rows.append(SourceRow(
                task, name, before.items if before else None, after.items if after else None,
                _coverage(before, a.train_items.get(task, 0)), _coverage(after, b.train_items.get(task, 0)),
                of_counts(before.counts, after.counts) if before and after else None))
    return tuple(rows)


def name_rows(a: Snapshot, b: Snapshot) -> tuple[NameRow, ...]:
    """Tags and slices whose numbers of records are not the same."""
    found = []
    for kind, name in sorted({*a.names, *b.names}):
        old, new = a.names.get((kind, name)), b.names.get((kind, name))
        if old != new:
            found.append(NameRow("tag" if kind == "tag" else "slice", name, old, new))
    return tuple(found)


def schema_lines(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, ...]:
    """What the schema gained, lost and changed."""
    lines = []
    for kind, word in (("payloads", "payload"), ("tasks", "task")):
        old, new = a[kind], b[kind]
        lines += [f"{word} `{name}` removed" for name in sorted(old.keys() - new.keys())]
        lines += [f"{word} `{name}` added" for name in sorted(new.keys() - old.keys())]
        for name in sorted(old.keys() & new.keys()):
            for key in sorted(old[name].keys() | new[name].keys()):
                before, after = old[name].get(key), new[name].get(key)
                if before != after:
                    lines.append(f"{word} `{name}`: {key} {_said(before)} → {_said(after)}")
    return tuple(lines)


def distribution_rows(a: Snapshot, b: Snapshot) -> tuple[DistributionRow, ...]:
    """Labels, categories, numbers and lengths, per split, before and after; then train against dev and test of `b`."""
    rows: list[DistributionRow | None] = []
    labels = {(f"labels of {task}", split): counts for (task, split), counts in a.labels.items()}
    others = {(f"labels of {task}", split): counts for (task, split), counts in b.labels.items()}
    before, after = {**labels, **a.categories}, {**others, **b.categories}
    for what, split in sorted(before.keys() & after.keys()):
        rows.append(_counted(what, split, before[what, split], after[what, split]))
    for what, split in sorted(a.numbers.keys() & b.numbers.keys()):
        rows.append(_numbered(what, split, a.numbers[what, split], b.numbers[what, split]))
    rows.extend(_skews(b, after))
    return tuple(row for row in rows if row is not None)


def of_counts(old: Counts, new: Counts) -> Distance | None:
    """Distance of two counts by name."""
    names = sorted({*old, *new})
    return between_counts(_aligned(old, names), _aligned(new, names))


def skew_of(found: Snapshot) -> tuple[DistributionRow, ...]:
    """Train against dev and test of one version."""
    labels = {(f"labels of {task}", split): counts for (task, split), counts in found.labels.items()}
    return tuple(row for row in _skews(found, {**labels, **found.categories}) if row is not None)


def _skews(found: Snapshot, counted: Mapping[tuple[str, str], Counts]) -> Iterator[DistributionRow | None]:
    for split in SKEWED:
        where = f"train → {split}"
        for what in sorted(what for what, other in counted if other == split and (what, "train") in counted):
            yield _counted(what, where, counted[what, "train"], counted[what, split])
        for what in sorted(what for what, other in found.numbers if other == split):
            yield _numbered(what, where, found.numbers[what, "train"], found.numbers[what, split])


def _counted(what: str, split: str, old: Counts, new: Counts) -> DistributionRow | None:
    distance = of_counts(old, new)
    return None if distance is None else DistributionRow(what, split, _top(old), _top(new), distance)


def _numbered(what: str, split: str, old: NDArray[np.float64], new: NDArray[np.float64]) -> DistributionRow | None:
    distance = between_numbers(old, new)
    if distance is None:
        return None
    return DistributionRow(what, split, f"mean {np.nanmean(old):.2f}", f"mean {np.nanmean(new):.2f}", distance)


def _places(wanted: Any, known: Any) -> NDArray[np.int64]:
    """Where each id of `wanted` is among `known`; -1: nowhere."""
    import pyarrow.compute as pc

    found = pc.index_in(wanted.cast(known.type), value_set=known)
    return filled(found, -1).astype(np.int64)


def _coverage(labels: Labels | None, items: int) -> float:
    return labels.items / items if labels is not None and items else 0.0


def _aligned(counts: Counts, names: list[str]) -> NDArray[np.int64]:
    return np.asarray([counts.get(name, 0) for name in names], np.int64)


def _top(counts: Counts) -> str:
    total = sum(counts.values())
    first = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in first)


def _said(value: Any) -> str:
    if value is None:
        return "(default)"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
