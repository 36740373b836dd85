"""skweak's sequence models with their defaults, for `label_models.py`. They say spans, not probabilities."""

from __future__ import annotations

from functools import partial

import numpy as np
import spacy
from protocol import VoteSet, one_hot, serve
from skweak.generative import HMM, NaiveBayes
from spacy.tokens import Doc, Span

METHODS = {"skweak HMM": HMM, "skweak NB": NaiveBayes}
NAME = "found"


def aggregate(method: str, votes: VoteSet) -> np.ndarray:
    """Fit it to all sequences, and read its spans."""
    types = sorted({name[2:] for name in votes.classes if name != "O"})
    documents = _documents(votes)
    model = METHODS[method](NAME, types)
    spoken = list(model.fit_and_aggregate(documents))
    labels = np.full(votes.n_items, votes.classes.index("O"), np.int64)
    for start, document in zip(votes.sequences[:-1], spoken, strict=True):
        for span in document.spans.get(NAME, ()):
            labels[start + span.start] = votes.classes.index(f"B-{span.label_}")
            labels[start + span.start + 1:start + span.end] = votes.classes.index(f"I-{span.label_}")
    return one_hot(labels, votes.k)


def _documents(votes: VoteSet) -> list[Doc]:
    vocab = spacy.blank("en").vocab
    matrix = votes.dense()
    documents = []
    for start, stop in zip(votes.sequences[:-1], votes.sequences[1:], strict=True):
        document = Doc(vocab, words=["x"] * int(stop - start))
        for source in range(votes.n_sources):
            document.spans[f"source_{source}"] = _spans(document, matrix[start:stop, source], votes.classes)
        documents.append(document)
    return documents


def _spans(document: Doc, labels: np.ndarray, classes: list[str]) -> list[Span]:
    found, begun = [], None
    for position, name in enumerate([*(classes[label] if label >= 0 else "O" for label in labels), "O"]):
        if begun is not None and name != f"I-{classes[labels[begun]][2:]}":
            found.append(Span(document, begun, position, label=classes[labels[begun]][2:]))
            begun = None
        if begun is None and name != "O":
            begun = position
    return found


if __name__ == "__main__":
    serve({name: partial(aggregate, name) for name in METHODS})
