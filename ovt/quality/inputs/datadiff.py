"""What changed in the data of two versions, as one value that every renderer draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ovt.quality.inputs.distances import Distance

Severity = Literal["problem", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("problem", "warning", "note")
SIGNS: dict[Severity, str] = {"problem": "▼", "warning": "!", "note": "·"}


@dataclass(frozen=True)
class DataSide:
    """One of the two versions."""

    name: str
    commit: str | None
    subject: str
    records: int


@dataclass(frozen=True)
class RecordsRow:
    """The records of one split."""

    split: str
    old: int
    new: int
    added: int
    removed: int
    changed: int
    """The same id with other payloads."""
    moved: int
    """In this split now, in another before."""
    copies: int
    """Of dev and test: records whose payloads are in train too."""
    near_copies: int
    """Of dev and test: not the same payloads, but the same words as a record of train."""


@dataclass(frozen=True)
class SourceRow:
    """The labels of one source for one task, on the items of train."""

    task: str
    source: str
    old: int | None
    """Labelled items; None: the source is not there."""
    new: int | None
    old_coverage: float
    """Of the task's items in train."""
    new_coverage: float
    distance: Distance | None
    """Of what it says; None where one side has no labels."""


@dataclass(frozen=True)
class NameRow:
    """A tag or a slice, and how many records of each split carry it: train, dev, test."""

    kind: Literal["tag", "slice"]
    name: str
    old: tuple[int, int, int] | None
    """None: there is no such name."""
    new: tuple[int, int, int] | None


@dataclass(frozen=True)
class DistributionRow:
    """One distribution before and after, or of two splits of the newer version."""

    what: str
    """Such as `labels of Intent` or `length of tokens`."""
    split: str
    """A split, or `train → test` for a skew within the newer version."""
    old: str
    """In short: the mean, or the most frequent classes."""
    new: str
    distance: Distance


@dataclass(frozen=True)
class Finding:
    """Something that validation stumbled over."""

    severity: Severity
    kind: str
    """`source-vanished`, `coverage-collapsed`, `class-vanished`, `leakage`, …"""
    subject: str
    what: str
    """One sentence with the figures."""
    fix: str


@dataclass(frozen=True)
class DataDiff:
    """Everything that is told."""

    a: DataSide
    b: DataSide
    records: tuple[RecordsRow, ...]
    schema: tuple[str, ...]
    """What the schema gained, lost and changed, a line each."""
    sources: tuple[SourceRow, ...]
    names: tuple[NameRow, ...]
    distributions: tuple[DistributionRow, ...]
    findings: tuple[Finding, ...]
    """Problems first."""
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the data is the same in all that is looked at."""
        same_records = all(not (row.added or row.removed or row.changed or row.moved) for row in self.records)
        same_labels = all(row.old == row.new and not (row.distance and row.distance.total_variation)
                          for row in self.sources)
        return same_records and same_labels and not self.schema and all(row.old == row.new for row in self.names)

    def worst(self) -> Severity | None:
        """The severity of the gravest finding."""
        return next((level for level in SEVERITIES if any(found.severity == level for found in self.findings)), None)
