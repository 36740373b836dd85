"""What workers tell the screens: frozen results, posted from a thread, handled on the app's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from ovt.quality.slicediff import Flip, SliceDiff, SourceVote
    from ovt.schema.spec import Schema
    from ovt.versions.history import Version
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
    """What each source said about a flip's item in either version."""

    flip: Flip
    before: tuple[SourceVote, ...]
    after: tuple[SourceVote, ...]
    record: dict[str, Any] | None


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
