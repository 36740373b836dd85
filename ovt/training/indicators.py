"""How well the model knows which slice a record is in: its membership indicators against the slices themselves.

An indicator that never fires makes its slice's expert dead weight; in the
authors' own notebook of slice-based learning 6 of 16 had F1 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ovt.training.memberships import membership_logits
from ovt.training.model_files import load_model
from ovt.training.reader import Reader
from ovt.training.threads import use_threads

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ovt.data.store import Store
    from ovt.slicing.membership import Membership


@dataclass(frozen=True)
class IndicatorScore:
    """One slice's indicator on one payload."""

    slice: str
    payload: str
    n: int
    """Records of the slice among those looked at."""
    fired: int
    """Records that the indicator takes for members (probability above one half)."""
    precision: float
    recall: float
    f1: float
    scale: float = 1.0
    """How far its expert may be opened: 0 if it is shut (see `ovt.training.optimisation.gates`)."""


def indicator_scores(
    model: Path, store: Store, membership: Membership, rows: NDArray[np.int64],
) -> list[IndicatorScore]:
    """Score every indicator on some rows; none where the model has no slice experts.

    Args:
        model: the folder that the train stage wrote.
        store: the records.
        membership: who is in which slice; slices that the model does not know are left out.
        rows: the records to look at, dev as a rule.
    """
    use_threads(1)
    network, lexicon = load_model(model)
    known = [(code, name) for code, name in enumerate(network.blueprint.slices) if name in membership.names]
    if not len(network.slices) or not known:
        return []
    found = membership_logits(network, Reader(store, lexicon, network.blueprint.schema), rows)
    scales = {payload: layer.scale.tolist() for payload in found if (layer := network.slice_layer(payload)) is not None}
    return [replace(_score(name, payload, membership.column(name)[rows], logits[:, code] > 0),
                    scale=scales[payload][code])
            for code, name in known for payload, logits in sorted(found.items())]


def _score(name: str, payload: str, inside: NDArray[np.bool_], fired: NDArray[np.bool_]) -> IndicatorScore:
    n, said, right = int(inside.sum()), int(fired.sum()), int((inside & fired).sum())
    return IndicatorScore(name, payload, n, said, right / said if said else 0.0, right / n if n else 0.0,
                          2 * right / (n + said) if n + said else 0.0)
