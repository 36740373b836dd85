"""What workers tell the screens: frozen results, posted from a thread, handled on the app's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from ovt.functions.rules import Rule
    from ovt.quality.answers import Answer
    from ovt.quality.changed import ChangedSource
    from ovt.quality.slicediff import Flip, SliceDiff
    from ovt.schema.spec import Schema
    from ovt.supervision.rule_trial import RuleTrial
    from ovt.versions.history import Version
    from ovt.workflows.attribution.causes import FlipCauses
    from ovt.workflows.background.jobs import JobStatus
    from ovt.workflows.committing.definitions import Definition
    from ovt.workflows.labeling.corrections import Correction
    from ovt.workflows.labeling.disagreements import Disagreements
    from ovt.workflows.labeling.rules import WrittenRule
    from ovt.workflows.review.question import Question
    from ovt.workflows.review.votes import ItemVotes
    from ovt_tui.errands import Fetched, Recorded
    from ovt_tui.trend import Trends


@dataclass
class Compared(Message, bubble=False):
    """Two versions have been compared."""

    a: str
    b: str
    diff: SliceDiff


@dataclass
class TrendsFound(Message, bubble=False):
    """The values of each slice in the versions before b."""

    b: str
    trends: Trends


@dataclass
class FlipsFound(Message, bubble=False):
    """The flips of a slice, and the schema that says how their labels read."""

    flips: tuple[Flip, ...]
    schema: Schema


@dataclass
class VotesFound(Message, bubble=False):
    """What each source said about an item in either version, and the record that it is of."""

    item: Flip | Answer
    before: ItemVotes
    after: ItemVotes
    record: dict[str, Any] | None
    answers: tuple[Answer, ...]
    """Of a task on tokens: what both versions say of each of them."""


@dataclass
class RecordsFound(Message, bubble=False):
    """Records for the lines around the highlight."""

    records: dict[str, dict[str, Any]]
    asked: frozenset[str]


@dataclass
class CausesFound(Message, bubble=False):
    """The flips with what stands behind each, by task."""

    causes: tuple[FlipCauses, ...]


@dataclass
class CellFound(Message, bubble=False):
    """The items of one cell of the confusion, and the schema that says how their labels read."""

    answers: tuple[Answer, ...]
    schema: Schema


@dataclass
class DefinitionFound(Message, bubble=False):
    """How a source or slice is written in both versions."""

    definition: Definition


@dataclass
class ChangedSourcesFound(Message, bubble=False):
    """Sources that are not what they were."""

    changed: tuple[ChangedSource, ...]


@dataclass
class ReportsFound(Message, bubble=False):
    """One report of both versions; None where a version has none."""

    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass
class VersionsFound(Message, bubble=False):
    """All versions, newest first, the workspace on top."""

    versions: tuple[Version, ...]


@dataclass
class QualityFound(Message, bubble=False):
    """The quality reports of the versions in the list, by what each is asked for; None where it cannot be read."""

    reports: dict[str, dict[str, Any] | None]


@dataclass
class JobsFound(Message, bubble=False):
    """What trains in the background."""

    jobs: tuple[JobStatus, ...]


@dataclass
class ChangesFound(Message, bubble=False):
    """What of the workspace is in no version yet, in words."""

    changes: tuple[str, ...]


@dataclass
class Told(Message, bubble=False):
    """What long work does now, and how far it is."""

    stage: str
    text: str
    done: float | None = None
    total: float | None = None


@dataclass
class Noted(Message, bubble=False):
    """What long work says for good."""

    text: str


@dataclass
class WorkspaceRecorded(Message, bubble=False):
    """A run, or a commit, of the workspace has ended."""

    recorded: Recorded


@dataclass
class VersionFetched(Message, bubble=False):
    """A version's results are here."""

    spec: str
    fetched: Fetched


@dataclass
class DisagreementsFound(Message, bubble=False):
    """Errors and disagreements of a slice, and the schema that says how labels read."""

    found: Disagreements
    schema: Schema


@dataclass
class RuleTried(Message, bubble=False):
    """What a rule does on dev."""

    rule: Rule
    trial: RuleTrial


@dataclass
class RuleWritten(Message, bubble=False):
    """A rule stands in a file; None: it was taken back."""

    rule: WrittenRule | None


@dataclass
class QuestionFound(Message, bubble=False):
    """What may be said about a record."""

    question: Question


@dataclass
class CorrectionsWritten(Message, bubble=False):
    """Corrections stand in `supervision/`."""

    corrections: tuple[Correction, ...]


@dataclass
class RecordFound(Message, bubble=False):
    """A record as it stands in the data; None where it is not there."""

    record: dict[str, Any] | None
