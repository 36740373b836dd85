"""How long one prediction takes: one record, all tasks, this process, one thread.

The time runs from a row of the store to decoded answers; reading JSON,
tokenizing and loading the model are not in it. It is measured, never written
by a stage: a latency is a fact of a machine, not of a version.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.store import Store

WARM_UP = 10
HOW = "median of one record in this process, one thread, without loading"


def p50_ms(model: Path, store: Store, rows: NDArray[np.int64]) -> float:
    """Median milliseconds of predicting one record.

    Args:
        model: the folder that the train stage wrote.
        store: records that the model reads.
        rows: each is predicted once, alone, after `WARM_UP` that do not count; at least one.

    Raises:
        MissingError: there is no model.
    """
    from ovt.training.inference import infer
    from ovt.training.model_files import load_model
    from ovt.training.reader import Reader
    from ovt.training.threads import use_threads

    use_threads(1)
    network, lexicon = load_model(model)
    reader = Reader(store, lexicon)
    for row in np.resize(rows, WARM_UP):
        infer(network, reader, np.asarray([row], np.int64))
    seconds = np.zeros(len(rows))
    for number, row in enumerate(rows):
        begun = time.perf_counter()
        infer(network, reader, np.asarray([row], np.int64))
        seconds[number] = time.perf_counter() - begun
    return float(np.median(seconds) * 1000)
