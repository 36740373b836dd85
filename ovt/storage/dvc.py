"""The only module that imports DVC: data and stage outputs put into its cache, recorded, fetched and linked.

DVC as a library is no promised API (pinned `>=3.67,<4`); contract tests run
each function here against the real thing. It is kept quiet (no progress bars,
no prints), and its locks are waited for: a `dvc` command that runs beside ovt
delays it and never makes it fail.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, OvtError, ProjectError
from ovt.storage.dvc_locks import mend_rwlock
from ovt.storage.dvcignore import IGNORE_FILE
from ovt.storage.files import write_text
from ovt.storage.fingerprint import tracked_hash
from ovt.storage.journal import kept
from ovt.storage.lock import adding_objects
from ovt.storage.machine_faults import told
from ovt.storage.names import refuse_unreadable_names
from ovt.storage.objects import cache_folder, listing, remote_options
from ovt.storage.remotes.completeness import lock_outputs, refuse_incomplete
from ovt.storage.remotes.copying import Copying, Way
from ovt.storage.remotes.errors import unusable
from ovt.storage.remotes.retrying import patiently
from ovt.storage.remotes.secrets import is_secret, redacted, secret_in_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dvc.repo import Repo

    from ovt.progress import Progress
    from ovt.project import Project

CONFIG = "[core]\n    analytics = false\n    check_update = false\n    autostage = false\n"
OWN_IGNORES = "/config.local\n/tmp\n/cache\n"
DVCIGNORE = "# Files that DVC leaves out, see https://dvc.org/doc/user-guide/dvcignore\n__pycache__/\n*.py[cod]\n.*.sw?\n*~\n.#*\n"
LOCK_FILE = "dvc.lock"
LOCK_PATIENCE = 600.0
"""Seconds after which a busy output (DVC's own lock, held by a living process) is an error."""


@dataclass(frozen=True)
class Transfer:
    """What went over the wire."""

    moved: int
    """Objects copied; those that were there already are not counted."""

    def __bool__(self) -> bool:
        return self.moved > 0


def init(project: Project) -> bool:
    """Make the project a DVC project, at a repository's root or in a folder of it; False if it is one.

    These are the files that `dvc init [--subdir]` makes, without its staging
    them in Git and without its analytics.
    """
    folder = project.root / ".dvc"
    fresh = not (folder / "config").is_file()
    if fresh:
        write_text(folder / "config", CONFIG)
    for path, content in ((folder / ".gitignore", OWN_IGNORES), (project.root / IGNORE_FILE, DVCIGNORE)):
        if not path.is_file():
            write_text(path, content)
    return fresh


def add(project: Project, folder: str) -> None:
    """Put a folder into DVC: writes `FOLDER.dvc` and Git's ignore line.

    Raises:
        ProjectError: DVC refuses, for instance because Git tracks the files.
        MissingError: the disk is full.
    """
    refuse_unreadable_names(project.root, folder)
    with kept(project, f"{folder}.dvc", ".gitignore"), _opened(project) as repo:
        _patiently(lambda: repo.add([str(project.root / folder)]))
        refuse_incomplete(project, {folder: tracked_hash(project.root / f"{folder}.dvc") or ""})


def record_stage(project: Project, name: str) -> None:
    """Record a stage as run: its outputs into the cache, `dvc.lock` and the run-cache."""
    with kept(project, LOCK_FILE), _opened(project) as repo:
        _patiently(lambda: repo.commit(_stage_target(project, name), force=True))
        refuse_incomplete(project, lock_outputs(project, name))


def restore_from_run_cache(project: Project, name: str) -> bool:
    """Bring back a stage's outputs if some earlier run had the same inputs; False if none had."""
    from dvc.stage.cache import RunCacheNotFoundError

    with kept(project, LOCK_FILE), _opened(project) as repo:
        try:
            _patiently(lambda: _restore(repo, _stage_target(project, name)))
        except RunCacheNotFoundError:
            return False
    return True


def _restore(repo: Repo, target: str) -> None:
    with repo.lock:
        (info,) = repo.stage.collect_granular(target)
        repo.stage_cache.restore(info.stage)
    repo._reset()
    repo.commit(target, force=True)


def checkout(project: Project, targets: Sequence[str] = ()) -> None:
    """Bring the files of `.dvc` files and `dvc.lock` from the cache into the working tree.

    Args:
        project: where.
        targets: paths of tracked files and folders, or `.dvc` files, relative to the project; none: all.

    Raises:
        MissingError: an object is not in the cache.
    """
    from dvc.exceptions import CheckoutError

    wanted = [str(project.root / target) for target in targets] or None
    with kept(project), _opened(project) as repo:
        try:
            _patiently(lambda: repo.checkout(wanted, force=True))
        except CheckoutError as error:
            gone = ", ".join(project.shown(_path(project, found)) for found in error.target_infos)
            raise MissingError("not on this machine", at=gone, why="DVC's cache does not have it", fix="fetch it",
                               command="ovt pull") from None


def push_objects(project: Project, hashes: Iterable[str], progress: Progress, remote: str | None = None) -> Transfer:
    """Copy objects (and what `.dir` objects list) from the cache to a remote, those that it lacks.

    Raises:
        MissingError: no remote is set, it cannot be reached, or an object is in neither place.
    """
    wanted = set(hashes)
    with _opened(project) as repo:
        there = repo.cloud.get_remote_odb(remote, "push")
        # Listings last: one that is there says that its files are.
        files = wanted | {found for digest in wanted for found in (listing(project, digest) or {}).values()}
        return _copy(project, repo.cache.local, there, [_plain(files), _folders(wanted)], progress, "push")


def pull_objects(project: Project, hashes: Iterable[str], progress: Progress, remote: str | None = None) -> Transfer:
    """Copy objects (and what `.dir` objects list) from a remote to the cache, those that it lacks.

    Raises:
        MissingError: no remote is set, it cannot be reached, or an object is in neither place.
    """
    wanted = set(hashes)
    with _opened(project) as repo:
        here, there = repo.cache.local, repo.cloud.get_remote_odb(remote, "pull")
        listings = _copy(project, there, here, [_folders(wanted)], progress, "pull")
        files = wanted | {found for digest in wanted for found in (listing(project, digest) or {}).values()}
        return Transfer(listings.moved + _copy(project, there, here, [_plain(files)], progress, "pull").moved)


@contextmanager
def remote_store(project: Project, remote: str | None = None) -> Iterator[Any]:
    """DVC's view of a remote's objects, for `ovt.storage.remotes.objects`.

    Raises:
        MissingError: no remote is set.
    """
    with _opened(project) as repo:
        yield repo.cloud.get_remote_odb(remote, "fsck")


def _plain(hashes: set[str]) -> set[str]:
    return {digest for digest in hashes if not digest.endswith(".dir")}


def _folders(hashes: set[str]) -> set[str]:
    return hashes - _plain(hashes)


def _copy(
    project: Project, source: Any, target: Any, batches: Sequence[set[str]], progress: Progress, what: Way,
) -> Transfer:
    """Copy what the target lacks, batch after batch; what failed for a passing reason is tried again."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import transfer

    moved, secrets = 0, secrets_of(project)
    for batch in batches:
        left = {HashInfo("md5", digest) for digest in batch if what == "push" or not target.exists(digest)}
        copying = Copying(transfer, source, target, left, _listener(progress, what), what, secrets)
        with reaching(source if what == "pull" else target, secrets):
            patiently(copying.go_on, progress.note, f"{what}ing")
        moved += copying.moved
    return Transfer(moved)


@contextmanager
def reaching(remote: Any, secrets: Sequence[str] = ()) -> Iterator[None]:
    """A remote's errors as ovt's: each kind has its own for a wrong secret, a lost network, a missing bucket."""
    from dvc.exceptions import DvcException

    try:
        yield
    except (OvtError, DvcException):
        raise
    except Exception as error:
        raise unusable(error, remote.fs.unstrip_protocol(remote.path), secrets) from error


def secrets_of(project: Project) -> tuple[str, ...]:
    """What must not be told: the values of the remotes' local settings that are secrets by their name."""
    found = remote_options(project, local=True).values()
    return tuple(value for options in found for name, value in options.items() if is_secret(name))


def _listener(progress: Progress, what: str) -> Any:
    from dvc.fs.callbacks import Callback

    return Callback(hooks={"ovt": lambda size, value: progress.update(what, "objects", value, size)})


def remote_add(project: Project, name: str, url: str, options: dict[str, str] | None = None) -> None:
    """Name a remote and make it the default; a folder may be relative to the project.

    Raises:
        ProjectError: URL or options hold a secret, or a remote of this name points elsewhere.
    """
    from dvc.config_schema import RelPath

    secret = _secret(url, options or {})
    if secret:
        raise ProjectError("a remote's secret does not belong in Git", at=".dvc/config", why=f"found {secret}",
                           fix="leave it to the environment (AWS_…) or to .dvc/config.local",
                           command=f"dvc remote modify --local {name} …")
    relative = "://" not in url and not Path(url).is_absolute()
    place = RelPath(os.path.normpath(project.root / url)) if relative else url
    with _opened(project) as repo, repo.config.edit("repo") as config:
        known = config.setdefault("remote", {}).setdefault(name, {})
        if known.get("url") not in {None, str(place)}:
            raise ProjectError(f"remote `{name}` exists", at=".dvc/config", why=f"it points to {known['url']}",
                               fix="choose another name, or edit .dvc/config")
        known.update({"url": place, **(options or {})})
        config.setdefault("core", {})["remote"] = name


def _secret(url: str, options: dict[str, str]) -> str | None:
    return secret_in_url(url) or next((f"`{key}`" for key in sorted(options) if is_secret(key)), None)


def _stage_target(project: Project, name: str) -> str:
    # Absolute, since DVC resolves a bare stage name from the current folder.
    return f"{project.root / 'dvc.yaml'}:{name}"


def _path(project: Project, name: object) -> Path:
    return project.root / str(name)


@contextmanager
def _opened(project: Project) -> Iterator[Repo]:
    """DVC's view of the project, its errors turned into ovt's."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    mend_rwlock(project)
    try:
        # DVC's run-cache takes `dvc.yaml` from the current folder, wherever the repository is.
        with (warnings.catch_warnings(), chdir(project.root), Repo(str(project.root), _wait_for_lock=True) as repo,
              adding_objects(cache_folder(project), "writing to DVC's cache")):
            warnings.simplefilter("ignore")  # of libraries that DVC uses, about each other
            yield repo
    except OvtError:
        raise
    except DvcException as error:
        raise told(error) or _translated(project, error) from error


def _translated(project: Project, error: Exception) -> OvtError:
    from dvc.config import NoRemoteError
    from dvc.exceptions import CacheLinkError, NotDvcRepoError

    if isinstance(error, NotDvcRepoError):
        return MissingError("not a DVC project", at=str(project.root), fix="make it one", command="ovt init")
    if isinstance(error, NoRemoteError):
        return MissingError("no remote is set", at=".dvc/config", why="there is nowhere to push to or pull from",
                            fix="name a folder, s3://…, gs://… or ssh://…", command="ovt remote add URL")
    if isinstance(error, CacheLinkError):  # it does not say which of the two it was
        return MissingError("the disk is full, or takes no file from DVC's cache", at=str(project.root),
                            why="DVC found no way to put its files in place; nothing was half written",
                            fix="make room or choose another `cache.type`, then type it again", command="ovt doctor")
    cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
    return ProjectError("DVC refused", at=str(project.root), why=redacted(f"{error}{cause}", secrets_of(project)))


def _patiently(action: Callable[[], object]) -> None:
    """Do it, waiting while a living process holds the outputs (`dvc repro` does while a stage runs)."""
    from dvc.lock import LockError

    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            action()
        except LockError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return
