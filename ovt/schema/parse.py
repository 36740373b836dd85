"""From `schema.json` or `schema.yaml` to a Schema, with a precise error for each thing that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ovt.documents import Document, read_document
from ovt.errors import ProjectError, nearest
from ovt.schema.spec import Payload, Schema, Task

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_FILES = ("schema.json", "schema.yaml", "schema.yml")

PAYLOAD_KEYS: dict[str, frozenset[str]] = {
    "singleton": frozenset({"type", "base", "dtype", "length"}),
    "sequence": frozenset({"type", "base", "max_length"}),
    "set": frozenset({"type", "base", "range", "max_length"}),
}
TASK_KEYS = frozenset({"payload", "type", "classes", "spans", "guideline"})
DTYPES = frozenset({"text", "category", "number", "vector"})
HYPERPARAMETERS = frozenset({
    "activation", "aggregation", "attention", "batch", "batch_size", "dim", "dropout", "embedding", "encoder", "epochs",
    "heads", "hidden", "hidden_size", "layers", "learning_rate", "loss", "lr", "model", "optimizer", "size", "training",
})
MISPLACED = {
    "range": "only the members of a set are spans of a sequence",
    "max_length": "a singleton is one element; sequences and sets have a length to cut",
    "dtype": "only a singleton is a number, a category or a vector; a sequence holds tokens, a set members",
    "length": "it is the number of components of a singleton with `dtype: vector`",
    "classes": "a payload is an input; classes are a task's",
    "spans": "a payload is an input; spans are a task's",
}
"""Why a key of the schema is not where it was found."""
FIGURE_2A = (
    "the task kinds on the payload kinds: multiclass and bitvector on singleton, sequence and set; select on set"
)


def find_schema(root: Path) -> Path:
    """The project's schema file.

    Raises:
        ProjectError: there is none, or more than one.
    """
    found = [root / name for name in SCHEMA_FILES if (root / name).is_file()]
    if not found:
        raise ProjectError("no schema found", at=str(root), fix="add schema.json", command="ovt init --template blank")
    if len(found) > 1:
        names = " and ".join(f"`{path.name}`" for path in found)
        raise ProjectError(f"two schemas: {names}", at=str(root), fix="keep one of them")
    return found[0]


def load_schema(root: Path) -> Schema:
    """Read and check the project's schema (see `parse_schema`)."""
    return parse_schema(read_document(find_schema(root)))


def parse_schema(document: Document) -> Schema:
    """Check a parsed schema file.

    Raises:
        ProjectError: with the file, line and path of the first thing that is wrong.
    """
    top = _mapping(document, ())
    _only(document, (), top, {"payloads", "tasks"})
    for key in ("payloads", "tasks"):
        if key not in top:
            raise _error(document, (), f"the schema has no `{key}`", "missing key", f"add a `{key}` object")
    payloads = {name: _payload(document, name) for name in _mapping(document, ("payloads",))}
    tasks = {name: _task(document, name, payloads) for name in _mapping(document, ("tasks",))}
    _check_references(document, payloads)
    return Schema(payloads, tasks)


