"""What validation finds in the data of two versions: each finding with its figures and a fix.

A `problem` makes the newer version worse in a way that no metric on its own
test set shows, or breaks that test set; a `warning` may be meant; a `note`
was so before. Numbers alone never make a finding: it takes a distance that
matters and a test that chance does not explain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.inputs.comparison import leaks, skew_of
from ovt.quality.inputs.datadiff import SEVERITIES, Finding
from ovt.schema.spec import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovt.quality.inputs.datadiff import DistributionRow, NameRow, RecordsRow, Severity, SourceRow
    from ovt.quality.inputs.snapshot import Snapshot

ALPHA = 0.01
LARGE_PSI, SOME_PSI = 0.25, 0.1
"""Another population, and one to look at (Siddiqi 2006)."""
COLLAPSED = 0.5
"""A source that labels less than this share of what it did."""
LEAST = 20
"""Fewer labels than this come and go."""
LEAKED = 0.01
"""Share of dev or test that may be in train too."""
UNSEEN = 0.05
"""Rise in the share of words that training never saw."""


def findings(
    a: Snapshot, b: Snapshot, *, records: Sequence[RecordsRow], sources: Sequence[SourceRow],
    names: Sequence[NameRow], distributions: Sequence[DistributionRow],
) -> tuple[Finding, ...]:
    """Everything found, problems first."""
    found = [
        *_leakage(a, records), *_exam(records), *_sources(sources), *_classes(a, b), *_names(names),
        *_shifts(distributions), *_skew(a, distributions), *_unseen(a, b),
    ]
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.kind, one.subject)))


def _leakage(a: Snapshot, records: Sequence[RecordsRow]) -> Iterator[Finding]:
    for row in records:
        if row.split == "train" or not row.new:
            continue
        before = sum(leaks(a, row.split))
        share, old_share = (row.copies + row.near_copies) / row.new, before / row.old if row.old else 0.0
        if share < LEAKED and row.copies + row.near_copies <= before:
            continue
        rise = share - old_share
        severity: Severity = "problem" if rise > LEAKED else "warning" if rise > LEAKED / 2 else "note"
        yield Finding(
            severity, "leakage", row.split,
            f"{row.copies:,} of {row.new:,} {row.split} records are in train too, and {row.near_copies:,} more say the "
            f"same words ({_percent(share)}, before {_percent(old_share)})",
            f"remove them from train or from {row.split}, or give all copies of a record the same split tag")


def _exam(records: Sequence[RecordsRow]) -> Iterator[Finding]:
    for row in records:
        if row.moved:
            yield Finding("warning", "split-moved", row.split,
                          f"{row.moved:,} records came into {row.split} from another split",
                          "keep the split of a record; give it a split tag if its id changes")
        if row.split == "test" and row.added + row.removed + row.changed:
            yield Finding(
                "note", "exam-changed", "test",
                f"the test set is another: {row.added:,} added, {row.removed:,} removed, {row.changed:,} changed",
                "nothing to do: a comparison measures the older model on the new test set again")


def _sources(rows: Sequence[SourceRow]) -> Iterator[Finding]:
    for row in rows:
        subject = f"{row.task} · {row.source}"
        if row.new is None and (row.old or 0) >= LEAST:
            yield Finding("problem", "source-vanished", subject,
                          f"`{row.source}` labelled {row.old:,} items of `{row.task}` and labels none now",
                          "bring its labels or its function back; if it was removed on purpose, say so in the review")
        elif row.old is None and row.new is not None:
            yield Finding("note", "source-new", subject,
                          f"`{row.source}` is new: {row.new:,} items of `{row.task}` ({_percent(row.new_coverage)})",
                          f"see what it is worth: ovt source show {row.source}")
        elif (row.old or 0) >= LEAST and row.new_coverage < COLLAPSED * row.old_coverage:
            yield Finding("problem", "coverage-collapsed", subject,
                          f"`{row.source}` covers {_percent(row.new_coverage)} of `{row.task}`, before "
                          f"{_percent(row.old_coverage)}", f"see what it still says: ovt source show {row.source}")
        elif row.distance is not None and _matters(row.distance.psi, row.distance.p, LARGE_PSI):
            yield Finding("warning", "source-shifted", subject,
                          f"`{row.source}` says other things of `{row.task}` (PSI {row.distance.psi:.2f})",
                          f"see what it says now: ovt source show {row.source}")


def _classes(a: Snapshot, b: Snapshot) -> Iterator[Finding]:
    for (task, split), before in sorted(a.labels.items()):
        after = b.labels.get((task, split), {})
        for name in sorted(name for name, count in before.items() if count >= LEAST and name not in after):
            yield Finding("problem", "class-vanished", f"{task} · {name}",
                          f"`{name}` had {before[name]:,} labels of `{task}` in {split} and has none now",
                          "bring its records or its sources back, or take the class out of the schema")
    for task in sorted({task for task, _ in b.labels}):
        yield from _unlearnable(a, b, task)


def _unlearnable(a: Snapshot, b: Snapshot, task: str) -> Iterator[Finding]:
    """Classes that test asks for and training never shows; a select task's labels are positions, not classes."""
    if b.schema["tasks"][task]["type"] == "select" or (task, "train") not in b.labels:
        return
    known, asked = b.labels[task, "train"], b.labels.get((task, "test"), {})
    for name in sorted(set(asked) - set(known)):
        as_before = (task, "train") in a.labels and name not in a.labels[task, "train"] and (
            name in a.labels.get((task, "test"), {}))
        yield Finding("note" if as_before else "warning", "class-unlearnable", f"{task} · {name}",
                      f"test has {asked[name]:,} gold labels `{name}` of `{task}` and train has none",
                      "add a source that votes for it")


