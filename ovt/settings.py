"""`ovt.yaml`: what is tracked with a version and what is only how the team works.

Tracked sections (`gold sources code train errors`) are inputs of a version;
the others (`hooks privacy check`) change no model.
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE = "ovt.yaml"
TRACKED = ("code", "errors", "gold", "sources", "train")


class Gold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The curated source that is the truth in dev and test."""

    source: str = "gold"
    train: bool = True


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an unlabelled token of this source means."""

    silence: Literal["abstain", "vote"] = "abstain"


class Train(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a training run is started."""

    seed: int = 0
    threads: int = 1
    init: str = "scratch"
    replicates: int = 1


class Hooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a plain `git commit` starts."""

    train: Literal["background", "compile", "off"] = "background"


class Errors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many bad records a run survives, as a percentage such as `1%`."""

    bad_records: str | float = "1%"

    def limit(self) -> float:
        """The bad fraction that is still accepted, between 0 and 1.

        Raises:
            ProjectError: it is no percentage and no fraction.
        """
        text = str(self.bad_records).strip()
        try:
            value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise ProjectError("`errors.bad_records` is no percentage", at=SETTINGS_FILE, why=f"found {text!r}",
                               fix="e.g. `bad_records: 1%`")
        return value


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the text of records may appear in reports and pull requests."""

    text_in_reports: bool = False


class SlicePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the check asks of one slice; None takes the value of the whole check."""

    critical: bool = False
    minimum: float | None = None
    floor: float | None = None
    min_support: int | None = None


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pull-request policy."""

    base: str = "main"
    confidence: float = 0.95
    floor: float = 0.005
    min_support: int = 30
    slices: dict[str, SlicePolicy] = {}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of `ovt.yaml`."""

    gold: Gold = Gold()
    sources: dict[str, Source] = {}
    code: list[str] = []
    train: Train = Train()
    hooks: Hooks = Hooks()
    errors: Errors = Errors()
    privacy: Privacy = Privacy()
    check: Check = Check()

    def source(self, name: str) -> Source:
        """The settings of a source: its own entry, else the first glob that matches, else the defaults."""
        if name in self.sources:
            return self.sources[name]
        for pattern, found in self.sources.items():
            if fnmatch.fnmatchcase(name, pattern):
                return found
        return Source()

    def tracked(self) -> dict[str, Any]:
        """The sections that are inputs of a version, as plain values with every default spelled out."""
        plain = msgspec.to_builtins(self)
        return {key: plain[key] for key in TRACKED}


def load_settings(root: Path) -> Settings:
    """Read `ovt.yaml`; a project without one has the defaults.

    Raises:
        ProjectError: unknown key (with the nearest known one) or a wrong value, with file and line.
    """
    if not (root / SETTINGS_FILE).is_file():
        return Settings()
    return parse_settings(read_document(root / SETTINGS_FILE))


def parse_settings(document: Document) -> Settings:
    """Check a parsed settings file (see `load_settings`)."""
    value = {} if document.value is None else document.value
    _known_keys(document, value, Settings, ())
    try:
        return msgspec.convert(value, Settings)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        keys = tuple(part for part in path.rstrip("`").replace("[...]", "").split(".") if part)
        raise ProjectError(f"`{document.name}` has a wrong value", at=document.at(*keys), why=message,
                           fix=f"see `{'.'.join(keys)}` in the settings reference") from None


def _known_keys(document: Document, value: object, kind: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        return
    fields = {found.name: found.type for found in msgspec.structs.fields(kind)}
    for key, inner in value.items():
        if key not in fields:
            raise ProjectError(f"unknown setting `{'.'.join((*path, str(key)))}`", at=document.at(*path, str(key)),
                               why=f"`{document.name}` has no such key", fix=nearest(str(key), fields))
        found = fields[key]
        if isinstance(found, type) and issubclass(found, msgspec.Struct):
            _known_keys(document, inner, found, (*path, key))
        elif getattr(found, "__origin__", None) is dict and isinstance(inner, dict):
            member = found.__args__[1]
            for name, entry in inner.items():
                _known_keys(document, entry, member, (*path, key, str(name)))
