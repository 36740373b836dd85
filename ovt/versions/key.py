"""KEY: the SHA-256 of a version's inputs, by which its run is found again.

In it: the stages' format numbers; blob ids of the schema, of the tuning lock
and of all code; DVC's hashes of data, supervision and tags; the tracked values
of `ovt.yaml`. Not in it: policy (`check hooks privacy`), results, `.dvc/config`,
versions of ovt and torch, anything about the commit. So amend, rebase,
cherry-pick and squash find the same run.

A parent version is named by digest in the tuning lock, and is in the key
through it; files and folders of pretrained vectors that the lock names are in
it by DVC's hash.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.project import STAGES
from ovt.schema.parse import SCHEMA_FILES
from ovt.settings import SETTINGS_FILE, TRACKED, parse_settings
from ovt.stages.pipeline import FORMATS, TUNING_LOCK, parse_lock

if TYPE_CHECKING:
    from ovt.versions.source import Source

LOCK_FILE = "dvc.lock"
CODE_FOLDERS = ("labelers", "slices")
BULK = ("data", "supervision", "tags")


@dataclass(frozen=True)
class Inputs:
    """The leaf inputs of a version."""

    files: dict[str, str]
    """Blob id of each file that Git keeps, by path."""
    bulk: dict[str, str]
    """DVC's hash of each bulk folder, and of each file or folder of pretrained vectors that is used."""
    settings: dict[str, Any]
    """The tracked sections of `ovt.yaml`, with every default."""

    @property
    def key(self) -> str:
        """KEY."""
        plain = {"bulk": self.bulk, "files": self.files, "formats": FORMATS, "settings": self.settings}
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def inputs_of(source: Source) -> Inputs | None:
    """The inputs of a version; None if it holds no project (no schema).

    Raises:
        ProjectError: `ovt.yaml` or a `.dvc` file cannot be understood.
    """
    schema = {name: oid for name in SCHEMA_FILES for name, oid in source.blobs(name).items()}
    if not schema:
        return None
    settings = _settings(source)
    files = dict(schema)
    for path in (TUNING_LOCK, *CODE_FOLDERS, *(item.rstrip("/") for item in settings["code"])):
        files |= source.blobs(path)
    bulk = {name: digest for name in (*BULK, *pretrained_of(source)) if (digest := source.digest(name))}
    return Inputs(files, bulk, settings)


def pretrained_of(source: Source) -> list[str]:
    """Files and folders of vectors that a version's tuning lock names."""
    content = source.read(TUNING_LOCK)
    if content is None:
        return []
    from ovt.training.embeddings.names import locked_paths

    return locked_paths(content.decode(errors="replace"))


def key_of(source: Source) -> str | None:
    """KEY of a version; None if it holds no project, or one that cannot be understood."""
    try:
        inputs = inputs_of(source)
    except ProjectError:
        return None
    return inputs.key if inputs else None


def lock_matches(source: Source, lock: bytes | None) -> bool:
    """Whether a `dvc.lock` records all four stages for exactly the inputs that the version has."""
    if lock is None:
        return False
    try:
        stages = parse_lock(lock.decode())
        return all(name in stages for name in STAGES) and _dependencies_match(source, stages) and _settings_match(
            source, stages)
    except (ProjectError, UnicodeDecodeError, KeyError, TypeError):
        return False


def _dependencies_match(source: Source, stages: dict[str, Any]) -> bool:
    made = {out["path"]: out["md5"] for name in STAGES for out in stages[name].get("outs", [])}
    wanted = {(dep["path"], dep["md5"]) for name in STAGES for dep in stages[name].get("deps", [])}
    if any((made[path] if path in made else _digest(source, path, digest)) != digest for path, digest in wanted):
        return False
    listed = {path for path, _ in wanted}
    # A consistent lock may predate an input that has been added since.
    code = [item.rstrip("/") for item in _settings(source)["code"]]
    return all(path in listed or not _has_content(source, path) for path in (TUNING_LOCK, *CODE_FOLDERS, *BULK, *code))


def _digest(source: Source, path: str, recorded: str) -> str | None:
    """The hash of an input; a file of a bulk folder that is not at hand (a commit's) is judged by its folder alone."""
    found = source.digest(path)
    return recorded if found is None and path.partition("/")[0] in BULK and "/" in path else found


def _has_content(source: Source, path: str) -> bool:
    if path in BULK:
        return source.digest(path) is not None
    # As the pipeline sees it: a folder with nothing but `.gitkeep` is no input.
    return any(not name.rpartition("/")[2].startswith(".") for name in source.blobs(path))


def _settings_match(source: Source, stages: dict[str, Any]) -> bool:
    recorded: dict[str, Any] = {}
    for name in STAGES:
        recorded |= (stages[name].get("params") or {}).get(SETTINGS_FILE) or {}
    content = source.read(SETTINGS_FILE)
    raw = parse_document(content.decode(), SETTINGS_FILE).value if content else None
    return recorded == {name: value for name, value in (raw or {}).items() if name in TRACKED}


def _settings(source: Source) -> dict[str, Any]:
    content = source.read(SETTINGS_FILE) or b""
    return parse_settings(parse_document(content.decode(errors="replace"), SETTINGS_FILE)).tracked()
