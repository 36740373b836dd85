"""Source files as normalised syntax trees: what changes a function's meaning stays, the rest is gone.

Comments and formatting are no part of a tree, docstrings are taken out, line
numbers are not written. So the text of a tree changes only when the code does.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import CodeType

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OUR_DECORATORS = frozenset({"labeling_function", "slicing_function", "transformation_function", "generator"})


@dataclass(frozen=True)
class Source:
    """One parsed file."""

    tree: ast.Module
    definitions: dict[tuple[int, str], list[Definition]]
    """By first line (that of the first decorator) and name (`<lambda>` for those without)."""

    def definitions_of(self, code: CodeType) -> list[Definition]:
        """Where a code object was written; more than one for lambdas that share a line."""
        return self.definitions.get((code.co_firstlineno, code.co_name), [])

    def classes(self, name: str) -> list[Definition]:
        """The classes of that name."""
        return [
            node for (_, known), nodes in self.definitions.items() if known == name
            for node in nodes if isinstance(node, ast.ClassDef)
        ]

    def bindings(self, name: str) -> list[ast.stmt]:
        """The statements of the module, outside of functions, that give a name its value."""
        return [statement for statement in self.tree.body if name in _bound(statement)]


def parse_source(path: Path, shown: str) -> Source:
    """Read and normalise a Python file.

    Raises:
        ProjectError: its syntax is wrong.
    """
    return parse_content(path.read_bytes(), shown)


def parse_content(content: bytes, shown: str) -> Source:
    """The same from what a file holds, for versions that are not checked out.

    Raises:
        ProjectError: its syntax is wrong.
    """
    try:
        tree = ast.parse(content, shown)
    except SyntaxError as error:
        raise syntax_problem(error, shown) from None
    except ValueError as error:
        raise ProjectError(f"`{shown}` is no Python source", at=shown, why=str(error), fix="save it as UTF-8") from None
    definitions: dict[tuple[int, str], list[Definition]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            _drop_docstring(node)
        if isinstance(node, Definition):
            definitions[_first_line(node), getattr(node, "name", "<lambda>")].append(node)
    return Source(tree, dict(definitions))


def syntax_problem(error: SyntaxError, shown: str) -> ProjectError:
    """A syntax error as ovt tells it."""
    text = (error.text or "").strip()
    return ProjectError(f"`{shown}` cannot be parsed", at=f"{shown}:{error.lineno or 1}",
                        why=f"{error.msg}{f': {text}' if text else ''}", fix="mend the syntax there")


def code_text(node: ast.AST) -> str:
    """The normalised code of a node; of a decorated function without ovt's decorator and its own name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        kept = [found for found in node.decorator_list if not _is_ours(found)]
        fields = {field: getattr(node, field) for field in node._fields}
        if len(kept) < len(node.decorator_list):
            fields |= {"decorator_list": kept, "name": "_"}
        node = type(node)(**fields)
    return _text(node)


def class_level(node: ast.AST) -> list[ast.AST]:
    """The parts of a class that run when it is made: all but the bodies of its functions."""
    if not isinstance(node, ast.ClassDef):
        return []
    body = [part for part in node.body if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [*node.decorator_list, *node.bases, *node.keywords, *body]


def loaded_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Every plain name that the code reads."""
    return {found.id for node in nodes for found in ast.walk(node)
            if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Load)}


def attribute_chains(node: ast.AST, name: str) -> set[tuple[str, ...]]:
    """What the code takes from a name: `lib.text.clean` is ("text", "clean"); () where the name is used bare."""
    chains: set[tuple[str, ...]] = set()

    def visit(found: ast.AST, trail: tuple[str, ...]) -> None:
        if isinstance(found, ast.Attribute):
            visit(found.value, (found.attr, *trail))
            return
        if isinstance(found, ast.Name) and found.id == name:
            chains.add(trail)
        for child in ast.iter_child_nodes(found):
            visit(child, ())

    visit(node, ())
    return chains


def imports_in(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Modules named by import statements, with their lines; relative ones keep their dots."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from ((alias.name, found.lineno) for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            base = "." * found.level + (found.module or "")
            yield base, found.lineno
            joint = "" if base.endswith(".") else "."
            yield from ((f"{base}{joint}{alias.name}", found.lineno) for alias in found.names if alias.name != "*")


def mentions_tags(node: ast.AST) -> bool:
    """Whether the code may look at the tags of a record: `.tags`, or `getattr` with that word."""
    for found in ast.walk(node):
        if isinstance(found, ast.Attribute) and found.attr == "tags":
            return True
        if isinstance(found, ast.Call) and isinstance(found.func, ast.Name) and found.func.id == "getattr":
            words = [item.value for item in found.args if isinstance(item, ast.Constant)]
            if "tags" in words or len(words) < 1:
                return True
    return False


def _text(value: object) -> str:
    # Not ast.dump: fields that are empty are left out, so that versions of Python that add fields agree.
    if isinstance(value, ast.AST):
        fields = [(name, inner) for name, inner in ast.iter_fields(value) if inner is not None and inner != []]
        return f"{type(value).__name__}({','.join(f'{name}={_text(inner)}' for name, inner in fields)})"
    if isinstance(value, list):
        return f"[{','.join(_text(inner) for inner in value)}]"
    return repr(value)


def _drop_docstring(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        del node.body[0]


def _first_line(node: Definition) -> int:
    decorators = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _is_ours(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", None)
    return name in _OUR_DECORATORS


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = {
        found.id for found in ast.walk(statement)
        if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store | ast.Del)
    }
    for found in ast.walk(statement):
        if isinstance(found, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in found.names}
        elif isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(found.name)
    return names
