"""Snorkel's label model with its defaults, for `label_models.py`; with gold of dev it is told the class balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol import VoteSet, serve
from snorkel.labeling.model import LabelModel

if TYPE_CHECKING:
    import numpy as np


def label_model(votes: VoteSet) -> np.ndarray:
    """Ratner et al. 2019."""
    model = LabelModel(cardinality=votes.k, verbose=False)
    matrix = votes.dense()
    balance = votes.balance()
    model.fit(matrix, class_balance=None if balance is None else list(balance), seed=0, progress_bar=False)
    return model.predict_proba(matrix)


if __name__ == "__main__":
    serve({"Snorkel": label_model})
