"""Bad records: counted, kept aside with file, line and cause; a stop when they are too many or in dev or test."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from ovt.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 5
"""How many bad records a message names."""
KEPT = 10_000
"""Bad records kept per run: more of them are more of the same."""


@dataclass(frozen=True)
class BadRecord:
    """A line that is not used."""

    file: str
    """Relative to the project."""
    line: int
    """From 1."""
    path: str
    """Where inside the record; empty for the whole line."""
    why: str
    fix: str
    split: str | None = None
    """What the record would belong to, as far as it can be told."""
    id: str | None = None
    text: str = ""
    """The line itself."""

    def __str__(self) -> str:
        inside = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {inside}{self.why}"


class Quarantine:
    """Collects the bad records of one compilation below a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, list[BadRecord]] = {}
        self.first: list[BadRecord] = []
        """The first few, for messages; those of dev and test before others."""
        self.count = 0
        self.count_held_out = 0
        """Those of dev and test."""
        for old in folder.glob("*.jsonl"):
            old.unlink()

    def add(self, bad: BadRecord) -> None:
        """Set one aside."""
        self.count += 1
        held_out = bad.split in {"dev", "test"}
        self.count_held_out += held_out
        if self.count <= KEPT:
            self._kept.setdefault(bad.file, []).append(bad)
        if held_out or len(self.first) < SHOWN:
            self.first = sorted([*self.first, bad], key=lambda one: one.split not in {"dev", "test"})[:SHOWN]

    def save(self) -> None:
        """Write `<file>.jsonl` for each file with bad records; nothing where all are good."""
        for file, bad in self._kept.items():
            self._folder.mkdir(parents=True, exist_ok=True)
            lines = b"".join(msgspec.json.encode(asdict(one)) + b"\n" for one in bad)
            (self._folder / _name(file)).write_bytes(lines)

    def judge(self, good: int, limit: float, *, strict: bool) -> None:
        """Stop the run if there are too many, any in dev or test, or any at all under `strict`.

        Raises:
            ProjectError: with the counts and the first few, by file and line.
        """
        reason = self._reason(good + self.count, limit, strict=strict)
        if reason is not None:
            first = self.first[0]
            raise ProjectError(
                f"{self.count:,} of {good + self.count:,} records cannot be used", at=f"{first.file}:{first.line}",
                why=f"{reason}\n{self.listing()}", fix=first.fix or "mend these lines", command="ovt run",
            )

    def _reason(self, total: int, limit: float, *, strict: bool) -> str | None:
        if not self.count:
            return None
        if strict:
            return "--strict allows none"
        if self.count_held_out:
            return f"{self.count_held_out:,} of them are in dev or test, where none may be left out"
        if self.count > limit * total:
            return f"{self.count / total:.2%} are more than the {limit:.2%} that `errors.bad_records` allows"
        return None

    def listing(self) -> str:
        """The first few, one per line, and how many more there are."""
        lines = [f"  {bad}" for bad in self.first]
        if self.count > len(self.first):
            lines.append(f"  … and {self.count - len(self.first):,} more in .ovt/quarantine/")
        return "\n".join(lines)


def _name(file: str) -> str:
    """`data/a/b.jsonl` → `a__b.jsonl`; files outside `data/` keep their folder in the name."""
    return file.removeprefix("data/").replace("/", "__")
