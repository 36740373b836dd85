"""Where a version's functions are written, told from the text of its files: nothing is imported, nothing runs.

For reading commands, and for changes that nobody has reviewed yet. A function
that code makes (`labeling_function(…)(make(3))`) is not seen; `discover` sees
it, by running the file.
"""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError
from ovt.functions.augmentation.augmenting_files import is_template
from ovt.functions.source import Source, code_text, loaded_names, parse_content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovt.documents import Document

FOLDERS = ("labelers", "slices")
_KINDS = {"labeling_function": "labeling", "slicing_function": "slicing"}
_YAML = frozenset({".yaml", ".yml"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """Where a function is written."""

    path: str
    line: int
    digest: str
    """Of its code and of what it uses in its file, or of its YAML entry; comments and docstrings do not count."""


@dataclass
class Listing:
    """The functions of a version, by name."""

    labeling: dict[str, Place] = field(default_factory=dict)
    slicing: dict[str, Place] = field(default_factory=dict)
    """By the slice they define; the first where several do."""


def list_functions(files: Mapping[str, bytes]) -> Listing:
    """Look through the files of `labelers/` and `slices/`; one that cannot be parsed defines nothing.

    Args:
        files: content by path, relative to the project.
    """
    found = Listing()
    for path in sorted(files):
        try:
            for kind, name, place in _in_file(path, files[path]):
                (found.labeling if kind == "labeling" else found.slicing).setdefault(name, place)
        except ProjectError:
            continue  # the stage that runs it says what is wrong with it
    return found


def _in_file(path: str, content: bytes) -> Iterator[tuple[str, str, Place]]:
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        yield from _in_python(path, parse_content(content, path))
    elif suffix in _YAML:
        from ovt.documents import parse_document

        yield from _in_yaml(path, parse_document(content.decode("utf-8-sig", "replace"), path))


def _in_python(path: str, source: Source) -> Iterator[tuple[str, str, Place]]:
    for node in ast.walk(source.tree):
        if not isinstance(node, Function):
            continue
        for decorator in node.decorator_list:
            kind = _KINDS.get(_word(decorator))
            if kind is not None:
                line = node.decorator_list[0].lineno
                yield kind, _name(node, decorator), Place(path, line, _digest(_used(node, source)))


def _word(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _name(node: Function, decorator: ast.expr) -> str:
    if not isinstance(decorator, ast.Call):
        return node.name
    given = [word.value for word in decorator.keywords if word.arg == "name"]
    if _word(decorator) == "slicing_function":
        given = given or decorator.args[:1]
    if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
        return given[0].value
    return node.name


def _used(node: Function, source: Source) -> list[str]:
    """The code of a function, and of all that it uses of its own file."""
    seen: set[str] = set()
    texts = [code_text(node), *(ast.dump(decorator) for decorator in node.decorator_list)]
    todo = sorted(loaded_names([node]))
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for statement in source.bindings(name):
            texts.append(code_text(statement))
            todo.extend(loaded_names([statement]) - seen)
    return [texts[0], *sorted(texts[1:])]


def _in_yaml(path: str, document: Document) -> Iterator[tuple[str, str, Place]]:
    value = document.value
    listed: list[tuple[str | int, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, entry in listed:
        if not isinstance(entry, dict) or is_template(entry):
            continue
        slicing = "slice" in entry or ("task" not in entry and path.startswith("slices/"))
        name = entry.get("slice") if slicing else entry.get("name")
        shown = str(name or entry.get("name") or key)
        place = Place(path, document.lines.get((key,), 1), _digest([json.dumps(entry, sort_keys=True, default=str)]))
        yield ("slicing" if slicing else "labeling"), shown, place


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
