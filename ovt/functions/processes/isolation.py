"""Running the user's code without leaving a trace in this process, and without trusting what it touches.

- `Boundary`: which files are the repository's own, and which of those the project declares (`labelers/`, `slices/`,
  `code:` in ovt.yaml). Code and data outside the declaration are no inputs of a version, so no function may use them.
- `Environment`: the modules of one project. While it is active the project's folders can be imported from; when it is
  left, `sys.path` and `sys.modules` are as before, so two projects, or two versions of one, never mix.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from ovt.project import Project

FUNCTION_FOLDERS = ("labelers", "slices")
_LIBRARY_PARTS = frozenset({"site-packages", "dist-packages"})
_SCRIPTS = frozenset({"__main__", "__mp_main__"})
"""What a user started, maybe from the repository: it stays, and no function depends on it."""
_SOURCE_ENDINGS = (".py", ".pyc", ".pyi", ".so", ".pyd")


@dataclass(frozen=True)
class Boundary:
    """What belongs to the repository, and what of that functions may use."""

    root: str
    """Real path of the repository: the Git one around the project, or the project."""
    declared: tuple[str, ...]
    """Real paths of files and folders that functions may use."""
    ignored: tuple[str, ...]
    """Real paths inside the repository that are not the user's: an environment, ovt itself, what stages made."""
    project: str
    """Real path of the project."""
    roots: tuple[str, ...]
    """Folders that imports are looked up in."""

    @classmethod
    def of(cls, project: Project) -> Boundary:
        """The boundary of a project."""
        here = Path(os.path.realpath(project.root))
        folders = [here / name for name in FUNCTION_FOLDERS]
        code = [here / item for item in project.settings.code]
        parents = [path.parent for path in code]
        roots = dict.fromkeys(os.path.realpath(path) for path in (*folders, here, *parents))
        ignored = (sys.prefix, Path(__file__).parents[2], project.build, project.private)
        return cls(
            root=os.path.realpath(_repository(here)),
            declared=tuple(os.path.realpath(path) for path in (*folders, *code)),
            ignored=tuple(os.path.realpath(path) for path in ignored),
            project=str(here), roots=tuple(roots),
        )

    def owns(self, path: str) -> bool:
        """Whether a file is the user's own and part of the repository."""
        return _owned(self, path)

    def declares(self, path: str) -> bool:
        """Whether functions may use a file."""
        real = _real(path)
        return any(_inside(real, folder) for folder in self.declared)

    def shown(self, path: str) -> str:
        """A path as the user knows it, relative to the project where it can be."""
        real = _real(path)
        return Path(os.path.relpath(real, self.project)).as_posix() if _inside(real, self.root) else path


class Environment:
    """The imported modules of one project, put in place while its functions run."""

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary
        self.modules: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make the project importable, and put everything back at the end."""
        with _switch:
            path, bytecode = list(sys.path), sys.dont_write_bytecode
            foreign = self._take_own_modules()
            sys.modules.update(self.modules)
            # At the end: a labeler called `numbers.py` must not take the place of a library's module.
            sys.path.extend(root for root in self.boundary.roots if root not in sys.path)
            sys.dont_write_bytecode = True
            importlib.invalidate_caches()
            try:
                yield
            finally:
                sys.path[:], sys.dont_write_bytecode = path, bytecode
                self.modules = self._take_own_modules()
                sys.modules.update(foreign)

    def _take_own_modules(self) -> dict[str, ModuleType]:
        own = {name: module for name, module in list(sys.modules.items()) if self._owns_module(module)}
        for name in own:
            del sys.modules[name]
        return own

    def _owns_module(self, module: ModuleType) -> bool:
        location = module_location(module)
        return location is not None and self.boundary.owns(location)


def module_location(module: ModuleType) -> str | None:
    """The file of a module, or the first folder of a namespace package; None for what has none, and for a script."""
    if getattr(module, "__name__", None) in _SCRIPTS:
        return None
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    spec = getattr(module, "__spec__", None)
    places = list(getattr(spec, "submodule_search_locations", None) or ())
    return str(places[0]) if places else None


def is_source(path: str) -> bool:
    """Whether a file is code that the import system reads, as opposed to data."""
    return path.endswith(_SOURCE_ENDINGS)


def _repository(start: Path) -> Path:
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


@cache
def _owned(boundary: Boundary, path: str) -> bool:
    real = _real(path)
    if not _inside(real, boundary.root) or _LIBRARY_PARTS.intersection(Path(real).parts):
        return False
    return not any(_inside(real, other) and _inside(other, boundary.root) for other in boundary.ignored)


@cache
def _real(path: str) -> str:
    return os.path.realpath(path)


_switch = threading.RLock()
"""`sys.path`, `sys.modules` and stdout belong to the whole process: one environment at a time."""
_listeners: list[tuple[Boundary, set[str]]] = []


@contextmanager
def watching(boundary: Boundary, output: IO[str]) -> Iterator[set[str]]:
    """Watch the user's code run: what it prints goes to `output`, never to stdout, which is for data.

    Yields the data files of the repository that are read meanwhile.
    """
    _install_audit()
    read: set[str] = set()
    _listeners.append((boundary, read))
    try:
        with redirect_stdout(output):
            yield read
    finally:
        _listeners.pop()


@cache
def _install_audit() -> None:
    # An audit hook cannot be removed; outside of an active environment it returns at once.
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _listeners or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path, flags = os.fsdecode(arguments[0]), arguments[2]
    if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_CREAT):
        return
    boundary, read = _listeners[-1]
    if not is_source(path) and boundary.owns(os.path.abspath(path)):  # noqa: PTH100  no Path: this runs on every open
        read.add(_real(os.path.abspath(path)))  # noqa: PTH100
