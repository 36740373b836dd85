"""Importing one file of `labelers/` or `slices/` and telling what went wrong in the user's own terms."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from ovt.errors import InternalError, OvtError, ProjectError
from ovt.functions.decorators import UserFunction, collecting
from ovt.functions.processes.isolation import Boundary, Environment, module_location
from ovt.functions.source import imports_in, parse_source, syntax_problem
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from ovt.project import Project


@dataclass(frozen=True)
class LoadedFile:
    """One imported file."""

    path: str
    """As code objects name it."""
    shown: str
    """Relative to the project."""
    functions: tuple[UserFunction, ...]
    """The functions that it defines, in order."""
    sources: frozenset[str]
    """The file and the repository's modules that were first imported by it."""
    read: frozenset[str]
    """Data files of the repository that this import read."""


class _FreshLoader(SourceFileLoader):
    """Compiles the source every time: a stale `.pyc` of the same size and second cannot be taken for it."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file."""
        del fullname
        return self.source_to_code(self.get_data(self.path), self.path)


def load_file(path: Path, project: Project, environment: Environment, read: set[str]) -> LoadedFile:
    """Import a file; the project's environment must be active and `read` its set of files read.

    Raises:
        ProjectError: it cannot be parsed or imported, or uses what the project does not declare.
    """
    shown = project.shown(path)
    name = f"{path.parent.name}.{path.stem}"
    loader = _FreshLoader(name, str(path))
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise InternalError(f"no module spec for `{shown}`")
    module = module_from_spec(spec)
    module.__package__ = path.parent.name  # so that `from .words import X` finds a neighbour
    sys.modules[name] = module
    before, already = set(sys.modules), set(read)
    with collecting() as found, _told(shown, environment.boundary):
        loader.exec_module(module)
    _refuse_undeclared(path, shown, environment.boundary, read)
    own = tuple(function for function in found if function.place[0] == str(path))
    fresh = [module_location(sys.modules[name]) for name in set(sys.modules) - before]
    sources = frozenset(place for place in fresh if place and environment.boundary.owns(place))
    return LoadedFile(str(path), shown, own, sources | {str(path)}, frozenset(read - already))


@contextmanager
def _told(shown: str, boundary: Boundary) -> Iterator[None]:
    try:
        yield
    except OvtError:
        raise
    except SyntaxError as error:
        raise syntax_problem(error, boundary.shown(error.filename or shown)) from None
    except (Exception, SystemExit) as error:
        raise ProjectError(
            f"`{shown}` cannot be imported", at=place_of(error, boundary) or shown, why=told(error),
            fix=_import_fix(error),
        ) from error


def told(error: BaseException) -> str:
    """An exception in one line: what it says, and its type where the message alone would not do."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def place_of(error: BaseException, boundary: Boundary) -> str | None:
    """FILE:LINE of the user's innermost line in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if boundary.owns(frame.filename)]
    return f"{boundary.shown(frames[-1].filename)}:{frames[-1].lineno}" if frames else None


def _import_fix(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"install `{error.name}`, or add the folder that has it to `code:` in {SETTINGS_FILE}"
    return "mend the code there"


def _refuse_undeclared(path: Path, shown: str, boundary: Boundary, read: set[str]) -> None:
    locations = {module_location(module): name for name, module in list(sys.modules.items())}
    modules = {place: name for place, name in locations.items() if place and _is_foreign(place, boundary)}
    outside = sorted({*modules, *(file for file in read if not boundary.declares(file))})
    if not outside:
        return
    names = ", ".join(f"`{boundary.shown(place)}`" for place in outside)
    listed = ", ".join(boundary.shown(place) for place in outside)
    at = _import_line(path, shown, set(modules.values()))
    raise ProjectError(
        f"`{shown}` uses {names}, outside of what the project declares", at=at,
        why="a change of it would not be seen as a change of the version",
        fix=f"add it in {SETTINGS_FILE}: `code: [{listed}]`, or move it into {path.parent.name}/",
    )


def _is_foreign(place: str, boundary: Boundary) -> bool:
    return boundary.owns(place) and not boundary.declares(place) and not Path(place).is_dir()


def _import_line(path: Path, shown: str, modules: set[str]) -> str:
    tops = {name.split(".")[0] for name in modules}
    for name, line in imports_in(parse_source(path, shown).tree):
        if name.split(".")[0] in tops:
            return f"{shown}:{line}"
    return shown
