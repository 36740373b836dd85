"""crowd-kit's aggregations with their defaults, for `label_models.py`."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene
from protocol import VoteSet, serve

METHODS = {"Dawid–Skene": DawidSkene, "one-coin": OneCoinDawidSkene, "GLAD": GLAD, "MACE": MACE}


def aggregate(method: str, votes: VoteSet) -> np.ndarray:
    """Fit it to all votes; crowd-kit predicts what it was fitted to."""
    frame = pd.DataFrame({"task": votes.items, "worker": votes.sources, "label": votes.labels})
    table = METHODS[method]().fit_predict_proba(frame)
    found = np.full((votes.n_items, votes.k), np.nan, np.float32)
    found[np.ix_(table.index.to_numpy(), table.columns.to_numpy().astype(int))] = table.to_numpy()
    spoken = ~np.isnan(found).all(axis=1)
    found[spoken] = np.nan_to_num(found[spoken])
    return found


if __name__ == "__main__":
    serve({name: partial(aggregate, name) for name in METHODS})
