"""Where things are: the folders and files of one ovt project."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.schema.parse import SCHEMA_FILES, find_schema, load_schema
from ovt.settings import SETTINGS_FILE, Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.schema.spec import Schema

MARKERS = (SETTINGS_FILE, *SCHEMA_FILES)
STAGES = ("compile", "label", "train", "evaluate")
CORRECTIONS = "supervision/corrections.jsonl"
"""What people corrected; train records take it as their target, dev and test as gold."""
GOLD = "supervision/gold.jsonl"
"""Gold that was given after the records were written."""


@dataclass(frozen=True)
class Project:
    """A folder with a schema; the root of a Git repository or a folder inside one.

    `shared_cache` is where votes, hashes and locks are kept. A detached
    worktree of a background job points it to the cache of the user's own
    working tree, so that no labeling function runs twice.
    """

    root: Path
    shared_cache: Path | None = None

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that `start` is in: the nearest parent with `ovt.yaml` or a schema.

        Raises:
            MissingError: none of the parents is one.
        """
        here = start.resolve()
        for folder in (here, *here.parents):
            if any((folder / marker).is_file() for marker in MARKERS):
                return cls(folder)
            if (folder / ".git").exists():
                break
        raise MissingError("not an ovt project", at=str(here), why="no ovt.yaml and no schema here or above",
                           fix="start one here, or name one with -C DIR", command="ovt init")

    @cached_property
    def settings(self) -> Settings:
        """`ovt.yaml`, checked."""
        return load_settings(self.root)

    @cached_property
    def schema(self) -> Schema:
        """The schema, checked."""
        return load_schema(self.root)

    @property
    def schema_file(self) -> Path:
        """`schema.json` or its YAML form."""
        return find_schema(self.root)

    @property
    def build(self) -> Path:
        """Row store, labels, predictions: made by the stages."""
        return self.root / "build"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.root / "model"

    @property
    def reports(self) -> Path:
        """Small reports that are kept in Git."""
        return self.root / "reports"

    @property
    def private(self) -> Path:
        """`.ovt/`: cache, locks, queue, logs; git-ignored and always rebuildable."""
        return self.root / ".ovt"

    @property
    def cache(self) -> Path:
        """Votes and hashes by content."""
        return self.shared_cache or self.private / "cache"

    def folder(self, name: str) -> Path:
        """One of the input folders: data, supervision, tags, labelers, slices, examples."""
        return self.root / name

    def shown(self, path: Path) -> str:
        """A path as the user knows it: relative to the project, with forward slashes."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)
