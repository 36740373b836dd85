"""Finding the functions of a project: Python and YAML in `labelers/` and `slices/`.

Python files are imported in isolation (see `isolation`), each function gets the
key of its closure, and what a version cannot see is refused: repository code
and files outside `labelers/`, `slices/` and the `code:` of ovt.yaml.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, nearest
from ovt.functions.answers import Form
from ovt.functions.augmentation.augmenting_files import augmenting_modules
from ovt.functions.closure import FORMAT, Closure, Reader, digest_of
from ovt.functions.declarative import Declared, may_define_slices, read_declared
from ovt.functions.decorators import AugmentingFunction
from ovt.functions.loading import LoadedFile, load_file
from ovt.functions.processes.handed import hand_over, told
from ovt.functions.processes.isolation import FUNCTION_FOLDERS, Boundary, Environment, watching
from ovt.functions.source import mentions_tags, parse_source
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ovt.functions.answers import Label
    from ovt.functions.decorators import Kind, UserFunction
    from ovt.functions.earlier import Pinned
    from ovt.project import Project

HOME_FOLDER: dict[Kind, str] = {
    "labeling": "labelers", "transformation": "labelers", "generator": "labelers", "slicing": "slices",
}
AUGMENTING: tuple[Kind, ...] = ("transformation", "generator")
_YAML = (".yaml", ".yml")


@dataclass(frozen=True, eq=False)
class Function:
    """One function of the project, ready to be called with records."""

    name: str
    kind: Kind
    task: str | None
    """What a labeling function labels."""
    slice: str | None
    """What a slicing function defines; several may define one slice."""
    file: str
    """Where it is, relative to the project."""
    line: int
    settings: dict[str, Any]
    """What its decorator or YAML entry says."""
    body: str
    """Digest of what it computes, whatever its name is."""
    key: str
    """Cache key of its answers: body, name, form of the task's labels, format number."""
    form: Form | None
    """What its answers look like; None for a slicing or transformation function."""
    call: Callable[[Any], Any] = field(repr=False)
    environment: Environment = field(repr=False)
    reads_tags: bool = False
    files: frozenset[str] = frozenset()
    """Real paths of the data files that its key covers."""
    batch: bool = False
    """Whether it takes a batch of records."""
    predictions: dict[str, Pinned] = field(default_factory=dict)
    """Predictions of other versions that it is handed, by the name of the argument."""
    says: tuple[Label, ...] = ()
    """Labels that are written in it and so can be checked before it runs."""

    @property
    def at(self) -> str:
        """FILE:LINE."""
        return f"{self.file}:{self.line}"


def discover(project: Project, kind: Kind) -> list[Function]:
    """All functions of one kind, sorted by name.

    Raises:
        ProjectError: a file cannot be imported or parsed, a name comes twice, a task is unknown, a function is in the
            wrong folder, or it uses code or files that the project does not declare.
    """
    boundary = Boundary.of(project)
    environment = Environment(boundary)
    found = [*_from_python(project, kind, environment), *_from_yaml(project, kind, environment)]
    _refuse_twins(found)
    return sorted(found, key=lambda function: function.name)


def reads_tags(project: Project) -> bool:
    """Whether a labeling function may look at tags, told from the text of `labelers/` and `code:` alone."""
    roots = [project.folder("labelers"), *(project.root / item for item in project.settings.code)]
    for path in _python_files(roots):
        try:
            tree = parse_source(path, project.shown(path)).tree
        except ProjectError:
            return True  # it may; the stage that runs it says what is wrong with it
        if mentions_tags(tree):
            return True
    return False


def slice_files(project: Project) -> list[str]:
    """YAML files outside `slices/` that define slices (a labelers file may): inputs of membership too."""
    paths = [path for path in _function_files(project, "labelers") if path.suffix in _YAML]
    return [project.shown(path) for path in paths if may_define_slices(path)]


def _function_files(project: Project, folder: str) -> list[Path]:
    home = project.folder(folder)
    if not home.is_dir():
        return []
    return sorted(
        path for path in home.iterdir()
        if path.suffix in {".py", *_YAML} and path.is_file() and not path.name.startswith((".", "__init__"))
    )


def _python_files(roots: Iterable[Path]) -> list[Path]:
    found = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*.py"))]
    return sorted(path for path in found if path.suffix == ".py" and "__pycache__" not in path.parts)


def _from_yaml(project: Project, kind: Kind, environment: Environment) -> list[Function]:
    if kind == "transformation":
        return []
    if kind == "generator":
        from ovt.functions.augmentation.templates import template_functions

        return template_functions(project, environment)
    paths = [path for folder in FUNCTION_FOLDERS for path in _function_files(project, folder) if path.suffix in _YAML]
    declared = [(path, entry) for path in paths for entry in read_declared(path, project)]
    for path, entry in declared:
        if entry.slice is None and path.parent.name != "labelers":
            raise ProjectError(f"labeling function `{entry.name}` is in slices/", at=entry.at,
                               why="slices are read before labels are made", fix="move it to labelers/")
    wanted = [entry for _, entry in declared if (entry.slice is None) == (kind == "labeling")]
    return [declared_function(project, entry, environment) for entry in wanted]