def _names(rows: Sequence[NameRow]) -> Iterator[Finding]:
    for row in rows:
        if row.new is None and row.old is not None and sum(row.old) >= LEAST:
            yield Finding("problem" if row.kind == "slice" else "warning", f"{row.kind}-vanished", row.name,
                          f"{row.kind} `{row.name}` was on {sum(row.old):,} records and is gone",
                          "bring its definition or its tags back; what watches it sees nothing now")
        elif row.kind == "slice" and row.old and row.new and row.new[2] < COLLAPSED * row.old[2] >= COLLAPSED * LEAST:
            yield Finding("warning", "slice-shrank", row.name,
                          f"slice `{row.name}` has {row.new[2]:,} test records, before {row.old[2]:,}",
                          "see its definition: ovt slice list")


def _shifts(rows: Sequence[DistributionRow]) -> Iterator[Finding]:
    for row in rows:
        if row.split in SPLITS and _matters(row.distance.psi, row.distance.p, SOME_PSI):
            large = row.distance.psi >= LARGE_PSI
            yield Finding("warning" if large else "note", "shift", f"{row.what} · {row.split}",
                          f"{row.what} in {row.split}: {row.old} → {row.new} (PSI {row.distance.psi:.2f})",
                          "look at the records that came and went, and whether production moved in the same way")


def _skew(a: Snapshot, rows: Sequence[DistributionRow]) -> Iterator[Finding]:
    before = {(row.what, row.split): row.distance.psi for row in skew_of(a)}
    for row in rows:
        if row.split in SPLITS or not _matters(row.distance.psi, row.distance.p, LARGE_PSI):
            continue
        old = before.get((row.what, row.split))
        known = old is not None and old >= LARGE_PSI
        yield Finding("note" if known else "warning", "skew", f"{row.what} · {row.split}",
                      f"{row.what} are not alike, {row.split}: {row.old} → {row.new} (PSI {row.distance.psi:.2f}, "
                      f"before {'–' if old is None else format(old, '.2f')})",
                      "train on what is asked in production: add records or sources of the kind that is missing")


def _unseen(a: Snapshot, b: Snapshot) -> Iterator[Finding]:
    for (name, split), share in sorted(b.unseen.items()):
        before = a.unseen.get((name, split), 0.0)
        if share - before > UNSEEN:
            yield Finding("warning", "unseen-words", f"{name} · {split}",
                          f"{_percent(share)} of the words of `{name}` in {split} are in no train record, before "
                          f"{_percent(before)}", "add unlabelled or weakly labelled records of that kind to train")


def _matters(psi: float, p: float, least: float) -> bool:
    return psi >= least and p < ALPHA


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
