"""DVC's cache and configuration, read without DVC: where an object lies, what a `.dir` object lists."""

from __future__ import annotations

import configparser
import json
import os
import sys
from pathlib import Path

from ovt.errors import MissingError
from ovt.project import Project
from ovt.storage.files import write_text
from ovt.storage.git import git_of

CONFIG_VARIABLES = ("DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR")


FILES = Path("files", "md5")
"""Where a DVC cache, or a remote, keeps its objects."""


def object_path(project: Project, digest: str) -> Path:
    """Where DVC's cache has the object, or would have it.

    A linked worktree without a cache setting has a cache of its own; what is
    not there is looked for in the main working tree's.
    """
    path = object_in(cache_folder(project), digest)
    if path.is_file():
        return path
    found = (object_in(other, digest) for other in cache_folders(project)[1:])
    return next((other for other in found if other.is_file()), path)


def object_in(cache: Path, digest: str) -> Path:
    """Where a cache keeps an object."""
    return cache / FILES / digest[:2] / digest[2:]


def cache_folders(project: Project) -> tuple[Path, ...]:
    """The project's cache and, in a linked worktree that has its own, the main working tree's after it."""
    own = cache_folder(project)
    if not (project.root / ".dvc").is_dir():
        return (own,)
    try:
        layout = git_of(project.root).layout
    except MissingError:  # DVC without Git
        return (own,)
    main = cache_folder(Project(layout.main_top / layout.prefix))
    return (own,) if main == own else (own, main)


def listing(project: Project, digest: str) -> dict[str, str] | None:
    """The files of a `.dir` object and their hashes; None if it is not here, or the object is a file."""
    if not digest.endswith(".dir"):
        return None
    try:
        return parse_listing(object_path(project, digest).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def parse_listing(content: bytes) -> dict[str, str]:
    """The files of a `.dir` object, by path below the folder.

    Raises:
        ValueError: it is none.
    """
    try:
        return {str(row["relpath"]): str(row["md5"]) for row in json.loads(content)}
    except (KeyError, TypeError) as error:
        raise ValueError("no listing of a folder") from error


def complete(project: Project, digest: str) -> bool:
    """Whether the cache has the object, and all that it lists."""
    if not digest.endswith(".dir"):
        return object_path(project, digest).is_file()
    files = listing(project, digest)
    return files is not None and all(object_path(project, found).is_file() for found in files.values())


def cache_folder(project: Project) -> Path:
    """DVC's cache: `.dvc/cache` unless its configuration says otherwise."""
    return _configured_cache(project.root) or project.root / ".dvc" / "cache"


def share_cache(project: Project, there: Project) -> None:
    """Let a worktree use the project's DVC cache, and the remote's local settings (credentials) with it."""
    sections = _parse(project.root / ".dvc" / "config.local")
    sections.setdefault("cache", {})["dir"] = str(cache_folder(project))
    # DVC keeps a folder per working tree below /var/tmp; a worktree that lives for one job keeps it inside.
    sections.setdefault("core", {})["site_cache_dir"] = str(there.root / ".dvc" / "tmp" / "site")
    lines = [f"[{name}]\n" + "".join(f"    {key} = {value}\n" for key, value in found.items())
             for name, found in sections.items()]
    write_text(there.root / ".dvc" / "config.local", "".join(lines))
    (there.root / ".dvc" / "config.local").chmod(0o600)


def default_remote(project: Project) -> str | None:
    """The name of the remote that `dvc push` would use."""
    return os.environ.get("DVC_REMOTE") or _setting(project.root, "core", "remote")


def remote_options(project: Project, *, local: bool = False) -> dict[str, dict[str, str]]:
    """What `.dvc/config` says of each remote (with `local`: `config.local`, where secrets are), by its name."""
    sections = _read(project.root / ".dvc" / ("config.local" if local else "config"))
    heads = (name.strip("'").partition(" ") for name in sections)
    named = [(kind, rest.strip('" ')) for kind, _, rest in heads]
    return {rest: found for (kind, rest), found in zip(named, sections.values(), strict=True) if kind == "remote"}


def link_types(project: Project) -> tuple[str, ...]:
    """How DVC puts objects of the cache into the working tree, the first that works (`cache.type`)."""
    value = _setting(project.root, "cache", "type") or "reflink,copy"
    return tuple(kind.strip() for kind in value.split(",") if kind.strip())


def _configured_cache(root: Path) -> Path | None:
    found = None
    for path in _config_files(root):
        value = _read(path).get("cache", {}).get("dir")
        if value:
            found = (path.parent / Path(value).expanduser()).resolve()
    return found


def _setting(root: Path, section: str, key: str) -> str | None:
    found = None
    for path in _config_files(root):
        found = _read(path).get(section, {}).get(key, found)
    return found


def _config_files(root: Path) -> list[Path]:
    """From the weakest to the strongest, as DVC reads them."""
    shared = [Path(os.environ[name], "config") for name in CONFIG_VARIABLES if os.environ.get(name)]
    if "DVC_GLOBAL_CONFIG_DIR" not in os.environ:
        shared.append(_user_folder() / "dvc" / "config")
    return [*shared, root / ".dvc" / "config", root / ".dvc" / "config.local"]


def _user_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _read(path: Path) -> dict[str, dict[str, str]]:
    return {name: {key: value.strip("\"'") for key, value in found.items()} for name, found in _parse(path).items()}


def _parse(path: Path) -> dict[str, dict[str, str]]:
    """The sections with their values as written, quotes and all."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=("#",), default_section="")
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, configparser.Error):
        return {}
    return {name: dict(parser.items(name)) for name in parser.sections()}
