r"""A rule typed in one line, and the YAML entry that it becomes.

    tall, how high          keywords: whole words, case ignored
    /\bhow (tall|high)\b/   a regular expression
    [{lower: how}, {in: [tall, high]}]     a pattern over tokens

The function is made by what reads `labelers/*.yaml`, so that a rule under trial
answers as it will once it stands in a file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.documents import parse_document
from ovt.errors import ProjectError, UsageError
from ovt.functions.answers import Form

if TYPE_CHECKING:
    from ovt.functions.discover import Function
    from ovt.project import Project

SHOWN = "this rule"
_NAME = re.compile(r"[^\W\d]\w*")
_PLAIN = re.compile(r"[^\W\d_][\w-]*(?: [\w-]+)*")
"""Words that YAML reads as they stand, in a list too."""
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True)
class Rule:
    """What was typed."""

    task: str
    pattern: str
    label: str
    """As in a cell of a sheet: `height`, `food; people`, `1`; empty where what is found is the answer."""
    name: str = "rule"
    field: str = ""
    """The payload that is read; empty: the task's own, or the first text."""


def entry_of(rule: Rule, project: Project) -> dict[str, Any]:
    """The entry, as plain values in the order in which they are written.

    Raises:
        UsageError: there is nothing to look for, or no such task.
        ProjectError: a pattern over tokens that is no YAML.
    """
    if rule.task not in project.schema.tasks:
        raise UsageError(f"no task `{rule.task}`", command="ovt task list")
    key, wanted = _looks_for(rule.pattern)
    entry: dict[str, Any] = {"name": rule.name, "task": rule.task, key: wanted}
    label = _label(rule.label.strip(), Form.of(project.schema, rule.task))
    if label is not None:
        entry["label"] = label
    return entry | ({"field": rule.field} if rule.field else {})


def written(entry: dict[str, Any]) -> str:
    """The entry as one line of YAML."""
    return _flow(entry)


def function_of(rule: Rule, project: Project) -> Function:
    """The function that the rule will be.

    Raises:
        UsageError: there is nothing to look for, no such task, or the name is none.
        ProjectError: what it looks for, its label or its field cannot be understood.
    """
    from ovt.functions.declarative import declare
    from ovt.functions.discover import declared_function
    from ovt.functions.processes.isolation import Boundary, Environment

    if not _NAME.fullmatch(rule.name):
        raise UsageError(f"`{rule.name}` is no name of a function", why="letters, digits and _, a letter first")
    declared = declare(entry_of(rule, project), project, shown=SHOWN)
    return declared_function(project, declared, Environment(Boundary.of(project)))


def name_for(rule: Rule) -> str:
    """A name made from the label and the first words that the rule looks for."""
    words = re.findall(r"[a-z][a-z]+", f"{rule.label} {rule.pattern}".casefold())
    kept = [word for word in words if word not in {"lower", "in", "op", "text", "regex", "shape"}]
    return "_".join(dict.fromkeys(kept[:3])) or "rule"


def _looks_for(text: str) -> tuple[str, Any]:
    text = text.strip()
    if not text:
        raise UsageError("there is nothing to look for yet", fix="words, /a regex/ or [{lower: …}, …]")
    if text[0] == "/":
        inner = text[1:-1] if len(text) > 1 and text[-1] == "/" else text[1:]
        if not inner:
            raise UsageError("there is nothing to look for yet", fix="a regular expression between / and /")
        return "regex", inner
    if text[0] in "[{":
        return _tokens(text)
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError("there is nothing to look for yet", fix="words, separated by commas")
    return "keyword", words


def _tokens(text: str) -> tuple[str, Any]:
    value = parse_document(text, SHOWN).value
    listed = [value] if isinstance(value, dict) else value
    if isinstance(listed, list) and listed and all(isinstance(item, str) for item in listed):
        return "keyword", listed
    if not isinstance(listed, list) or not listed:
        raise ProjectError("this is no pattern over tokens", at=SHOWN, why=f"found {text}",
                           fix="e.g. [{lower: how}, {in: [tall, high]}]")
    return "tokens", listed


def _label(text: str, form: Form) -> Any:
    if not text:
        return None
    if form.type == "select":
        return int(text) if text.isdecimal() else text
    if form.type == "bitvector" and ";" in text:
        return [part.strip() for part in text.split(";") if part.strip()]
    return text


def _flow(value: Any) -> str:
    """YAML in one line, read back as the same value by `ovt.documents`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.casefold() not in _WORDS_OF_YAML:
        return value
    if value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    # Not as JSON has it: that spells one letter beyond U+FFFF as two, which is none in YAML.
    escaped = (f"\\U{ord(letter):08x}" if letter in '"\\' or not letter.isprintable() else letter for letter in value)
    return '"' + "".join(escaped) + '"'
