"""The cache key of a function: a digest of all that its answers depend on, and of nothing else.

From the function outwards: its own code, the values it closes over, and every
module-level name it reads. A name that holds plain data counts by its value
(so a word list read from a file does too), a function or class of the
repository by its code and in turn by the names *it* reads, a library by its
name. An object that is none of these counts by the statements that make it and
the data files that were read while its module was imported.

Editing another function of the same file, a comment or a docstring changes no key.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from ovt.functions.decorators import UserFunction
from ovt.functions.processes.isolation import Boundary, module_location
from ovt.functions.references import content_of, find_source, functions_of, global_names, state_of
from ovt.functions.source import (
    Source,
    attribute_chains,
    class_level,
    code_text,
    imports_in,
    loaded_names,
    mentions_tags,
    parse_source,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Mapping

FORMAT = 1
"""Raised when the meaning of a cached answer changes: every cached answer is stale then."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))
Home = tuple[dict[str, Any], str]
"""The names of a module, and the one of them that holds a value."""


@dataclass(frozen=True)
class Closure:
    """What a function depends on."""

    digest: str
    reads_tags: bool
    files: frozenset[str]
    """Real paths of the data files that count."""
    sources: frozenset[str]
    """Real paths of the repository's source files that count."""


class Reader:
    """Computes the closures of one project's functions; its environment must be active meanwhile."""

    def __init__(self, boundary: Boundary, imported_files: Mapping[str, frozenset[str]]) -> None:
        self.boundary = boundary
        self.imported_files = imported_files
        """Data files read while a module was imported, by the path of its source."""
        self._sources: dict[str, Source] = {}

    def closure_of(self, function: UserFunction, resources: Iterable[str]) -> Closure:
        """The closure of a user's function with the data files that its decorator names."""
        walk = _Walk(self)
        for resource in sorted(resources):
            walk.add_file(resource)
        walk.add_value(function.call)
        return Closure(digest_of(walk.parts), walk.reads_tags, frozenset(walk.files), frozenset(walk.sources))

    def source(self, path: str) -> Source:
        """A parsed file of the repository."""
        if path not in self._sources:
            self._sources[path] = parse_source(Path(path), self.boundary.shown(path))
        return self._sources[path]


def digest_of(parts: Iterable[str]) -> str:
    """A digest of texts in their order."""
    total = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        total.update(b"%d:" % len(encoded))
        total.update(encoded)
    return total.hexdigest()


