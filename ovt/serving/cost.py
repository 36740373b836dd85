"""What serving a model costs: milliseconds of one record, JSON in to JSON out, on one thread, and megabytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ovt.training.tuning.cost import Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.store import Store
    from ovt.serving.model import Model
    from ovt.training.optimisation.fit import Fitted

MEGABYTE = 1_000_000
SAMPLE = 101
"""Records that are timed."""
WARM_UP = 20
HOW = "median of one record in this process, JSON to JSON, exported, one thread"


def exported_cost(fitted: Fitted, store: Store) -> Cost:
    """Export a network and measure it on records of a store; nothing is written, the weights do not matter."""
    from ovt.schema.spec import SPLITS
    from ovt.serving.bundle import model_in_memory
    from ovt.serving.export import to_onnx

    content = to_onnx(fitted.network, fitted.lexicon)
    model = model_in_memory(fitted.network, fitted.lexicon, content)
    rows = np.flatnonzero(store.splits != SPLITS.index("test"))
    rows = rows if len(rows) else np.arange(store.n)
    chosen = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)]
    return Cost(p50_ms(model, [record_line(store, row) for row in chosen.tolist()]), len(content) / MEGABYTE)


def record_line(store: Store, row: int) -> bytes:
    """A record of a store as a caller would send it: id and payloads that are not null, as JSON."""
    view = store.record(row)
    payloads = {name: plain_value(view[name]) for name in store.schema.payloads}
    given = {name: value for name, value in payloads.items() if value is not None}
    return msgspec.json.encode({"id": view.id, "payloads": given})


def plain_value(value: Any) -> Any:
    """A payload as JSON has it: members of a set as their fields, a vector as a list."""
    if isinstance(value, list | tuple):
        return [getattr(one, "fields", one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def p50_ms(model: Model, lines: Sequence[bytes]) -> float:
    """Median milliseconds of one record, each line once and alone, after some that do not count."""
    return interleaved_p50([model], lines)[0]


def interleaved_p50(models: Sequence[Model], lines: Sequence[bytes]) -> list[float]:
    """`p50_ms` of several models, record by record in turn, so that a busy machine slows them alike."""
    seconds = np.zeros((len(models), len(lines)))
    for line in [lines[place % len(lines)] for place in range(WARM_UP)]:
        for model in models:
            model.predict_json([line])
    for place, line in enumerate(lines):
        for number, model in enumerate(models):
            begun = time.perf_counter()
            model.predict_json([line])
            seconds[number, place] = time.perf_counter() - begun
    found: list[float] = (np.median(seconds, axis=1) * 1000).tolist()
    return found
