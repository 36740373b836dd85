"""Labeling functions that pick a candidate: return its position or its id, or abstain."""

from ovt import ABSTAIN, labeling_function

SPEAKS_OF = {"zoo": "animal", "tires": "car", "engine": "car", "sun": "planet", "metal": "element", "beaches": "island"}


@labeling_function(task="Meant")
def speaks_of(r):
    """The candidate whose kind a word of the sentence speaks of."""
    kinds = {SPEAKS_OF[token] for token in r.tokens if token in SPEAKS_OF}
    return next((at for at, member in enumerate(r.candidates or []) if member.kind in kinds), ABSTAIN)
