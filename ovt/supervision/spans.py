"""BIO labels on tokens: which may follow which, and probabilities that respect it.

`I-X` may follow `B-X` or `I-X` only. Tokens are decided one by one by a label
model, so their probabilities can spell spans that cannot be. `valid_bio` gives
each token its marginal under the product of all tokens' probabilities restricted
to valid sequences (forward-backward), over all sequences at once, position by
position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ovt.supervision.label_models.ballots import Floats, Ints

LEAST = 1e-9
"""No label of a token is impossible on its own: a wrong certainty must not forbid all sequences."""


def predecessors(classes: Sequence[str]) -> NDArray[np.bool_]:
    """(k, k) whether class j (column) may follow class i (row)."""
    k = len(classes)
    allowed = np.ones((k, k), bool)
    for j, name in enumerate(classes):
        if name.startswith("I-"):
            allowed[:, j] = [before[:2] in {"B-", "I-"} and before[2:] == name[2:] for before in classes]
    return allowed


def may_start(classes: Sequence[str]) -> NDArray[np.bool_]:
    """(k,) whether a sequence may begin with the class."""
    return np.array([not name.startswith("I-") for name in classes])


def is_bio(classes: Sequence[str]) -> bool:
    """Whether there is an `O` and every other class is `B-…` or `I-…`."""
    return "O" in classes and all(name == "O" or name[:2] in {"B-", "I-"} for name in classes)


def _padded(probabilities: Floats, offsets: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """(sequences, longest, k) with ones beyond the end, and which cells are tokens."""
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    real = np.arange(longest)[None, :] < lengths[:, None]
    padded = np.ones((len(lengths), longest, probabilities.shape[1]))
    padded[real] = np.maximum(probabilities, LEAST)
    return padded, real


def valid_bio(probabilities: Floats, offsets: Ints, classes: Sequence[str]) -> Floats:
    """(tokens, k) marginals over valid sequences; offsets (s + 1,) cut the tokens into sequences."""
    if not len(probabilities):
        return probabilities
    emission, real = _padded(probabilities, offsets)
    allowed = predecessors(classes).astype(np.float64)
    steps = emission.shape[1]
    forward = emission.copy()
    forward[:, 0] *= may_start(classes)
    for at in range(steps):
        if at:
            forward[:, at] *= forward[:, at - 1] @ allowed
        forward[:, at] /= forward[:, at].sum(axis=1, keepdims=True)
    backward = np.ones_like(forward)
    for at in range(steps - 2, -1, -1):
        ahead = (backward[:, at + 1] * emission[:, at + 1]) @ allowed.T
        ahead = np.where(real[:, at + 1, None], ahead, 1.0)
        backward[:, at] = ahead / ahead.max(axis=1, keepdims=True)
    marginal = (forward * backward)[real]
    valid: Floats = marginal / marginal.sum(axis=1, keepdims=True)
    return valid
