"""The results of a version: reports from Git, outputs from the workspace or from DVC's cache, without a checkout."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, ProjectError
from ovt.stages.pipeline import parse_lock
from ovt.storage.git import git_of
from ovt.storage.objects import listing, object_path
from ovt.versions.key import LOCK_FILE
from ovt.versions.runs import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.project import Project
    from ovt.versions.history import Version


def read_report(project: Project, version: Version, name: str) -> dict[str, Any] | None:
    """`quality.json`, `sources.json` or `metrics.json` of a version; None if it has no report.

    Raises:
        ProjectError: the report is no JSON.
    """
    content = version_file(project, version, f"reports/{name}")
    if content is None:
        return None
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ProjectError(f"`reports/{name}` is not valid JSON", at=version.spec, why=str(error),
                           fix="make it again", command="ovt run") from None
    return dict(value)


def version_file(project: Project, version: Version, path: str) -> bytes | None:
    """A small result (`dvc.lock`, `reports/…`) from where the version's report is; None if it has none."""
    git = git_of(project.root)
    if version.report == "workspace":
        file = project.root / path
        return file.read_bytes() if file.is_file() else None
    if version.report == "tree":
        return git.read(f"{version.commit}:{git.layout.prefix}{path}")
    return read_run(git, version.key, path) if version.report == "run" else None


def output_hashes(project: Project, version: Version) -> dict[str, str]:
    """DVC's hash of each output of a version, by path (`build/labels`, `model`, `reports/quality.json`, …)."""
    content = version_file(project, version, LOCK_FILE)
    return dict(_outputs(content)) if content else {}


def output_path(project: Project, version: Version, output: str) -> Path:
    """A readable file with one output: `build/predictions.parquet`, `build/labels/Intent.votes.arrow`.

    Raises:
        MissingError: the version has no model, or the file is not on this machine.
    """
    if version.report == "workspace":
        path = project.root / output
        if path.is_file():
            return path
    digest = _file_hash(project, version, output)
    path = object_path(project, digest)
    if not path.is_file():
        raise _not_here(version, output)
    return path


def output_files(project: Project, version: Version, folder: str) -> dict[str, Path]:
    """The files of a folder that is an output (`model`, `build/store`), by path below it.

    Raises:
        MissingError: the version has no such output, or a file of it is not on this machine.
    """
    digest = output_hashes(project, version).get(folder)
    if digest is None:
        raise _no_output(version, folder)
    files = listing(project, digest)
    if files is None:
        raise _not_here(version, folder)
    found = {path: object_path(project, inner) for path, inner in files.items()}
    if not all(path.is_file() for path in found.values()):
        raise _not_here(version, folder)
    return found


def _file_hash(project: Project, version: Version, output: str) -> str:
    hashes = output_hashes(project, version)
    if output in hashes:
        return hashes[output]
    folder = next((path for path in hashes if output.startswith(f"{path}/")), None)
    if folder is None:
        raise _no_output(version, output)
    files = listing(project, hashes[folder])
    if files is None:
        raise _not_here(version, output)
    inner = files.get(output.removeprefix(f"{folder}/"))
    if inner is None:
        raise _no_output(version, output)
    return inner


def _no_output(version: Version, output: str) -> MissingError:
    if version.report is not None:
        return MissingError(f"`{version.spec}` has no `{output}`", at=version.spec)
    if version.state == "pending":
        return MissingError(f"`{version.spec}` is still being trained", at=version.spec,
                            fix="wait for it", command="ovt jobs wait")
    return MissingError(f"`{version.spec}` has no model yet", at=version.spec, why="nothing was trained for its inputs",
                        fix="train it", command="ovt run")


def _not_here(version: Version, output: str) -> MissingError:
    return MissingError(f"`{output}` of `{version.spec}` is not on this machine", at=version.spec,
                        why="DVC's cache does not have it", fix="fetch it", command=f"ovt pull {version.spec}")


@lru_cache(maxsize=64)
def _outputs(lock: bytes) -> tuple[tuple[str, str], ...]:
    stages = parse_lock(lock.decode()).values()
    return tuple((out["path"], out["md5"]) for stage in stages for out in stage.get("outs", []) if "md5" in out)