def declared_function(project: Project, entry: Declared, environment: Environment) -> Function:
    """A function that a YAML entry declares, with the key of its answers.

    Raises:
        ProjectError: it reads a file that the project does not declare.
    """
    for path in entry.files:
        _require_declared(environment.boundary, str(path), f"function `{entry.name}` reads", entry.at)
    form = Form.of(project.schema, entry.task) if entry.task else None
    models = [f"{name} = {told(found)}" for name, found in sorted(entry.predictions.items())]
    body = digest_of([json.dumps(entry.settings, sort_keys=True, ensure_ascii=False), *models])
    file, _, line = entry.at.rpartition(":")
    kind: Kind = "slicing" if entry.slice else "labeling"
    return Function(
        entry.name, kind, entry.task, entry.slice, file, int(line), entry.settings, body,
        _key(kind, entry.name, form, body), form, entry.call, environment, entry.reads_tags,
        frozenset(os.path.realpath(path) for path in entry.files), predictions=entry.predictions, says=entry.says,
    )


def _from_python(project: Project, kind: Kind, environment: Environment) -> list[Function]:
    folder = HOME_FOLDER[kind]
    paths = [path for path in _function_files(project, folder) if path.suffix == ".py"]
    if kind in AUGMENTING:  # nothing else is imported: the compile stage depends on these files alone
        wanted = augmenting_modules(project)
        paths = [path for path in paths if path in wanted]
    if not paths:
        return []
    with environment.active(), watching(environment.boundary, sys.stderr) as read:
        loaded = [load_file(path, project, environment, read) for path in paths]
        reader = Reader(environment.boundary, {source: file.read for file in loaded for source in file.sources})
        return [
            _python(project, user, file, reader, environment)
            for file in loaded for user in file.functions
            if _belongs(user, folder, file) and user.kind == kind
        ]


def _belongs(user: UserFunction, folder: str, file: LoadedFile) -> bool:
    home = HOME_FOLDER[user.kind]
    if home != folder:
        raise ProjectError(f"{user.kind} function `{user.name}` is in {folder}/", at=f"{file.shown}:{user.place[1]}",
                           why=f"{user.kind} functions are read from {home}/", fix=f"move it to {home}/")
    return True


def _python(
    project: Project, user: UserFunction, file: LoadedFile, reader: Reader, environment: Environment,
) -> Function:
    line = _line(user)
    at = f"{file.shown}:{line}"
    if user.kind == "labeling" and user.task not in project.schema.tasks:
        raise ProjectError(f"labeling function `{user.name}` labels an unknown task", at=at,
                           why=f"found {user.task!r}", fix=nearest(str(user.task), project.schema.tasks))
    resources = [_resource(project, user, name, at, environment.boundary) for name in user.resources]
    closure = reader.closure_of(user, resources)
    _require_sources(environment.boundary, closure, f"function `{user.name}` uses", at)
    form = Form.of(project.schema, user.task) if user.task else None
    handed = hand_over(project, user, at)
    body = digest_of([closure.digest, *handed.parts, *(["batch"] if user.batch else [])]) if (
        handed.parts or user.batch) else closure.digest
    settings: dict[str, Any] = {"resources": list(user.resources)} if user.resources else {}
    if isinstance(user, AugmentingFunction):
        settings |= user.options.plain()
    return Function(
        user.name, user.kind, user.task, user.name if user.kind == "slicing" else None, file.shown, line, settings,
        body, _key(user.kind, user.name, form, body), form, handed.call, environment, closure.reads_tags,
        closure.files, user.batch, handed.predictions,
    )


def _line(user: UserFunction) -> int:
    code = getattr(user.call, "__code__", None)
    file, line = user.place
    return int(code.co_firstlineno) if code is not None and code.co_filename == file else line


def _resource(project: Project, user: UserFunction, name: str, at: str, boundary: Boundary) -> str:
    path = project.root / name
    if not path.is_file():
        raise ProjectError(f"a resource of `{user.name}` is missing", at=at, why=f"no file `{name}`",
                           fix="`resources` are paths from the project")
    _require_declared(boundary, str(path), f"function `{user.name}` reads", at)
    return os.path.realpath(path)


def _require_sources(boundary: Boundary, closure: Closure, what: str, at: str) -> None:
    for path in sorted((*closure.sources, *closure.files)):
        _require_declared(boundary, path, what, at)


def _require_declared(boundary: Boundary, path: str, what: str, at: str) -> None:
    if boundary.owns(path) and not boundary.declares(path):
        raise undeclared(boundary, [path], what, at)


def undeclared(boundary: Boundary, paths: Iterable[str], what: str, at: str) -> ProjectError:
    """The error for code or files of the repository that no version would know of."""
    names = [boundary.shown(path) for path in sorted(paths)]
    return ProjectError(
        f"{what} {', '.join(f'`{name}`' for name in names)}, which the project does not declare", at=at,
        why="it is outside labelers/ and slices/: a change of it would not be seen as a change of the version",
        fix=f"add it in {SETTINGS_FILE}: `code: [{', '.join(names)}]`",
    )


def _key(kind: Kind, name: str, form: Form | None, body: str) -> str:
    shape = f"{form.type} {form.granularity} {form.spans}" if form else ""
    return digest_of([str(FORMAT), kind, name, shape, body])


def _refuse_twins(functions: Iterable[Function]) -> None:
    seen: dict[str, Function] = {}
    for function in functions:
        other = seen.setdefault(function.name, function)
        if other is not function:
            raise ProjectError(f"two functions are called `{function.name}`", at=f"{other.at} and {function.at}",
                               why="a name stands for one source in reports", fix="rename one of them")