def _payload(document: Document, name: str) -> Payload:
    where = ("payloads", name)
    raw = _mapping(document, where)
    kind = _name(document, (*where, "type"), raw)
    if not name:
        raise _error(document, where, "a payload has no name", "found an empty one", "e.g. `tokens`")
    if kind not in PAYLOAD_KEYS:
        raise _error(
            document, (*where, "type"), f"payload `{name}` has no known type", f"found {kind!r}",
            f"one of singleton, sequence, set ({nearest(str(kind), PAYLOAD_KEYS)})",
        )
    _misplaced(document, name, raw, kind)
    _only(document, where, raw, PAYLOAD_KEYS[kind])
    base = raw.get("base", [])
    if isinstance(base, str) or not isinstance(base, list) or not all(isinstance(item, str) for item in base):
        raise _error(document, (*where, "base"), f"`base` of `{name}` is no list", f"found {base!r}", 'e.g. ["tokens"]')
    if len(set(base)) < len(base):
        raise _error(document, (*where, "base"), f"`base` of `{name}` names a payload twice",
                     f"found {', '.join(base)}", "name each payload once")
    dtype = _name(document, (*where, "dtype"), raw, "text")
    if dtype not in DTYPES:
        raise _error(document, (*where, "dtype"), f"`dtype` of `{name}` is unknown", f"found {dtype!r}",
                     nearest(str(dtype), DTYPES))
    length = _positive(document, (*where, "length"), raw.get("length"))
    if (dtype == "vector") != (length is not None):
        raise _error(document, where, f"payload `{name}`: `length` goes with `dtype: vector`",
                     f"dtype {dtype}, length {length}", 'e.g. {"type": "singleton", "dtype": "vector", "length": 128}')
    if dtype != "text" and base:
        raise _error(document, (*where, "base"), f"payload `{name}` is a {dtype} and has a base",
                     "side information aggregates nothing", "drop `base`, or make a text singleton of it")
    return Payload(
        name=name, type=kind, base=tuple(base), dtype=dtype, length=length,
        range=_name(document, (*where, "range"), raw) or None,
        max_length=_positive(document, (*where, "max_length"), raw.get("max_length")),
    )


def _task(document: Document, name: str, payloads: dict[str, Payload]) -> Task:
    where = ("tasks", name)
    raw = _mapping(document, where)
    _only(document, where, raw, TASK_KEYS)
    target, kind = (_name(document, (*where, key), raw) for key in ("payload", "type"))
    if not name:
        raise _error(document, where, "a task has no name", "found an empty one", "e.g. `Intent`")
    if target not in payloads:
        raise _error(document, (*where, "payload"), f"task `{name}` is on an unknown payload", f"found {target!r}",
                     nearest(str(target), payloads))
    if kind not in {"multiclass", "bitvector", "select"}:
        raise _error(document, (*where, "type"), f"task `{name}` has no known type", f"found {kind!r}",
                     "one of multiclass, bitvector, select")
    payload = payloads[target]
    if kind == "select" and payload.type != "set":
        raise _error(document, (*where, "type"), f"task `{name}` selects from a {payload.type}",
                     f"`{target}` is a {payload.type}; select picks one member of a set", FIGURE_2A)
    if kind == "select" and "classes" in raw:
        raise _error(document, (*where, "classes"), f"task `{name}` selects and lists classes",
                     "its answers are the members of the set", "drop `classes`")
    spans = _spans(document, where, raw, payload)
    guideline = _name(document, (*where, "guideline"), raw) or None
    return Task(name=name, payload=target, type=kind, spans=spans, guideline=guideline,
                classes=_classes(document, where, raw, spans))


def _spans(document: Document, where: tuple[str, ...], raw: dict[str, Any], payload: Payload) -> Literal["BIO"] | None:
    spans, kind = raw.get("spans"), raw["type"]
    if spans is None:
        return None
    why = None
    if spans != "BIO":
        why = "spans are spelled `BIO`"
    elif payload.type != "sequence":
        why = f"spans are runs of tokens, and `{payload.name}` is a {payload.type}"
    elif kind != "multiclass":
        why = f"each token of a span has one label, and this is a {kind} task"
    if why is not None:
        raise _error(document, (*where, "spans"), f"`spans` of task `{where[-1]}` cannot be {spans!r}", why,
                     "drop `spans`")
    return "BIO"


