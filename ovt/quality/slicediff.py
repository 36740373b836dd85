"""The comparison of two versions as one value; every renderer and the terminal app draw this and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["regressed", "improved", "unclear", "thin", "not_comparable"]

SIGNS: dict[Verdict, str] = {
    "regressed": "▼",
    "improved": "▲",
    "unclear": "·",
    "thin": "░",
    "not_comparable": "≠",
}
"""A sign for each verdict; always shown together with the word or a legend, never colour alone."""


@dataclass(frozen=True)
class Side:
    """One of the two versions."""

    name: str
    """The revision as the user typed it, or `workspace`."""
    commit: str | None
    """Full id; None for the workspace."""
    subject: str
    """First line of the commit message."""
    model: str
    """Digest of the model."""
    eval_set: str
    """Digest of the test set."""


@dataclass(frozen=True)
class SliceRow:
    """One task on one slice (None: all test records), before and after."""

    task: str
    slice: str | None
    metric: str
    n: int
    """Test records compared."""
    old: float | None
    new: float | None
    delta: float | None
    """new - old; None where it cannot be compared."""
    low: float | None
    """Lower end of the interval of delta."""
    high: float | None
    p: float | None
    """Of the paired test, after correction for many slices."""
    verdict: Verdict
    broken: int
    """Records right before and wrong now."""
    fixed: int
    """Records wrong before and right now."""
    critical: bool = False
    """The policy names this slice critical."""
    why: str = ""
    """What made the verdict, in words."""
    seeds: tuple[int, int] = (1, 1)
    """Networks of each version that were compared; with more than one, `old` and `new` are over all of them."""
    old_spread: float | None = None
    """Standard deviation of the metric over the old version's seeds; None with one seed."""
    new_spread: float | None = None
    shipped: float | None = None
    """The metric of B's first network, the one that is served; `new` itself with one seed."""
    remeasured: bool = False
    """The old version was run again on the new version's records, gold or slice, since they had changed."""
    negative_flip_rate: float | None = None
    """Broken records as a share of the records compared (NFR of Yan et al. 2021); with seeds the mean over networks."""
    negative_flip_low: float | None = None
    """Lower end of its interval (Wilson)."""
    negative_flip_high: float | None = None
    noise_flip_rate: float | None = None
    """The same rate between two seeds of one version, both versions averaged: what training noise alone breaks."""
    detectable: float | None = None
    """The smallest true drop that would have been called *regressed* in 4 of 5 such comparisons; None: none would."""


@dataclass(frozen=True)
class SliceDiff:
    """All rows of a comparison, regressions first, then by evidence."""

    a: Side
    b: Side
    rows: tuple[SliceRow, ...]
    notes: tuple[str, ...] = ()
    """What the reader must know: one seed only, a changed test set, advisory without gold."""

    def only(self, task: str | None = None, slice_name: str | None = None) -> SliceDiff:
        """The rows of one task, of one slice, or of both; verdicts stay those of the whole comparison.

        Raises:
            UsageError: no row has that task or slice.
        """
        for word, wanted, known in (
            ("task", task, {row.task for row in self.rows}),
            ("slice", slice_name, {row.slice or "" for row in self.rows}),
        ):
            if wanted is not None and wanted not in known:
                raise UsageError(f"no {word} `{wanted}` in this comparison", why=nearest(wanted, known - {""}),
                                 command="ovt diff")
        kept = tuple(row for row in self.rows if task in {None, row.task} and slice_name in {None, row.slice})
        return replace(self, rows=kept)

    def to_pandas(self) -> pd.DataFrame:
        """A row per task and slice."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    def regressed(self) -> tuple[SliceRow, ...]:
        """The rows that got worse beyond doubt and beyond their floor."""
        return tuple(row for row in self.rows if row.verdict == "regressed")

    def not_comparable(self) -> tuple[SliceRow, ...]:
        """The rows that nothing can be said about."""
        return tuple(row for row in self.rows if row.verdict == "not_comparable")


@dataclass(frozen=True)
class Flip:
    """A test item that one version gets right and the other wrong."""

    task: str
    id: str
    """Record id."""
    position: int
    """Token or member position in the record; 0 for record-level tasks."""
    kind: Literal["broken", "fixed"]
    gold: str
    old: str
    new: str
    old_confidence: float
    new_confidence: float
    slices: tuple[str, ...]


@dataclass(frozen=True)
class SourceVote:
    """What one source said about an item in one version."""

    source: str
    label: str | None
    """None: it abstained."""
    accuracy: float | None
    """Its estimated accuracy in that version."""
    weight: float | None = None
    """What its vote adds to the log-odds of the label model's answer; None: it abstained, or that is not known."""
    without: float | None = None
    """Probability of that answer without it; None as for `weight`, or if nobody else votes."""
    decisive: bool = False
    """Without it the label model's answer would be another, or none."""
    correction: bool = False
    """A person's correction, which outvotes the others."""
