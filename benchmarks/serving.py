"""Answering with an exported model: one record, JSON in to JSON out, and many, in this process on one thread.

    python benchmarks/serving.py [--environments DIR]

One schema: tokens, a query that aggregates them, one class of eight. A CNN and an LSTM of the usual size, and the CNN
with 300 slices, beside the same network in torch eager with the same JSON around it: the two take turns, forty records
at a time, as ratios on a busy machine must. The weights are random, which changes no time. spaCy's text classifier
(its default) answers the same texts in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring import THREADS, Row, save

os.environ.update(THREADS)

from ovt.documents import Document
from ovt.schema.parse import parse_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ovt.serving.model import Model

HERE = Path(__file__).resolve().parent
SCHEMA = {
    "payloads": {"tokens": {"type": "sequence", "max_length": 24}, "query": {"type": "singleton", "base": ["tokens"]}},
    "tasks": {"Kind": {"payload": "query", "type": "multiclass"}},
}
CLASSES, WORDS, RECORDS, BULK = 8, 5000, 2000, 40_000
TURN = 40
"""Records that a model answers before it is another's turn."""
MOST_US, SLICES_US, PER_SECOND = 300, 100, 20_000


@dataclass(frozen=True)
class Shape:
    """One network."""

    encoder: str
    size: int
    slices: int = 0


SHAPES = {
    "CNN": Shape("cnn", 128), "LSTM": Shape("lstm", 128), "CNN, 300 slices": Shape("cnn", 128, 300),
    "small CNN": Shape("cnn", 64),
}


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, help="where spaCy is installed, and found the next time")
    asked = parser.parse_args()
    lines = records(RECORDS)
    both = {name: made(shape) for name, shape in SHAPES.items()}
    rows = []
    found = {name: in_turns([*both[name], both["CNN"][0]], lines) for name in ("CNN", "LSTM", "CNN, 300 slices")}
    peer = spacy_us(asked.environments, lines)
    for name, (ours, eager, _) in found.items():
        rows += [
            Row(f"{name}: one record, p50", "torch eager, same JSON", p50(eager), p50(ours), "µs"),
            Row(f"{name}: one record, p99", "torch eager, same JSON", p99(eager), p99(ours), "µs"),
        ]
        if name != "CNN, 300 slices":  # of these, what they add must be little
            rows.append(Row(f"{name}: one record, p50, to reach", "to reach", MOST_US, p50(ours), "µs"))
        if peer is not None:
            rows.append(Row(f"{name}: one record, p50, beside spaCy", "spaCy textcat", peer, p50(ours), "µs"))
    sliced, _, plain = found["CNN, 300 slices"]
    rows.append(Row("what 300 slices add to one record, p50", "to reach", SLICES_US,
                    round(p50(sliced) - p50(plain), 1), "µs"))
    for name in ("small CNN", "CNN", "LSTM"):
        rows.append(Row(f"{name}: many records", "to reach" if name == "small CNN" else "–",
                        PER_SECOND if name == "small CNN" else None, throughput(both[name][0]), "records/CPU-s"))
    save("serving", "Answering with an exported model", rows, ("onnxruntime", "torch", "msgspec", "numpy"))


def records(count: int) -> list[bytes]:
    """Queries of 4 to 12 words; one word in ten is one that the model has not seen."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(count):
        words = [f"word{place}" for place in np.minimum(rng.zipf(1.3, rng.integers(4, 13)), 5500).tolist()]
        lines.append(json.dumps({"id": f"r{number}", "payloads": {"query": " ".join(words)}}).encode())
    return lines


def made(shape: Shape) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
    """A network exported, and as it is in torch: each answers one line."""
    from ovt.serving.bundle import model_in_memory
    from ovt.serving.export import to_onnx

    network, lexicon = untrained(shape)
    model = model_in_memory(network, lexicon, to_onnx(network, lexicon))
    return model, eager_twin(model, network)


def untrained(shape: Shape) -> tuple[Any, Any]:
    """A network with random weights, and its lexicon."""
    import torch

    from ovt.training.features import WordFeatures
    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Blueprint, Network
    from ovt.training.tuning.values import PayloadValues, Values, WordValues

    torch.set_num_threads(1)
    torch.manual_seed(0)
    schema = parse_schema(Document("schema.json", SCHEMA))
    chosen = PayloadValues(encoder=shape.encoder, size=shape.size, aggregation="max")
    words = WordValues(size=min(100, shape.size), buckets=8192)
    values = Values(payloads=dict.fromkeys(schema.payloads, chosen), words=words)
    lexicon = Lexicon(WordFeatures(tuple(f"word{place}" for place in range(WORDS)), 8192), {}, {})
    network = Network(Blueprint(
        schema=schema, classes={"Kind": tuple(f"kind{place}" for place in range(CLASSES))},
        slices=tuple(f"slice{place}" for place in range(shape.slices)), values=values, words=WORDS, names={},
    )).eval()
    return network, lexicon


def eager_twin(model: Model, network: Any) -> Model:
    """The same model with the network in torch eager in the place of the exported one."""
    import torch

    from ovt.serving.export import Served
    from ovt.serving.model import Model as Loaded

    module = Served(network, list(model.session.inputs)).eval()
    names = module.outputs()

    def run(arrays: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            found = module(*(torch.from_numpy(arrays[name]) for name in module.names))
        return {name: tensor.numpy() for name, tensor in zip(names, found, strict=True)}

    return Loaded(model.parts, run, {}, {})


def in_turns(models: Sequence[Model], lines: Sequence[bytes]) -> list[np.ndarray]:
    """Microseconds of each record for each model, in turns; the first two turns do not count."""
    taken = np.zeros((len(models), len(lines)))
    for start in [0, TURN, *range(0, len(lines), TURN)]:
        for number, model in enumerate(models):
            model.predict_json([lines[start]])  # what the turn of another pushed out of the caches comes back
            for place, line in enumerate(lines[start:start + TURN], start):
                begun = time.perf_counter()
                model.predict_json([line])
                taken[number, place] = (time.perf_counter() - begun) * 1e6
    return list(taken)


def p50(taken: np.ndarray) -> float:
    """Median, µs."""
    return round(float(np.median(taken)), 1)


def p99(taken: np.ndarray) -> float:
    """Of a hundred, the slowest but one, µs."""
    return round(float(np.percentile(taken, 99)), 1)


def throughput(model: Model) -> float:
    """Records per CPU second of this process, in chunks as `ovt predict` makes them."""
    lines = records(2048)
    model.predict_json(lines)
    rounds = BULK // len(lines)
    best = []
    for _ in range(3):
        begun = time.process_time()
        for _ in range(rounds):
            model.predict_json(lines)
        best.append(rounds * len(lines) / (time.process_time() - begun))
    return round(max(best))


def spacy_us(environments: Path | None, lines: Sequence[bytes]) -> float | None:
    """Median microseconds of spaCy's text classifier on the same texts; None where it cannot be installed."""
    from label_models import environment

    with tempfile.TemporaryDirectory(prefix="ovt-serving-") as scratch:
        texts = Path(scratch, "records.jsonl")
        texts.write_bytes(b"\n".join(lines))
        try:
            python = environment(environments or Path(scratch, "environments"), "spacy")
        except subprocess.CalledProcessError:
            return None
        done = subprocess.run([str(python), str(HERE / "peers" / "run_spacy.py"), str(texts)], check=False,
                              capture_output=True, env={**os.environ, **THREADS})
        if done.returncode:
            sys.stderr.buffer.write(done.stderr)
            return None
        return round(float(json.loads(done.stdout)["p50_us"]), 1)


if __name__ == "__main__":
    main()