def _classes(
    document: Document, where: tuple[str, ...], raw: dict[str, Any], spans: str | None,
) -> tuple[str, ...] | None:
    if raw.get("classes") is None:
        return None
    classes = raw["classes"]
    here = (*where, "classes")
    if not isinstance(classes, list) or not classes or not all(isinstance(item, str) for item in classes):
        raise _error(document, here, "`classes` is no list of names", f"found {classes!r}", 'e.g. ["height", "age"]')
    if len(set(classes)) < len(classes):
        twice = next(item for item in classes if classes.count(item) > 1)
        raise _error(document, here, "a class comes twice", f"found {twice!r} again", "list each class once")
    if spans and any(item != "O" and item[:2] not in {"B-", "I-"} for item in classes):
        odd = next(item for item in classes if item != "O" and item[:2] not in {"B-", "I-"})
        raise _error(document, here, "a class of a BIO task is no BIO label", f"found {odd!r}", "`O`, `B-x` or `I-x`")
    orphans = [item for item in classes if spans and item[:2] == "I-" and f"B-{item[2:]}" not in classes]
    if orphans:
        raise _error(document, here, f"nothing begins what `{orphans[0]}` goes on with",
                     f"no class is `B-{orphans[0][2:]}`, so it could never be answered", f"add `B-{orphans[0][2:]}`")
    return tuple(classes)


def _check_references(document: Document, payloads: dict[str, Payload]) -> None:
    for payload in payloads.values():
        where = ("payloads", payload.name)
        for parent in payload.base:
            if parent not in payloads:
                raise _error(document, (*where, "base"), f"`base` of `{payload.name}` names an unknown payload",
                             f"found {parent!r}", nearest(parent, payloads))
        if payload.range is not None and (payload.range not in payloads or payloads[payload.range].type != "sequence"):
            raise _error(document, (*where, "range"), f"`range` of `{payload.name}` names no sequence",
                         f"found {payload.range!r}",
                         nearest(str(payload.range), [p.name for p in payloads.values() if p.type == "sequence"]))
    _check_cycles(document, payloads)


def _check_cycles(document: Document, payloads: dict[str, Payload]) -> None:
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            loop = " → ".join((*trail[trail.index(name):], name))
            raise _error(document, ("payloads", name, "base"), "payloads build on each other in a circle", loop,
                         "remove one `base` of the circle")
        if name not in done:
            payload = payloads[name]
            for parent in (*payload.base, *([payload.range] if payload.range else [])):
                visit(parent, (*trail, name))
            done.add(name)

    for name in payloads:
        visit(name, ())


def _mapping(document: Document, path: tuple[str, ...]) -> dict[str, Any]:
    value = document.value
    for key in path:
        value = value[key]
    if not isinstance(value, dict):
        label = ".".join(path) or "the schema"
        raise _error(document, path, f"`{label}` is not an object", f"found {type(value).__name__}", "write {…}")
    return value


def _misplaced(document: Document, name: str, raw: dict[str, Any], kind: str) -> None:
    for key in raw:
        if key in MISPLACED and key not in PAYLOAD_KEYS[kind]:
            raise _error(document, ("payloads", name, key), f"payload `{name}` is a {kind} and has `{key}`",
                         MISPLACED[key], f"drop `{key}`")


def _name(document: Document, path: tuple[str, ...], raw: dict[str, Any], default: str = "") -> Any:
    """The value of a key that must be a string; which strings it may be is checked by who asked."""
    value = raw.get(path[-1])
    if value is None:
        return default
    if not isinstance(value, str):
        what = f"`{path[-1]}` of `{path[-2]}` is no name"
        raise _error(document, path, what, f"found {value!r}", "one name, in quotes")
    return value


def _only(document: Document, path: tuple[str, ...], raw: dict[str, Any], known: frozenset[str] | set[str]) -> None:
    for key in raw:
        if key in known:
            continue
        if key in HYPERPARAMETERS:
            raise ProjectError(
                f"the schema holds a hyperparameter: `{key}`", at=document.at(*path, key),
                why="a schema says what the model computes, so that it outlives every model",
                fix="move it to tuning.yaml", command="ovt tune --help",
            )
        raise _error(document, (*path, key), f"unknown key `{key}` in the schema", f"at {'.'.join((*path, key))}",
                     nearest(key, known))


def _positive(document: Document, path: tuple[str, ...], value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _error(document, path, f"`{path[-1]}` is no positive integer", f"found {value!r}", "e.g. 16")
    return value


def _error(document: Document, path: tuple[str, ...], what: str, why: str, fix: str) -> ProjectError:
    return ProjectError(what, at=document.at(*path), why=why, fix=fix)
