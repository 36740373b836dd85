"""`ovt ci init`: pull-request templates for GitHub, GitLab and Jenkins, filled in for this project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ovt import __version__
from ovt.errors import ProjectError, UsageError, nearest

if TYPE_CHECKING:
    from ovt.project import Project

OnMissing = Literal["train", "fail"]
OPTIONS: dict[OnMissing, str] = {"train": "--train", "fail": "--fetch"}
SERVICES = ("github", "gitlab", "jenkins")
PYTHON = "3.11"
GITLAB_FILE, GITLAB_PART = ".gitlab-ci.yml", ".gitlab/"
MADE_BY = "Made by `ovt ci init gitlab`"
POST_NEEDS = ("typer>=0.20,<0.29", "msgspec>=0.19", "pyyaml>=6.0.2")
"""What the job that only posts needs: not torch."""
BLANK = re.compile(r"@@([A-Z_]+)@@")


@dataclass(frozen=True)
class CiRequest:
    """What a person asked for."""

    service: str
    on_missing: OnMissing = "train"
    """What CI does where the author pushed no model: train it, or fail with the command to type."""
    install: str | None = None
    """The command that installs ovt; None: this version from the package index."""
    force: bool = False
    """Write over files that were changed."""


@dataclass(frozen=True)
class CiFile:
    """One file of a template."""

    path: str
    """Relative to the repository."""
    state: Literal["written", "unchanged"]


@dataclass(frozen=True)
class CiResult:
    """What was written, and what is left to do by hand."""

    files: tuple[CiFile, ...]
    todo: tuple[str, ...]
    next: str


def ci_init(project: Project, request: CiRequest) -> CiResult:
    """Write the files of one service at the root of the repository.

    Raises:
        UsageError: an unknown service, or an install command of several lines.
        ProjectError: a file is there and is not what would be written.
    """
    from ovt.storage.files import write_text
    from ovt.storage.git import git_of

    if request.service not in SERVICES:
        raise UsageError(f"no template for `{request.service}`", why=nearest(request.service, SERVICES),
                         command="ovt ci init github")
    if request.install is not None and ("\n" in request.install or not request.install.strip()):
        raise UsageError("the install command is not one line", fix='e.g. --install "pip install ./ovt"')
    layout = git_of(project.root).layout
    texts = _texts(project, request, layout.prefix.rstrip("/"), layout.top)
    changed = [path for path, text in texts.items()
               if (layout.top / path).exists() and (layout.top / path).read_text("utf-8", "replace") != text]
    if changed and not request.force:
        raise ProjectError(f"{len(changed)} file{'s' * (len(changed) > 1)} would be written over",
                           at=", ".join(changed), why="they are there, with other content",
                           fix="move them away, or write over them", command=f"ovt ci init {request.service} --force")
    states = [CiFile(path, "unchanged" if (layout.top / path).exists() and path not in changed else "written")
              for path in texts]
    for path, text in texts.items():
        write_text(layout.top / path, text)
    return CiResult(tuple(states), _todo(request, layout.top, list(texts)),
                    f"git add {' '.join(texts)} && git commit")


def _texts(project: Project, request: CiRequest, folder: str, top: Path) -> dict[str, str]:
    """Content by path."""
    from ovt.resources import resource

    targets = _targets(request.service, folder, top)
    blanks = _blanks(project, request, folder, targets)
    templates = resource(f"templates/ci/{request.service}")
    return {path: _filled((templates / name).read_text("utf-8"), blanks) for name, path in targets.items()}


def _targets(service: str, folder: str, top: Path) -> dict[str, str]:
    """Template → path in the repository; a project in a sub-folder has files of its own."""
    slug = _slug(folder)
    if service == "github":
        return {f"{name}.yml": f".github/workflows/{slug}-{name}.yml" for name in ("check", "comment", "main")}
    if service == "gitlab":
        taken = (top / GITLAB_FILE).exists() and MADE_BY not in (top / GITLAB_FILE).read_text("utf-8", "replace")
        return {"ovt.yml": f"{GITLAB_PART}{slug}.yml" if taken or folder else GITLAB_FILE}
    return {"Jenkinsfile": f"{folder}/Jenkinsfile" if folder else "Jenkinsfile"}


def _blanks(project: Project, request: CiRequest, folder: str, targets: dict[str, str]) -> dict[str, str]:
    install = (request.install or "").strip() or f'python -m pip install "ovt=={__version__}"'
    needs = " ".join(f'"{need}"' for need in POST_NEEDS)
    light = f'python -m pip install --no-deps "ovt=={__version__}" && python -m pip install {needs}'
    base = project.settings.check.base
    files = {name.partition(".")[0].upper(): Path(path).name for name, path in targets.items()}
    return {
        "VERSION": __version__, "NAME": f"ovt check {folder}".rstrip(), "SLUG": _slug(folder), "FOLDER": folder or ".",
        "PREFIX": f"{folder}/" if folder else "", "KEY": folder, "PYTHON": PYTHON, "MAIN": base,
        "INSTALL": install, "INSTALL_POST": install if request.install else light,
        "INSTALL_QUOTED": install.replace("\\", "\\\\").replace("'", "\\'"), "ON_MISSING": OPTIONS[request.on_missing],
        **{f"{name}_FILE": path for name, path in files.items()},
    }


def _filled(text: str, blanks: dict[str, str]) -> str:
    return BLANK.sub(lambda found: blanks[found.group(1)], text)


def _slug(folder: str) -> str:
    """`ovt`, `ovt-products-search`: a name for files, jobs and caches."""
    return "-".join(["ovt", *re.findall(r"[A-Za-z0-9_]+", folder)])


def _todo(request: CiRequest, top: Path, paths: list[str]) -> tuple[str, ...]:
    lines = []
    if request.service == "github":
        lines.append("make the job `check` required: Settings > Branches, or a ruleset")
    if request.service == "gitlab" and paths[0] != GITLAB_FILE:
        lines.append(f"add to {GITLAB_FILE}: include: [{{local: {paths[0]}}}]")
    if request.service == "gitlab":
        lines.append("make a schedule that checks the main branch: Build > Pipeline schedules")
    if not (top / ".dvc").exists() and request.on_missing == "fail":
        lines.append("name a remote that CI can read: ovt remote add URL")
    return tuple(lines)
