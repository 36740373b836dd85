"""`ovt embed`: vectors of words, entities or records as a product of their own, compared with the last ones.

What a payload gives depends on what it is: a sequence its words, a set its
members (entities), a singleton the vector that all tasks on it share, one for
each record. A product is

    embeddings/PAYLOAD.safetensors   one matrix `vectors`, the names of its rows in the file (DVC)
    embeddings/PAYLOAD.parquet       name and vector, for everything else (DVC)
    embeddings/PAYLOAD.json          of which model, when, and how far from the last one (Git)

and `embedding: embeddings/PAYLOAD.safetensors` in `tuning.yaml` makes it an
embedding of the next model.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.neighbours import Drift
    from ovt.training.opened import OpenedModel
    from ovt.versions.history import Version

    Floats = NDArray[np.float32]

FOLDER = "embeddings"
FORMAT = "ovt.embedding/1"
KINDS = {"sequence": "words", "set": "entities", "singleton": "records"}
WARN_BELOW = 0.7
"""Mean overlap of neighbours below which those who use a product must be told."""


@dataclass(frozen=True)
class Product:
    """One payload's vectors."""

    payload: str
    kind: str
    """`words`, `entities` or `records`."""
    rows: int
    size: int
    drift: Drift | None
    """Against the last one; None: there was none, or it has too few names in common."""

    @property
    def moved(self) -> bool:
        """Whether neighbours changed so much that users of the last one must know."""
        return self.drift is not None and self.drift.overlap < WARN_BELOW


@dataclass(frozen=True)
class Due:
    """A product that is older than `embeddings.PAYLOAD.every` allows, or was never made."""

    payload: str
    age: float | None
    """Seconds; None: never made."""
    every: str


def embed(project: Project, payloads: Sequence[str], progress: Progress) -> list[Product]:
    """Write the vectors of some payloads, as the workspace's model (else HEAD's) has them, and track them with DVC.

    Args:
        project: the project.
        payloads: which; none: those under `embeddings:` in ovt.yaml.
        progress: hears what is made.

    Raises:
        UsageError: no payload is named anywhere, or one that the schema does not have.
        MissingError: there is no model, or it is not on this machine.
    """
    from ovt.workflows.review.network import model_version, open_model

    wanted = list(payloads) or list(project.settings.embeddings)
    _check(project, wanted)
    version, model = model_version(project, None), open_model(project)
    made = []
    for number, payload in enumerate(wanted, 1):
        progress.update("embed", payload, number, len(wanted))
        made.append(_embed(project, model, version, payload))
    return made


def due(project: Project, now: float | None = None) -> list[Due]:
    """Products that should be made again."""
    found = []
    for payload, settings in project.settings.embeddings.items():
        limit = settings.seconds()
        about = read_about(project, payload)
        age = (time.time() if now is None else now) - about["made"] if about else None
        if limit is not None and (age is None or age > limit):
            found.append(Due(payload, age, settings.every))
    return found


def read_about(project: Project, payload: str) -> dict[str, Any] | None:
    """What a product says about itself; None: it was never made."""
    try:
        return dict(json.loads(_path(project, payload, "json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None


def _check(project: Project, wanted: Sequence[str]) -> None:
    from ovt.errors import nearest

    known = project.schema.payloads
    if not wanted:
        raise UsageError("which payload?", why="ovt.yaml has no `embeddings:`", fix=f"there are {', '.join(known)}",
                         command=f"ovt embed --payload {next(iter(known))}")
    for payload in wanted:
        if payload not in known:
            raise UsageError(f"no payload `{payload}`", why=nearest(payload, known), command="ovt embed --help")
        if known[payload].type == "singleton" and known[payload].dtype in {"number", "vector"}:
            raise UsageError(f"`{payload}` is a number already", why="it needs no vector of its own",
                             fix="name another payload")


def _embed(project: Project, model: OpenedModel, version: Version, payload: str) -> Product:
    from ovt.quality.neighbours import drift
    from ovt.storage import dvc
    from ovt.storage.files import write_json

    kind = KINDS[project.schema.payloads[payload].type]
    names, vectors = _vectors(project, model, payload, kind)
    last, about = _last(project, payload), read_about(project, payload) or {}
    if about.get("key") == version.key:  # made of the same model: still compared with the one before
        moved = _told(about)
    else:
        moved = drift(names, vectors, *last) if last is not None and kind != "records" else None
    matrix, table = _path(project, payload, "safetensors"), _path(project, payload, "parquet")
    matrix.parent.mkdir(exist_ok=True)
    _write_matrix(matrix, names, vectors)
    _write_table(table, names, vectors)
    product = Product(payload, kind, len(names), vectors.shape[1], moved)
    write_json(_path(project, payload, "json"), {
        "format": FORMAT, "payload": payload, "kind": kind, "rows": product.rows, "size": product.size,
        "key": version.key, "made": int(time.time()),
        "against_last": None if moved is None else {
            "names": moved.names, "neighbour_overlap": round(moved.overlap, 6), "distance": round(moved.distance, 6)},
    })
    for path in (matrix, table):
        dvc.add(project, project.shown(path))
    return product


def _told(about: dict[str, Any]) -> Drift | None:
    from ovt.quality.neighbours import Drift

    found = about.get("against_last")
    return Drift(found["names"], found["neighbour_overlap"], found["distance"]) if found else None


def _vectors(project: Project, model: OpenedModel, payload: str, kind: str) -> tuple[Sequence[str], Floats]:
    import numpy as np

    if kind == "entities":
        table = model.members(payload)
        return table.names, table.vectors
    if kind == "words":
        parts = model.words()
        names = next(iter(parts.values())).names
        return names, np.concatenate([parts[part].vectors for part in sorted(parts)], axis=1)
    from ovt.data.store import Store

    store = Store.open(project.build / "store")
    return store.ids.to_pylist(), model.represent(range(store.n))[payload].vectors


def _last(project: Project, payload: str) -> tuple[list[str], Floats] | None:
    from safetensors import safe_open

    path = _path(project, payload, "safetensors")
    if not path.is_file():
        return None
    with safe_open(str(path), framework="numpy") as file:
        return json.loads(file.metadata()["names"]), file.get_tensor("vectors")


def _write_matrix(path: Path, names: Sequence[str], vectors: Floats) -> None:
    """One metadata key, since the order of several would be random."""
    import numpy as np
    from safetensors.numpy import save

    from ovt.storage.files import write_bytes

    told = {"names": json.dumps(list(names), ensure_ascii=False)}
    write_bytes(path, save({"vectors": np.ascontiguousarray(vectors, np.float32)}, metadata=told))


def _write_table(path: Path, names: Sequence[str], vectors: Floats) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    from ovt.storage.files import write_bytes

    flat = pa.array(vectors.reshape(-1))
    rows = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    table = pa.table({"name": pa.array(list(names)), "vector": rows})
    out = io.BytesIO()
    pq.write_table(table, out)
    write_bytes(path, out.getvalue())


def _path(project: Project, payload: str, ending: str) -> Path:
    from ovt.storage.files import safe_name

    return project.root / FOLDER / f"{safe_name(payload)}.{ending}"