class _Walk:
    """One walk from a function outwards, in an order that depends on names alone."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.boundary = reader.boundary
        self.parts: list[str] = []
        self.files: set[str] = set()
        self.sources: set[str] = set()
        self.reads_tags = False
        self._seen: dict[int, tuple[int, Any]] = {}
        self._whole: set[str] = set()

    def add_file(self, path: str) -> None:
        """A data file counts by its content."""
        if path not in self.files:
            self.files.add(path)
            self.parts.append(f"file {hashlib.sha256(Path(path).read_bytes()).hexdigest()}")

    def add_value(self, value: Any, home: Home | None = None) -> None:
        """A value counts, by what it is."""
        if isinstance(value, _PLAIN) and not isinstance(value, enum.Enum):
            self._add_own_type(value)
            self.parts.append(f"{type(value).__name__} {self._portable(value)}")
            return
        if id(value) in self._seen:
            self.parts.append(f"again {self._seen[id(value)][0]}")
            return
        self._seen[id(value)] = (len(self._seen), value)  # held, so that no other object gets its id
        if isinstance(value, list | tuple | set | frozenset | dict):
            self._add_container(value, home)
        elif not (self._add_callable(value) or self._add_data(value)):
            self._add_object(value, home)

    def _portable(self, value: object) -> str:
        # A path below the project is told from the project: the same key in every clone and worktree.
        text = repr(value)
        return text.replace(self.boundary.project, ".") if self.boundary.project in text else text

    def _add_own_type(self, value: object) -> None:
        """A text, number, list or tuple of a class of the repository counts by that class too."""
        kind = type(value)
        if kind.__module__ in sys.modules and self._is_ours(sys.modules[kind.__module__]):
            self.add_value(kind)

    def _add_container(self, value: Any, home: Home | None) -> None:
        self._add_own_type(value)
        self.parts.append(f"{type(value).__qualname__} {len(value)}")
        if isinstance(value, dict):
            for key, inner in value.items():
                self.add_value(key, home)
                self.add_value(inner, home)
        elif isinstance(value, set | frozenset):
            self.parts.extend(sorted(self._apart(member, home) for member in value))
        else:
            for member in value:
                self.add_value(member, home)

    def _apart(self, value: Any, home: Home | None) -> str:
        start = len(self.parts)
        self.add_value(value, home)
        told = "\n".join(self.parts[start:])
        del self.parts[start:]
        return told

    def _add_callable(self, value: Any) -> bool:
        if isinstance(value, UserFunction):
            self.add_value(value.call)
        elif isinstance(value, FunctionType):
            self._add_function(value)
        elif isinstance(value, functools.partial):
            self.parts.append("partial")
            self.add_value([value.func, value.args, value.keywords])
        elif isinstance(value, MethodType):
            self.parts.append("method")
            self.add_value([value.__func__, value.__self__])
        elif isinstance(value, type):
            self._add_class(value)
        elif isinstance(value, ModuleType):
            self._add_module(value)
        elif callable(getattr(value, "__wrapped__", None)):
            self.parts.append(f"wrapped {type(value).__qualname__}")
            self.add_value(value.__wrapped__)
        else:
            return self._add_builtin(value)
        return True

    def _add_builtin(self, value: Any) -> bool:
        if not (callable(value) and hasattr(value, "__qualname__")):
            return False
        owner = getattr(value, "__self__", None)
        self.parts.append(f"builtin {getattr(value, '__module__', None)}.{value.__qualname__}")
        if owner is not None and not isinstance(owner, ModuleType):
            self.add_value(owner)
        return True

    def _add_data(self, value: Any) -> bool:
        if isinstance(value, re.Pattern):
            self.parts.append(f"regex {value.pattern!r} {value.flags}")
        elif isinstance(value, PurePath):
            self.parts.append(f"path {self._portable(value.as_posix())}")
        elif isinstance(value, range):
            self.parts.append(repr(value))
        elif isinstance(value, enum.Enum):
            self.parts.append(f"member {value.name}")
            self.add_value(type(value))
        elif hasattr(value, "dtype") and hasattr(value, "tobytes"):
            plain = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
            self.parts.append(f"array {value.dtype} {value.shape} {hashlib.sha256(plain).hexdigest()}")
        else:
            return False
        return True

    def _add_function(self, function: FunctionType) -> None:
        code = function.__code__
        if not self.boundary.owns(code.co_filename):
            self.parts.append(f"library {function.__module__}.{function.__qualname__}")
            if code.co_filename.startswith("<"):
                plain = [constant for constant in code.co_consts if isinstance(constant, _PLAIN)]
                self.parts.append(repr((code.co_code, code.co_names, plain)))
            if hasattr(function, "__wrapped__"):
                self.add_value(function.__wrapped__)
            return
        names = function.__globals__
        for node in self._source(code.co_filename).definitions_of(code):
            self._add_node(node)
            self._add_imports(node, names.get("__package__"))
        self.add_value([function.__defaults__, function.__kwdefaults__])
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            self.parts.append(f"free {name}")
            self.add_value(content_of(cell))
        nodes = self._source(code.co_filename).definitions_of(code)
        self._add_names(global_names(code), names, nodes)

    def _add_class(self, found: type) -> None:
        module = sys.modules.get(found.__module__)
        path = module_location(module) if module else None
        if path is None or not self.boundary.owns(path):
            self.parts.append(f"library {found.__module__}.{found.__qualname__}")
            return
        nodes = self._source(path).classes(found.__name__)
        for node in nodes:
            self._add_node(node)
        for base in found.__bases__:
            self.add_value(base)
        for _, member in sorted(vars(found).items()):
            for function in functions_of(member):
                self.add_value(function)
        outside = [part for node in nodes for part in class_level(node)]
        self._add_names(loaded_names(outside), vars(module), outside)

    def _add_names(self, wanted: Iterable[str], names: dict[str, Any], nodes: Iterable[ast.AST]) -> None:
        for name in sorted(wanted):
            if name not in names:
                continue
            self.parts.append(f"name {name}")
            value = names[name]
            if isinstance(value, ModuleType) and self._is_ours(value):
                chains = {chain for node in nodes for chain in attribute_chains(node, name)}
                for chain in sorted(chains or {()}):
                    self._add_chain(value, chain)
            else:
                self.add_value(value, (names, name))

    def _add_chain(self, module: ModuleType, chain: tuple[str, ...]) -> None:
        """`lib.text.clean` counts by `clean` alone, not by all of `lib`."""
        self.parts.append(f"chain {'.'.join(chain)}")
        if not chain or not hasattr(module, chain[0]):
            self.add_value(module)
            return
        value = getattr(module, chain[0])
        if isinstance(value, ModuleType) and self._is_ours(value):
            self._add_chain(value, chain[1:])
        else:
            self.add_value(value, (vars(module), chain[0]))

    def _add_module(self, module: ModuleType) -> None:
        path = module_location(module)
        if path is None or not self.boundary.owns(path):
            self.parts.append(f"module {module.__name__}")
        elif Path(path).is_file():
            self._add_whole_file(path, module.__package__)

    def _add_whole_file(self, path: str, package: str | None) -> None:
        """Everything in a source file counts, and everything in those it imports."""
        if path in self._whole:
            return
        self._whole.add(path)
        tree = self._source(path).tree
        self._add_node(tree)
        for file in sorted(self.reader.imported_files.get(path, ())):
            self.add_file(file)
        self._add_imports(tree, package)

    def _add_imports(self, node: ast.AST, package: str | None) -> None:
        for name, _ in imports_in(node):
            found = find_source(name, package)
            if found is not None and self.boundary.owns(found[0]):
                self._add_whole_file(*found)

    def _add_object(self, value: Any, home: Home | None) -> None:
        kind = type(value)
        self.parts.append(f"object {kind.__module__}.{kind.__qualname__}")
        module = sys.modules.get(kind.__module__)
        if module is not None and self._is_ours(module):
            self.add_value(kind)
            self.add_value(state_of(value), home)
            return
        path = home[0].get("__file__") if home else None
        if home is None or not isinstance(path, str) or not self.boundary.owns(path):
            return
        statements = self._source(path).bindings(home[1])
        for statement in statements:
            self._add_node(statement)
        for file in sorted(self.reader.imported_files.get(path, ())):
            self.add_file(file)
        self._add_names(loaded_names(statements) - {home[1]}, home[0], statements)

    def _add_node(self, node: ast.AST) -> None:
        self.parts.append(f"code {code_text(node)}")
        self.reads_tags = self.reads_tags or mentions_tags(node)

    def _source(self, path: str) -> Source:
        self.sources.add(path)
        return self.reader.source(path)

    def _is_ours(self, module: ModuleType) -> bool:
        path = module_location(module)
        return path is not None and self.boundary.owns(path)
