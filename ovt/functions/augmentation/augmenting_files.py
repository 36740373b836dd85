"""Which files of `labelers/` make new records, told from their text alone: they are inputs of the compile stage.

Transformation functions and generators run while records are compiled. So the
stage depends on the files that define them, on the files of `labelers/` that
those import, and on the data files there whose names stand in them; not on the
other labeling functions, which may change every hour.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ovt.documents import read_document
from ovt.errors import ProjectError
from ovt.functions.source import imports_in, parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ovt.project import Project

FOLDER = "labelers"
DECORATORS = ("transformation_function", "generator")
TEMPLATE = "template"
"""The key of a YAML entry that makes it a generator."""
_LONGEST_NAME = 200


def augmenting_modules(project: Project) -> list[Path]:
    """Python files directly in `labelers/` that define transformation functions or generators, or import one that does.

    A file that cannot be parsed is left out: it defines nothing, and the stage
    that imports it says what is wrong.
    """
    return _modules(project, _trees(project))


def _modules(project: Project, trees: dict[Path, ast.Module]) -> list[Path]:
    defining = {path for path, tree in trees.items() if _defines(tree)}
    own = [path for path in trees if path.parent == project.folder(FOLDER)]
    return sorted(path for path in own if defining & {path, *_reached(project, path, trees)})


def augmenting_documents(project: Project) -> list[Path]:
    """YAML files in `labelers/` with a generator; a file that cannot be parsed has none."""
    home = project.folder(FOLDER)
    paths = sorted(path for path in home.glob("*.y*ml") if path.suffix in {".yaml", ".yml"}) if home.is_dir() else []
    return [path for path in paths if b"template" in path.read_bytes() and any(map(is_template, _entries(path)))]


def augmenting_inputs(project: Project) -> tuple[str, ...]:
    """Everything in `labelers/` that the compile stage depends on, relative to the project, sorted."""
    trees = _trees(project)
    modules = _modules(project, trees)
    found = {*modules, *(other for path in modules for other in _reached(project, path, trees))}
    named = {file for path in found for text in _texts(trees[path]) for file in _file_named(project, path, text)}
    documents = augmenting_documents(project)
    named |= {
        file for path in documents for text in _texts_in(_entries(path)) for file in _file_named(project, path, text)
    }
    return tuple(sorted(project.shown(path) for path in {*found, *documents, *named}))


def is_template(entry: object) -> bool:
    """Whether a YAML entry is a generator."""
    return isinstance(entry, dict) and TEMPLATE in entry


def _trees(project: Project) -> dict[Path, ast.Module]:
    """Python files of `labelers/`, parsed; nothing where no file has the word of a decorator."""
    home = project.folder(FOLDER)
    paths = [path for path in sorted(home.rglob("*.py")) if path.is_file()] if home.is_dir() else []
    if not any(_has_word(path) for path in paths):
        return {}
    found = {}
    for path in paths:
        try:
            found[path] = parse_source(path, project.shown(path)).tree
        except ProjectError:
            continue
    return found


def _has_word(path: Path) -> bool:
    content = path.read_bytes()
    return any(word.encode() in content for word in DECORATORS)


def _defines(tree: ast.Module) -> bool:
    """Whether a module takes one of the decorators from ovt."""
    names = {"ovt"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ovt":
            if any(alias.name in {*DECORATORS, "*"} for alias in node.names):
                return True
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname for alias in node.names if alias.asname and alias.name.split(".")[0] == "ovt"}
    return any(
        isinstance(node, ast.Attribute) and node.attr in DECORATORS
        and isinstance(node.value, ast.Name) and node.value.id in names
        for node in ast.walk(tree)
    )


def _reached(project: Project, path: Path, trees: dict[Path, ast.Module]) -> set[Path]:
    """The files of `labelers/` that a file imports, directly or not."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        fresh = {file for name, _ in imports_in(trees[here]) for file in _modules_named(project, here, name)}
        fresh = {file for file in fresh if file in trees} - found - {path}
        found |= fresh
        waiting += fresh
    return found


def _modules_named(project: Project, path: Path, name: str) -> Iterator[Path]:
    home = project.folder(FOLDER)
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    parts = [part for part in bare.split(".") if part]
    base = path.parent if level <= 1 else path.parents[min(level, len(path.parents)) - 1]
    roots = [base] if level else [home]
    if not level and parts[:1] == [FOLDER]:
        roots.append(project.root)
    for root in roots:
        place = root.joinpath(*parts)
        yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def _texts(tree: ast.Module) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


def _file_named(project: Project, path: Path, text: str) -> Iterator[Path]:
    """A file of `labelers/` that a text names, from the project or from the file that it stands in."""
    if not text or len(text) > _LONGEST_NAME or not text.isprintable():
        return
    home = project.folder(FOLDER)
    for root in (project.root, path.parent):
        file = root / text
        if file.is_file() and file.suffix != ".py" and home in file.parents and ".." not in file.parts:
            yield file


def _entries(path: Path) -> list[object]:
    try:
        value = read_document(path).value
    except ProjectError:
        return []
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [entry for entry in entries if is_template(entry)]
