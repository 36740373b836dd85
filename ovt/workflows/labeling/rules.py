"""A rule written as a YAML labeling function, and taken back (it is tried before: `ovt.supervision.rule_trial`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.functions.rules import Rule
    from ovt.project import Project

FILE = "labelers/terminal.yaml"
HEADER = "# Rules written in the terminal app (ovt tui).\n"


@dataclass(frozen=True)
class WrittenRule:
    """A rule that stands in a file now."""

    name: str
    file: str
    line: int
    entry: str
    before: bytes | None
    """What the file was; None: it was not there."""
    after: bytes


def write_rule(project: Project, rule: Rule, file: str = FILE) -> WrittenRule:
    """Append a rule to a YAML file of `labelers/`; what stands there, comments too, stays as it is.

    Raises:
        UsageError: the name is taken or is none, or the file is none of `labelers/`.
        ProjectError: the rule cannot be understood, or the file cannot be appended to.
    """
    from ovt.functions.rules import entry_of, function_of, written
    from ovt.storage.files import write_bytes

    path = _place(project, file)
    function_of(rule, project)
    _refuse_taken(project, rule)
    entry = entry_of(rule, project)
    before = path.read_bytes() if path.is_file() else None
    text = (before or HEADER.encode()).decode("utf-8")
    text = text if text.endswith("\n") else text + "\n"
    after = (text + _line(text, written(entry), rule.name, file)).encode()
    _refuse_changed(before, after, entry, file)
    write_bytes(path, after)
    return WrittenRule(rule.name, file, after.count(b"\n"), written(entry), before, after)


def take_back(project: Project, rule: WrittenRule) -> None:
    """Undo `write_rule`.

    Raises:
        UsageError: the file was changed since.
    """
    from ovt.storage.files import write_bytes

    path = project.root / rule.file
    if not path.is_file() or path.read_bytes() != rule.after:
        raise UsageError(f"`{rule.file}` was changed since", at=f"{rule.file}:{rule.line}",
                         fix=f"delete the entry `{rule.name}` by hand")
    if rule.before is None:
        path.unlink()
    else:
        write_bytes(path, rule.before)


def _place(project: Project, file: str) -> Path:
    path = project.root / file
    if path.parent != project.folder("labelers") or path.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"`{file}` is no YAML file of labelers/", why="labeling functions are read from there alone",
                         fix=f"e.g. {FILE}")
    return path


def _refuse_taken(project: Project, rule: Rule) -> None:
    from ovt.functions.declarative import read_declared
    from ovt.supervision.reporting.opinions import opened, stored_votes

    folder, store = project.folder("labelers"), opened(project)
    files = sorted(path for path in folder.glob("*.y*ml")) if folder.is_dir() else []
    taken = {entry.name: entry.at for path in files for entry in read_declared(path, project)}
    for task in store.schema.tasks:
        taken |= {name: f"source of `{task}`" for name in stored_votes(project, store, task).names if name not in taken}
    if rule.name in taken or rule.name == project.settings.gold.source:
        raise UsageError(f"the name `{rule.name}` is taken", at=taken.get(rule.name),
                         why="a name stands for one source in reports", fix="give it another one")


def _line(text: str, entry: str, name: str, file: str) -> str:
    """The entry in the form that the file has: a list, indented or not, or a mapping from names."""
    from ovt.documents import parse_document

    value = parse_document(text, file).value
    if isinstance(value, dict):
        return f"{name}: {entry}\n"
    indents = [line[:-len(rest)] for line in text.splitlines() if (rest := line.lstrip(" ")).startswith("- ")]
    return f"{min(indents, key=len, default='')}- {entry}\n"


def _refuse_changed(before: bytes | None, after: bytes, entry: dict[str, Any], file: str) -> None:
    """The file must say what it said, and the entry; a form that nothing can be appended to is told."""
    from ovt.documents import parse_document

    old = parse_document((before or b"").decode("utf-8"), file).value
    try:
        new = parse_document(after.decode("utf-8"), file).value
    except ProjectError:
        new = None
    wanted = {**old, entry["name"]: entry} if isinstance(old, dict) else [*(old or []), entry]
    if new != wanted:
        raise ProjectError(f"nothing can be appended to `{file}`", at=file,
                           why="its entries are not one below the other", fix=f"name another file, such as {FILE}")
