"""spaCy's default text classifier, trained for a moment, on one text at a time: JSON in, JSON out; for `serving.py`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import spacy
from spacy.training import Example

CLASSES = 8
WARM_UP = 100


def main() -> None:
    """Print the median microseconds of the records in the file that is named."""
    lines = Path(sys.argv[1]).read_bytes().splitlines()
    answer = classifier([json.loads(line)["payloads"]["query"] for line in lines[:200]])
    taken = []
    for line in [*lines[:WARM_UP], *lines]:
        begun = time.perf_counter()
        record = json.loads(line)
        found = answer(record["payloads"]["query"]).cats
        best = max(found, key=found.get)
        json.dumps({"id": record["id"], "tasks": {"Kind": {"label": best, "confidence": found[best]}}})
        taken.append((time.perf_counter() - begun) * 1e6)
    print(json.dumps({"p50_us": statistics.median(taken[WARM_UP:]), "version": spacy.__version__}))


def classifier(texts: list[str]) -> spacy.Language:
    """A pipeline with one component; a few steps of training, which change no time."""
    nlp = spacy.blank("en")
    component = nlp.add_pipe("textcat")
    for place in range(CLASSES):
        component.add_label(f"kind{place}")
    examples = [Example.from_dict(nlp.make_doc(text), {"cats": {f"kind{one}": float(one == place % CLASSES)
                                                               for one in range(CLASSES)}})
                for place, text in enumerate(texts)]
    nlp.initialize(lambda: examples)
    nlp.update(examples)
    return nlp


if __name__ == "__main__":
    main()
