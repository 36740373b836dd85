"""The lines of a file in which one function is written, cut out of its text; nothing is imported, nothing runs."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from ovt.errors import ProjectError


def excerpt(path: str, content: bytes, line: int) -> list[str]:
    """The lines of the function, or of the YAML entry, that begins on a line.

    Args:
        path: of the file; its ending says what it holds.
        content: of the file.
        line: from 1; of a function that of its first decorator.

    Returns:
        The lines from there to the end of what begins there; to the end of the file where that cannot be told.
    """
    lines = content.decode("utf-8-sig", "replace").splitlines()
    end = _end_in_python(content, line) if PurePosixPath(path).suffix == ".py" else _end_in_yaml(path, content, line)
    found = lines[line - 1:end]
    while len(found) > 1 and (not found[-1].strip() or found[-1].startswith("#")):
        found.pop()  # what stands above the next entry is about that one
    return found


def _end_in_python(content: bytes, line: int) -> int | None:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min((decorator.lineno for decorator in node.decorator_list), default=node.lineno)
            if first == line:
                return node.end_lineno
    return None


def _end_in_yaml(path: str, content: bytes, line: int) -> int | None:
    from ovt.documents import parse_document

    try:
        starts = parse_document(content.decode("utf-8-sig", "replace"), path).lines
    except ProjectError:
        return None
    after = [start for key, start in starts.items() if len(key) == 1 and start > line]
    return min(after) - 1 if after else None
