"""`ovt init`: from nothing, from a starter or from your data to a project that can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import ProjectError, UsageError
from ovt.project import Project
from ovt.schema.parse import SCHEMA_FILES, load_schema
from ovt.stages.pipeline import has_content, keep_pipeline
from ovt.storage.files import write_text
from ovt.storage.git import Git
from ovt.workflows.sharing.merging import configure
from ovt.workflows.starting import scaffold

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress

DEFAULT_TEMPLATE = "factoid"


@dataclass(frozen=True)
class InitRequest:
    """What the user asked for."""

    folder: Path
    template: str | None = None
    schema: Path | None = None
    data: tuple[Path, ...] = ()
    hooks: bool = True


@dataclass(frozen=True)
class InitResult:
    """What was done, in lines for the user."""

    root: Path
    told: tuple[str, ...]
    estimate_seconds: int | None
    next: tuple[str, ...]


def initialise(request: InitRequest, progress: Progress) -> InitResult:
    """Make a project; existing files are kept, so it can be run again.

    Raises:
        UsageError: a template together with own data, or an unknown template.
        ProjectError: the schema or the data given cannot be understood.
    """
    if request.template and (request.schema or request.data):
        raise UsageError("a template and own data exclude each other", fix="use --template, or --schema and --data",
                         command="ovt init --help")
    for path in (*request.data, *((request.schema,) if request.schema else ())):
        if not path.is_file():
            raise UsageError(f"no file `{path}`", at=str(path.parent), fix="check the path")
    root = request.folder.resolve()
    root.mkdir(parents=True, exist_ok=True)
    told = [*_prepare_git(root)]
    lines, estimate, following = _fill(request, root, progress)
    told += lines
    if scaffold.write_settings(root):
        told.append("ovt.yaml: settings, with every tracked key")
    scaffold.write_housekeeping(root)
    project = Project(root)
    load_schema(root)
    told += _prepare_dvc(project, progress)
    told += configure(project)
    if request.hooks:
        told += _install_hooks(project)
    return InitResult(root, tuple(told), estimate, following)


def _fill(request: InitRequest, root: Path, progress: Progress) -> tuple[list[str], int | None, tuple[str, ...]]:
    existing = [name for name in SCHEMA_FILES if (root / name).is_file()]
    if request.schema or request.data:
        return _from_data(request, root, progress), None, ("ovt run", 'ovt commit -m "First version"')
    if existing and not request.template:
        return [f"{existing[0]} is here already: nothing overwritten"], None, ("ovt run",)
    name = request.template or DEFAULT_TEMPLATE
    starter = scaffold.read_starter(name)
    if existing:
        return [f"{existing[0]} is here already: template `{name}` not copied"], None, ("ovt run",)
    written = scaffold.copy_starter(name, root)
    Git(root).run("add", "--", *written)
    told = [f"template {name}: {starter.description}", f"{len(written)} files written"]
    progress.update("init", "making the sample records")
    if scaffold.generate_sample(root):
        told.append(f"data/: {_count_lines(root / 'data'):,} records made by generate.py")
    return told, starter.estimate_seconds, tuple(starter.next)


def _from_data(request: InitRequest, root: Path, progress: Progress) -> list[str]:
    from ovt.data.imports import import_files

    schema = None
    if request.schema:
        kind = ".json" if request.schema.suffix == ".json" else ".yaml"
        target = root / f"schema{kind}"
        if target.exists() and target.read_bytes() != request.schema.read_bytes():
            raise ProjectError(f"`{target.name}` is here already and differs", at=str(target),
                               why="ovt init never overwrites", fix="remove it, or leave out --schema")
        if target.resolve() != request.schema.resolve():
            write_text(target, request.schema.read_text(encoding="utf-8-sig"))
        schema = load_schema(root)
    elif any((root / name).is_file() for name in SCHEMA_FILES):
        schema = load_schema(root)
    if not request.data:
        return ["schema.json: copied"]
    progress.update("init", "reading the data")
    understood = import_files(list(request.data), root / "data", schema)
    if schema is None:
        from ovt.data.imports import schema_to_json

        write_text(root / "schema.json", schema_to_json(understood.schema))
    return list(understood.lines)


def _prepare_git(root: Path) -> list[str]:
    here = Git(root)
    if here.attempt("rev-parse", "--show-toplevel").returncode == 0:
        return []
    here.run("init", "--initial-branch=main")
    return ["a Git repository"]


def _prepare_dvc(project: Project, progress: Progress) -> list[str]:
    from ovt.storage import dvc
    from ovt.workflows.run import track_bulk

    told = []
    progress.update("init", "preparing DVC")
    if dvc.init(project):
        told.append("a DVC repository for the bulk data (no remote yet: `ovt remote add URL`)")
    keep_pipeline(project)
    told += [f"{name}/: tracked by DVC" for name in track_bulk(project)] if has_content(project.root / "data") else []
    return told


def _install_hooks(project: Project) -> list[str]:
    from ovt.workflows.hooks.install import install

    return list(install(project))


def _count_lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.jsonl"))
