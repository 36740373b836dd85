"""What a commit is about to contain, checked from the index: nothing is run and no file is changed.

Schema, settings and the syntax of everything that will be read or imported;
that a staged `.dvc` file names the data that lies behind it; that no bulk data
and no model slips into Git.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ovt.documents import parse_document
from ovt.errors import OvtError, ProjectError
from ovt.schema.parse import SCHEMA_FILES, parse_schema
from ovt.settings import SETTINGS_FILE, parse_settings
from ovt.storage.fingerprint import fingerprint, pointer_hash
from ovt.storage.git import git_of
from ovt.versions.key import BULK, CODE_FOLDERS
from ovt.workflows.hooks.registry import GUARDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.project import Project

MODEL_ENDINGS = (".safetensors", ".pt", ".pth", ".onnx", ".ckpt", ".arrow", ".parquet")
SMALL_MODEL = 1_000_000
"""Bytes; a fixture of somebody's test may stay in Git."""
SMALL = frozenset({".gitignore", ".gitkeep", ".gitattributes"})


def check_staged(project: Project, index_file: str | None = None) -> list[OvtError]:
    """All that is wrong with the staged files of a project; empty if the commit may go on.

    Args:
        project: the project.
        index_file: the index of this commit, where Git uses another than the usual (`git commit PATH`).
    """
    git = git_of(project.root)
    paths = git.staged(index_file=index_file)
    staged = {entry.path: entry.oid for entry in git.index(index_file=index_file)}
    errors: list[OvtError] = []
    for path in paths:
        check = _check_for(path)
        if check is None:
            continue
        content = git.read(staged[path]) or b""
        try:
            check(project, path, content)
        except OvtError as error:
            errors.append(error)
    return errors


def _check_for(path: str) -> Callable[[Project, str, bytes], None] | None:
    top, slash, _ = path.partition("/")
    if top in GUARDED and slash:
        return _refuse_bulk
    named = BY_NAME.get(path)
    if named is not None:
        return named
    if top in CODE_FOLDERS:
        return next((check for ending, check in BY_ENDING.items() if path.endswith(ending)), None)
    return _refuse_model if path.endswith(MODEL_ENDINGS) else None


def _schema(project: Project, path: str, content: bytes) -> None:
    del project
    parse_schema(parse_document(_text(path, content), path))


def _settings(project: Project, path: str, content: bytes) -> None:
    del project
    parse_settings(parse_document(_text(path, content), path))


def _document(project: Project, path: str, content: bytes) -> None:
    del project
    parse_document(_text(path, content), path)


def _python(project: Project, path: str, content: bytes) -> None:
    del project
    try:
        ast.parse(content, path)
    except SyntaxError as error:
        raise ProjectError(f"`{path}` is not valid Python", at=f"{path}:{error.lineno}", why=error.msg,
                           fix="mend the syntax there") from None
    except ValueError as error:
        raise ProjectError(f"`{path}` is not valid Python", at=path, why=str(error), fix="save it as UTF-8") from None


def _pointer(project: Project, path: str, content: bytes) -> None:
    """A `.dvc` file that names other data than what lies there would be a version that nobody has seen."""
    folder = path.removesuffix(".dvc")
    here = fingerprint(project, project.root / folder)
    if here is not None and here not in {pointer_hash(content, path), _committed_hash(project, path)}:
        raise ProjectError(f"`{path}` does not match `{folder}/`", at=path,
                           why=f"`{folder}/` was changed after it was added", fix="add it again, then stage the file",
                           command=f"ovt add {folder}/ && git add {path}")


def _committed_hash(project: Project, path: str) -> str | None:
    """What HEAD says: data that is still HEAD's was not changed here, a newer pointer came by a merge or a checkout."""
    git = git_of(project.root)
    content = git.read(f"HEAD:{git.layout.prefix}{path}")
    return pointer_hash(content, path) if content is not None else None


def _refuse_bulk(project: Project, path: str, content: bytes) -> None:
    del content
    folder, _, rest = path.partition("/")
    if rest in SMALL or rest.endswith(".dvc"):
        return
    out = f"git rm -r -q --cached {folder}"
    raise ProjectError(f"`{path}` does not belong into Git", at=project.shown(project.root / path),
                       why=f"`{folder}/` is DVC's: bulk, and maybe private", fix="take it out of the index",
                       command=f"{out} && ovt add {folder}/" if folder in BULK else out)


def _refuse_model(project: Project, path: str, content: bytes) -> None:
    if len(content) <= SMALL_MODEL:
        return
    raise ProjectError(f"`{path}` does not belong into Git", at=project.shown(project.root / path),
                       why=f"a model or data file of {len(content):,} bytes", fix="take it out of the index",
                       command=f"git rm -q --cached {path}")


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{path}` is not UTF-8", at=path, why=str(error), fix="save it as UTF-8") from None


BY_NAME: dict[str, Callable[[Project, str, bytes], None]] = {
    **dict.fromkeys(SCHEMA_FILES, _schema), SETTINGS_FILE: _settings,
    **{f"{name}.dvc": _pointer for name in BULK},
    "tuning.yaml": _document, "tuning.lock.yaml": _document,
}
BY_ENDING: dict[str, Callable[[Project, str, bytes], None]] = {
    ".py": _python, ".yaml": _document, ".yml": _document, ".json": _document,
}
