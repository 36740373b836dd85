"""JSON and YAML files that people write, read with the line of every key.

YAML is read by its 1.2 rules for booleans: `off`, `no` and `y` are words, so
that `train: off` says what it looks like.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path

    import yaml

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file and where each of its parts stands."""

    name: str
    """The file's name as the user knows it, relative to the project."""
    value: Any
    """Plain dicts, lists and scalars."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line (from 1) of each key or item, by its path."""

    def at(self, *path: str | int) -> str:
        """``FILE:LINE`` of a path, or of its nearest known parent."""
        for end in range(len(path), -1, -1):
            line = self.lines.get(tuple(path[:end]))
            if line is not None:
                return f"{self.name}:{line}"
        return self.name


def read_document(path: Path, name: str | None = None) -> Document:
    """Read a JSON or YAML file.

    Raises:
        ProjectError: it is missing, is not UTF-8, or its syntax is wrong.
    """
    shown = name or path.name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ProjectError(f"`{shown}` is missing", at=str(path), fix=f"create {shown}") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{shown}` is not UTF-8", at=shown, why=str(error), fix="save it as UTF-8") from None
    return parse_document(text, shown)


def parse_document(text: str, name: str) -> Document:
    """Parse JSON (by the name's ending) or YAML.

    Raises:
        ProjectError: the syntax is wrong, or a key comes twice.
    """
    if name.endswith(".json"):
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise ProjectError(
                f"`{name}` is not valid JSON", at=f"{name}:{error.lineno}:{error.colno}", why=error.msg,
                fix="mend the syntax there",
            ) from None
        return Document(name, value, _lines_of_json(text, name))
    return _parse_yaml(text, name)


def _lines_of_json(text: str, name: str) -> dict[KeyPath, int]:
    """JSON is YAML, but for tabs between tokens and rare escapes; with those an error names the file alone."""
    import yaml

    try:
        return _compose(text.replace("\t", "  "), name).lines
    except yaml.YAMLError:
        return {}


def _parse_yaml(text: str, name: str) -> Document:
    import yaml

    try:
        return _compose(text, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ProjectError(
            f"`{name}` cannot be parsed", at=where, why=error.problem or str(error), fix="mend the syntax there",
        ) from None
    except yaml.YAMLError as error:
        raise ProjectError(f"`{name}` cannot be parsed", at=name, why=str(error), fix="mend the syntax") from None


def _compose(text: str, name: str) -> Document:
    loader = _loader_class()(text)
    try:
        node = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        if node is None:
            return Document(name, None, {(): 1})
        _collect_lines(node, (), lines, name)
        return Document(name, loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _collect_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], name: str) -> None:
    import yaml

    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            inner = (*path, str(key.value))
            if inner in lines:
                raise ProjectError(
                    f"key `{key.value}` comes twice in `{name}`", at=f"{name}:{key.start_mark.line + 1}",
                    why=f"first on line {lines[inner]}", fix="keep one of them",
                )
            lines[inner] = key.start_mark.line + 1
            _collect_lines(child, inner, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _collect_lines(child, (*path, index), lines, name)


@cache
def _loader_class() -> Any:
    import re

    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("CoreSchemaLoader", (base,), {})
    kept: dict[str, list[Any]] = {}
    for first, resolvers in base.yaml_implicit_resolvers.items():
        kept[first] = [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float"}
        ]
    loader.yaml_implicit_resolvers = kept
    boolean = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
    loader.add_implicit_resolver("tag:yaml.org,2002:bool", boolean, "tTfF")
    number = re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$")
    loader.add_implicit_resolver("tag:yaml.org,2002:float", number, "-+0123456789.")
    return loader
