"""`ovt.yaml`: what is tracked with a version and what is only how the team works.

Tracked sections (`gold sources code train errors`) are inputs of a version;
the others (`hooks privacy check publish embeddings`) change no model.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE = "ovt.yaml"
TRACKED = ("code", "errors", "gold", "sources", "train")
_LIMITS = ("seconds", "memory")
"""Of `errors`: they end a run or let it be, and change no result, so they are no input of a version."""
_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([hdw])")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt])i?b?")


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
    """How many bad records a run survives, and how much a function may take for one record."""

    bad_records: str | float = "1%"
    """As a percentage such as `1%`."""
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """A function that has not answered about a record after so long is stopped (a batch: ten times that)."""
    memory: str = "4GB"
    """What a function's process may take beyond what it started with."""

    def memory_bytes(self) -> int:
        """The memory limit in bytes.

        Raises:
            ProjectError: it is no size.
        """
        found = _SIZE.fullmatch(self.memory.strip().lower())
        if found is None:
            raise ProjectError("`errors.memory` is no size", at=SETTINGS_FILE, why=f"found {self.memory!r}",
                               fix="e.g. `memory: 2GB` or `memory: 500MB`")
        return int(float(found[1]) * 1024 ** ("kmgt".index(found[2]) + 1))

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


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A fraction such as 0.02."""
PerMetric = Share | dict[str, Share]
"""A number for the metric that a task is judged by, or numbers by metric."""


class Demands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the check asks of some rows of the comparison; None asks nothing, or takes the wider value."""

    floor: PerMetric | None = None
    minimum: PerMetric | None = None
    maximum: dict[str, Annotated[float, msgspec.Meta(ge=0)]] | None = None
    min_support: Annotated[int, msgspec.Meta(ge=0)] | None = None
    margin: Share | None = None
    negative_flips: Share | None = None


class SlicePolicy(Demands, frozen=True, forbid_unknown_fields=True):
    """What the check asks of one slice."""

    critical: bool = False
    required: bool = False
    tasks: dict[str, Demands] = {}


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pull-request policy (docs/check.md)."""

    base: str = "main"
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95
    floor: PerMetric = 0.005
    min_support: Annotated[int, msgspec.Meta(ge=0)] = 30
    negative_flips: Share | None = None
    size_mb: Annotated[float, msgspec.Meta(gt=0)] | None = None
    latency_ms: Annotated[float, msgspec.Meta(gt=0)] | None = None
    unjudged: Literal["advisory", "reject"] = "advisory"
    """What a server does with a push that it cannot judge: no report came with it, or another test set."""
    tasks: dict[str, Demands] = {}
    slices: dict[str, SlicePolicy] = {}


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `ovt promote` and `ovt rollback` also move their alias, for production that has no Git."""

    to: str | None = None
    """`s3://bucket/prefix`, or a folder."""
    endpoint: str | None = None
    """Of an S3 server that is not Amazon's."""


class Embedding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payload's vectors as a product of their own."""

    every: str = ""
    """How old they may become, e.g. `10d`; empty: they are made when someone asks."""

    def seconds(self) -> float | None:
        """`every` in seconds; None: any age.

        Raises:
            ProjectError: it is no time.
        """
        if not self.every:
            return None
        found = _AGE.fullmatch(self.every.strip())
        if found is None:
            raise ProjectError("`every` is no time", at=f"{SETTINGS_FILE}: embeddings", why=f"found {self.every!r}",
                               fix="e.g. `every: 10d`, `every: 2w` or `every: 12h`")
        return float(found[1]) * {"h": 3600, "d": 86400, "w": 7 * 86400}[found[2]]


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
    publish: Publish = Publish()
    embeddings: dict[str, Embedding] = {}

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
        for name in _LIMITS:
            plain["errors"].pop(name)
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
        message = str(error).partition(" - at `$")[0]
        keys = _wrong_key(value, Settings)
        raise ProjectError(f"`{document.name}` has a wrong value", at=document.at(*keys), why=message,
                           fix=f"see `{'.'.join(keys)}` in the settings reference") from None


def _wrong_key(value: object, kind: Any) -> tuple[str, ...]:
    """The path of the innermost setting that cannot be what it has to be; msgspec hides keys that people choose."""
    if not isinstance(value, dict):
        return ()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        kinds = {found.name: found.type for found in msgspec.structs.fields(kind)}
    elif getattr(kind, "__origin__", None) is dict:
        kinds = dict.fromkeys(value, kind.__args__[1])
    else:
        return ()
    for key, inner in value.items():
        try:
            msgspec.convert(inner, kinds[key])
        except msgspec.ValidationError:
            return (str(key), *_wrong_key(inner, kinds[key]))
    return ()


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
