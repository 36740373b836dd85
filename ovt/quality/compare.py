"""Two versions on the same test records: a row per task and slice, each with a verdict.

*Regressed* needs all of: the same exam, enough records, a drop beyond the
slice's floor, and a paired test that is significant after correction. What
the policy calls critical is corrected by itself (Holm), so that the number of
other slices does not dilute it; all else by Benjamini and Hochberg. A row
whose flips are too few for any outcome to be significant is not tested and
takes no part in the correction (Tarone 1990).

Where versions are several networks (`train.replicates`, `--confirm`) their
averages are compared, and the drop must also be beyond what other seeds would
do (`ovt.quality.attribution.training_noise`): of the two p the larger is corrected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ovt.quality.attribution.training_noise import Noise, chances, intervals
from ovt.quality.detectable import detectable_drops
from ovt.quality.exam import Exam, lay_out, what_changed
from ovt.quality.intervals import wilson
from ovt.quality.metrics import PRIMARY, Form
from ovt.quality.paired import (
    Pairs,
    attainable,
    benjamini_hochberg,
    bootstrap_intervals,
    holm,
    interval_of_flips,
    mcnemar,
    swap_tests,
)
from ovt.quality.slicediff import Side, SliceDiff, SliceRow, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ovt.quality.policy.thresholds import Policy, Thresholds
    from ovt.quality.predictions import GradedPredictions

ORDER: dict[Verdict, int] = {"regressed": 0, "not_comparable": 1, "improved": 2, "unclear": 3, "thin": 4}


@dataclass(frozen=True)
class Measured:
    """One version: who it is, what it predicts on test, and which slices it knows."""

    side: Side
    tasks: dict[str, GradedPredictions]
    slices: frozenset[str]
    """All its slices, those without a test record too."""


@dataclass(frozen=True)
class _Sample:
    """What a row is tested on."""

    pairs: Pairs
    noise: Noise


def compare_versions(a: Measured, b: Measured, policy: Policy) -> SliceDiff:
    """Compare B with its base A."""
    rows: list[tuple[SliceRow, Noise | None]] = []
    for task in sorted({*a.tasks, *b.tasks}):
        if task in a.tasks and task in b.tasks and a.tasks[task].form == b.tasks[task].form:
            rows.extend(_task_rows(lay_out(a.tasks[task], b.tasks[task]), a, b, policy))
        else:
            rows.append((_lone_task(task, a, b), None))
    found = corrected([row for row, _ in rows])
    judged = [judge_row(row, policy) for row in _with_detectable(found, [noise for _, noise in rows], policy)]
    return SliceDiff(a.side, b.side, tuple(sorted(judged, key=rank)), tuple(_notes(a, b, policy)))


def _task_rows(exam: Exam, a: Measured, b: Measured, policy: Policy) -> Iterable[tuple[SliceRow, Noise | None]]:
    rows = [_row(exam, None, policy)]
    for name in sorted(a.slices | b.slices):
        missing = [side.side.name for side in (a, b) if name not in side.slices]
        row, sample = _row(exam, name, policy)
        rows.append((_incomparable(row, f"{missing[0]} has no slice `{name}`"), None) if missing else (row, sample))
    yield from ((row, None) for row, sample in rows if sample is None)
    samples = [(row, sample) for row, sample in rows if sample is not None]
    yield from zip(_tested(samples, exam, policy), (sample.noise for _, sample in samples), strict=True)


def _row(exam: Exam, slice_: str | None, policy: Policy) -> tuple[SliceRow, _Sample | None]:
    """A row without its test, and the records to test it on; None if there is nothing to test."""
    in_a, in_b = exam.members(slice_)
    both = np.flatnonzero(in_a & in_b & exam.same_gold)
    broken = int((exam.exact_a[both] & ~exam.exact_b[both]).sum())
    fixed = int((exam.exact_b[both] & ~exam.exact_a[both]).sum())
    asked = policy.thresholds(slice_, exam.b.task)
    shared = SliceRow(
        task=exam.b.task, slice=slice_, metric=PRIMARY[exam.b.form], n=len(both), old=None, new=None, delta=None,
        low=None, high=None, p=None, verdict="unclear", broken=broken, fixed=fixed, critical=asked.critical,
        seeds=exam.seeds,
    )
    changed = what_changed(exam, slice_)
    if changed:
        old = exam.pairs.take(np.flatnonzero(in_a)).values()[0] if in_a.any() else None
        new = exam.pairs.take(np.flatnonzero(in_b)).values()[1] if in_b.any() else None
        return _incomparable(replace(shared, n=int(in_b.sum()), old=old, new=new), changed), None
    if not len(both):
        return replace(shared, verdict="thin", why="no test record with gold"), None
    sums = exam.ledger.sums(both)
    low, high = wilson(sums.negative_flips * sums.n, sums.n, policy.confidence)
    noise = sums.noise()
    row = replace(
        shared, negative_flip_rate=sums.negative_flips, negative_flip_low=low, negative_flip_high=high,
        noise_flip_rate=sums.noise_flips, old_spread=noise.old_spread, new_spread=noise.new_spread,
        shipped=float(sums.new_values[0]),
    )
    return row, _Sample(exam.pairs.take(both), noise)


def _tested(rows: Sequence[tuple[SliceRow, _Sample]], exam: Exam, policy: Policy) -> Iterable[SliceRow]:
    """The rows with their metric, its interval and, where a test could find anything, its uncorrected p."""
    many = [sample.pairs for _, sample in rows]
    values = [pairs.values() for pairs in many]
    ends, found = _seeded(rows, policy) if sum(exam.seeds) > 2 else _plain(rows, exam, policy)
    for (row, sample), (old, new), (low, high), p in zip(rows, values, ends, found, strict=True):
        enough = row.n >= policy.thresholds(row.slice, row.task).min_support
        testable = enough and attainable(int(sample.pairs.differ().sum())) <= policy.alpha
        yield replace(row, old=old, new=new, delta=new - old, low=low, high=high, p=p if testable else None)


def _plain(
    rows: Sequence[tuple[SliceRow, _Sample]], exam: Exam, policy: Policy,
) -> tuple[list[tuple[float, float]], list[float]]:
    """Intervals and p over records, of one network each."""
    if exam.single and exam.b.form != "bitvector":
        ends = [interval_of_flips(row.broken, row.fixed, row.n, policy.confidence) for row, _ in rows]
        return ends, [mcnemar(row.broken, row.fixed) for row, _ in rows]
    many = [sample.pairs for _, sample in rows]
    return bootstrap_intervals(many, policy.confidence), swap_tests(many)


def _seeded(
    rows: Sequence[tuple[SliceRow, _Sample]], policy: Policy,
) -> tuple[list[tuple[float, float]], list[float]]:
    """Intervals and p over records and seeds; the exact test on records has its say where flips are few."""
    many, noises = [sample.pairs for _, sample in rows], [sample.noise for _, sample in rows]
    deltas = [new - old for old, new in (pairs.values() for pairs in many)]
    over_both = chances(deltas, noises).tolist()
    found = [max(p, q) for p, q in zip(swap_tests(many), over_both, strict=True)]
    return intervals(deltas, noises, policy.confidence), found


def corrected(rows: list[SliceRow]) -> list[SliceRow]:
    """Critical rows and the others, each family corrected by itself."""
    out = list(rows)
    for critical, adjust in ((True, holm), (False, benjamini_hochberg)):
        family = [index for index, row in enumerate(rows) if row.p is not None and row.critical is critical]
        adjusted = adjust(np.asarray([rows[index].p for index in family], float))
        for index, p in zip(family, adjusted, strict=True):
            out[index] = replace(rows[index], p=float(p))
    return out


def _with_detectable(rows: Sequence[SliceRow], noises: Sequence[Noise | None], policy: Policy) -> list[SliceRow]:
    """The rows that can be compared, with the smallest drop that they would have shown."""
    tested = {kind: sum(row.p is not None for row in rows if row.critical is kind) for kind in (True, False)}
    known = [(index, row, noise) for index, (row, noise) in enumerate(zip(rows, noises, strict=True)) if noise]
    drops = detectable_drops(
        [noise for _, _, noise in known],
        [policy.alpha / (tested[row.critical] + (row.p is None)) for _, row, _ in known],
        [policy.thresholds(row.slice, row.task, row.metric).floor for _, row, _ in known],
    )
    out = list(rows)
    for (index, row, _), drop in zip(known, drops, strict=True):
        out[index] = replace(row, detectable=drop if drop <= (row.old or 0.0) else None)
    return out


def judge_row(row: SliceRow, policy: Policy) -> SliceRow:
    """A row with its verdict, by what the policy asks of its slice."""
    asked = policy.thresholds(row.slice, row.task, row.metric)
    value = row.new if row.shipped is None else row.shipped
    if value is not None and asked.minimum is not None and row.n >= asked.min_support and value < asked.minimum:
        why = f"{row.metric} {value:.3f} is below the minimum {asked.minimum:g} of the policy"
        return replace(row, verdict="regressed", why="; ".join(filter(None, (why, row.why))))
    if row.verdict == "not_comparable":
        return row
    if row.n < asked.min_support:
        return replace(row, verdict="thin", why=row.why or f"{row.n} records, the policy asks for {asked.min_support}")
    verdict, why = _weigh(row, asked, policy.alpha)
    return replace(row, verdict=verdict, why=why)


def _weigh(row: SliceRow, asked: Thresholds, alpha: float) -> tuple[Verdict, str]:
    """The verdict on a row with enough records and the same exam."""
    delta = row.delta or 0.0
    if delta == 0:
        return "unclear", "no difference"
    if row.p is None:
        return "unclear", "too few flips to tell"
    if row.p > alpha:
        return "unclear", f"within chance (p {_p(row.p)})"
    if abs(delta) <= asked.floor:
        return "unclear", f"certain, but not beyond the floor of {asked.floor:g}"
    return ("regressed" if delta < 0 else "improved"), f"p {_p(row.p)} after correction"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _incomparable(row: SliceRow, why: str) -> SliceRow:
    return replace(row, delta=None, low=None, high=None, p=None, verdict="not_comparable", why=why)


def _lone_task(task: str, a: Measured, b: Measured) -> SliceRow:
    known: Form = (b.tasks.get(task) or a.tasks[task]).form
    missing = [side.side.name for side in (a, b) if task not in side.tasks]
    why = f"{missing[0]} has no gold for `{task}` on test" if missing else f"the type of `{task}` changed"
    row = SliceRow(task, None, PRIMARY[known], 0, None, None, None, None, None, None, "not_comparable", 0, 0)
    return replace(row, why=why)


def _notes(a: Measured, b: Measured, policy: Policy) -> Iterable[str]:
    for name, _ in policy.slices:
        if name not in a.slices | b.slices:
            yield f"the policy names slice `{name}`, which neither version has"
    seeds = [max((part.seeds for part in side.tasks.values()), default=1) for side in (a, b)]
    if sum(seeds) > 2:
        yield f"old and new are averages over {seeds[0]} and {seeds[1]} seeds, and a difference must exceed their noise"
    if a.side.eval_set != b.side.eval_set:
        yield "the test set changed between the versions"
    if a.side.model == b.side.model:
        yield "both versions have the same model"


def rank(row: SliceRow) -> tuple[object, ...]:
    """What rows are sorted by: verdict, critical slices, evidence, the size of the change."""
    evidence = 1.0 if row.p is None else row.p
    return (ORDER[row.verdict], not row.critical, evidence, -abs(row.delta or 0.0), row.task, row.slice or "")
