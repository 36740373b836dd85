"""What each column of a flat table is for: id, split, tags, payload, or the labels of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.data.tables import Column, class_name, kind_of_value
from ovt.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ovt.data.tables import Row
    from ovt.schema.spec import Schema

GOLD = "gold"
ID_NAMES = frozenset({"id", "uid", "uuid", "guid", "record_id", "example_id", "idx"})
SPLIT_NAMES = frozenset({"split", "fold", "subset", "partition"})
TAG_NAMES = frozenset({"tags", "tag"})
LABEL_NAMES = frozenset({
    "label", "labels", "class", "classes", "intent", "category", "categories", "target", "targets", "y", "sentiment",
    "gold", "answer", "topic", "label_text", "coarse_label", "fine_label",
})
TOKEN_NAMES = ("tokens", "words")
TEXT_NAMES = ("text", "query", "sentence", "utterance", "question", "body", "content", "document", "comment", "title")
SPLIT_ALIASES = {
    "train": "train", "training": "train", "dev": "dev", "development": "dev", "valid": "dev", "val": "dev",
    "validation": "dev", "validate": "dev", "test": "test", "testing": "test", "eval": "test", "evaluation": "test",
}
MAX_LENGTH = 256
"""The longest sequence that is proposed; people who need more say so in the schema."""


@dataclass
class Roles:
    """Column names by role; payloads and tasks by their names in the schema."""

    id: str | None = None
    split: str | None = None
    tags: str | None = None
    payloads: dict[str, str] = field(default_factory=dict)
    """Payload → column."""
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    """(task, source) → column."""
    whole: str | None = None
    """A payload without a column, which only aggregates others: an empty text in every record."""
    left_out: list[str] = field(default_factory=list)
    """Columns that nothing was made of."""


def split_alias(value: object) -> str | None:
    """`validation` → `dev` and the like; None for a word that names no split."""
    return SPLIT_ALIASES.get(str(value).strip().lower())


def side_roles(columns: Mapping[str, Column]) -> Roles:
    """The columns that are neither payload nor label, by their names and values."""
    roles = Roles()
    for name, column in columns.items():
        word = name.lower()
        if word in ID_NAMES and roles.id is None and column.distinct and column.kind in {"text", "number"}:
            roles.id = name
        elif word in SPLIT_NAMES and roles.split is None and all(split_alias(value) for value in column.values):
            roles.split = name
        elif word in TAG_NAMES and roles.tags is None and column.kind in {"text", "texts"}:
            roles.tags = name
    return roles


def roles_by_schema(columns: Mapping[str, Column], schema: Schema) -> Roles:
    """Columns named like payloads, like tasks, or `TASK.SOURCE`; one text and one label column need no name.

    Raises:
        ProjectError: no column is a payload.
    """
    roles = side_roles(columns)
    taken = {roles.id, roles.split, roles.tags}
    for name in columns:
        if name in schema.payloads:
            roles.payloads[name] = name
        elif name in schema.tasks:
            roles.labels[name, GOLD] = name
        elif (task := name.partition(".")[0]) in schema.tasks and "." in name:
            roles.labels[task, name.partition(".")[2]] = name
        elif name not in taken:
            roles.left_out.append(name)
    _match_unnamed(roles, columns, schema)
    if not roles.payloads:
        raise ProjectError("no column is a payload of the schema", why=f"columns: {', '.join(columns)}",
                           fix=f"name the columns like the payloads: {', '.join(schema.payloads)}")
    return roles


def _match_unnamed(roles: Roles, columns: Mapping[str, Column], schema: Schema) -> None:
    missing = [found.name for found in schema.payloads.values()
               if found.type == "singleton" and found.dtype == "text" and found.name not in roles.payloads]
    texts = [name for name in roles.left_out if columns[name].kind == "text" and name.lower() in TEXT_NAMES]
    if len(missing) == 1 and len(texts) == 1:
        roles.payloads[missing[0]] = texts[0]
        roles.left_out.remove(texts[0])
    labels = [name for name in roles.left_out if name.lower() in LABEL_NAMES]
    if len(schema.tasks) == 1 and not roles.labels and len(labels) == 1:
        roles.labels[next(iter(schema.tasks)), GOLD] = labels[0]
        roles.left_out.remove(labels[0])


def propose(columns: Mapping[str, Column]) -> tuple[dict[str, Any], Roles]:
    """A schema for a table that comes without one, and the roles of its columns."""
    roles = side_roles(columns)
    taken = {roles.id, roles.split, roles.tags}
    free = {name: column for name, column in columns.items() if name not in taken and column.filled}
    roles.left_out = [name for name in columns if name not in taken and not columns[name].filled]
    payloads: dict[str, Any] = {}
    tasks: dict[str, Any] = {}
    sequence = _propose_sequence(free, roles, payloads, tasks)
    labelled = [name for name in free if name.lower() in LABEL_NAMES and free[name].kind != "object"]
    texts = [name for name, column in free.items() if column.kind == "text" and name not in labelled]
    main = _main_text(texts, free)
    few = [name for name in texts if free[name].few and name != main]
    labels = labelled or few
    for name, column in free.items():
        if name not in labels and name != main:
            _propose_side_payload(name, column, few, payloads, roles)
    target = _propose_main(main, sequence, columns, payloads, roles)
    for name in labels if target else ():
        kind = "bitvector" if free[name].kind in {"texts", "numbers"} else "multiclass"
        tasks[name] = {"payload": target, "type": kind}
        roles.labels[name, GOLD] = name
    return {"payloads": payloads, "tasks": tasks}, roles


def _main_text(texts: list[str], columns: Mapping[str, Column]) -> str | None:
    """The text that is read first: by its usual names, or the longest that is no label."""
    named = [name for usual in TEXT_NAMES for name in texts if name.lower() == usual]
    longest = sorted(texts, key=lambda name: (columns[name].few, -columns[name].mean_letters))
    return next(iter([*named, *longest]), None)


def _propose_sequence(
    free: dict[str, Column], roles: Roles, payloads: dict[str, Any], tasks: dict[str, Any],
) -> str | None:
    """Tokens, and tasks from the lists that are always as long; they leave `free`."""
    lists = [name for name, column in free.items() if column.kind == "texts"]
    ranked = sorted(lists, key=lambda name: (name.lower() not in TOKEN_NAMES, -len(free[name].values)))
    parallel = [name for name, column in free.items() if ranked and name != ranked[0]
                and column.kind in {"texts", "numbers"} and column.lengths == free[ranked[0]].lengths]
    if not ranked or not (parallel or ranked[0].lower() in TOKEN_NAMES):
        return None
    tokens = ranked[0]
    payloads[tokens] = {"type": "sequence", "max_length": proposed_length(free.pop(tokens).longest)}
    roles.payloads[tokens] = tokens
    for name in parallel:
        column = free.pop(name)
        tasks[name] = {"payload": tokens, "type": "multiclass"}
        if looks_bio(column.classes):
            tasks[name]["spans"] = "BIO"
        roles.labels[name, GOLD] = name
    return tokens


def _propose_side_payload(name: str, column: Column, few: list[str], payloads: dict[str, Any], roles: Roles) -> None:
    if column.kind == "number":
        payloads[name] = {"type": "singleton", "dtype": "number"}
    elif column.kind == "flag" or name in few:
        payloads[name] = {"type": "singleton", "dtype": "category"}
    elif column.kind == "text":
        payloads[name] = {"type": "singleton"}
    elif column.kind == "numbers" and len(column.lengths) == 1:
        payloads[name] = {"type": "singleton", "dtype": "vector", "length": column.longest}
    else:
        roles.left_out.append(name)
        return
    roles.payloads[name] = name


def _propose_main(
    main: str | None, sequence: str | None, columns: Mapping[str, Column], payloads: dict[str, Any], roles: Roles,
) -> str | None:
    """The payload that the tasks are on; it aggregates the others."""
    others = [name for name in payloads if name != sequence]
    if main is None and not payloads:
        return None
    if sequence is None and main is not None:
        sequence = "tokens" if "tokens" not in columns else f"{main}_tokens"
        payloads[sequence] = {"type": "sequence", "max_length": proposed_length(columns[main].longest)}
    if main is None:
        if len(payloads) == 1 and sequence is None:
            return others[0]
        main = roles.whole = "record" if "record" not in payloads else "whole_record"
    else:
        roles.payloads[main] = main
    payloads[main] = {"type": "singleton", "base": [*([sequence] if sequence else []), *others]}
    return main


def proposed_length(longest: int) -> int:
    """`max_length` for sequences as long as that: the next multiple of 8."""
    return min(MAX_LENGTH, max(8, -(-longest // 8) * 8))


def looks_bio(classes: Iterable[str]) -> bool:
    """Whether labels spell spans: `O`, `B-x`, `I-x`, and at least one `B-`."""
    found = list(classes)
    return any(name[:2] == "B-" for name in found) and all(name == "O" or name[:2] in {"B-", "I-"} for name in found)


def as_record(row: Row, roles: Roles, schema: Schema) -> dict[str, Any]:
    """A row as a record, in the one form of the schema."""
    record: dict[str, Any] = {}
    if roles.id is not None and (identity := row.get(roles.id)) is not None:
        record["id"] = class_name(identity)
    record["payloads"] = {
        name: _payload_value(row.get(column), schema.payloads[name].type, schema.payloads[name].dtype)
        for name, column in roles.payloads.items()
    }
    if roles.whole is not None:
        record["payloads"][roles.whole] = ""
    tasks: dict[str, dict[str, Any]] = {}
    for (task, source), column in roles.labels.items():
        label = _label_value(row.get(column), schema.tasks[task].type, schema.granularity(task))
        if label is not None:
            tasks.setdefault(task, {})[source] = label
    record["tasks"] = tasks
    record["tags"] = _tags(row, roles)
    return record


def _payload_value(value: Any, kind: str, dtype: str) -> Any:
    if kind_of_value(value) == "empty":
        return None
    if kind in {"sequence", "set"} or dtype == "vector":
        return list(value) if isinstance(value, (list, tuple)) else value
    if dtype == "number":
        return float(value)
    return class_name(value) if dtype == "category" or not isinstance(value, str) else value


def _label_value(value: Any, kind: str, granularity: str) -> Any:
    if kind_of_value(value) == "empty":
        return None
    if granularity != "record":
        return [None if item is None else _label_value(item, kind, "record") for item in value]
    if kind == "bitvector":
        items = value if isinstance(value, (list, tuple)) else str(value).replace("|", ",").split(",")
        return [class_name(item) for item in items if class_name(item)]
    if kind == "select":
        return int(value) if isinstance(value, float) or (isinstance(value, str) and value.isdigit()) else value
    return class_name(value)


def _tags(row: Row, roles: Roles) -> list[str]:
    tags = []
    if roles.split is not None and (split := split_alias(row.get(roles.split))):
        tags.append(split)
    found = row.get(roles.tags) if roles.tags is not None else None
    if isinstance(found, str):
        found = found.replace("|", ",").replace(";", ",").split(",")
    tags += [str(tag).strip() for tag in found or () if str(tag).strip()]
    return tags
