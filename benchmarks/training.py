"""How fast ovt trains: beside a loop written by hand for the same network, and what a run costs besides its steps.

    python benchmarks/training.py [--environments DIR] [PART…]

Parts: loops batches fixed snorkel; all of them if none is named, and the figures of the others are kept.
The data is the factoid template's (5,200 train records, four tasks, three payloads); one thread, CPU seconds, the best
of several rounds. ovt's loop and the hand-written one take turns in one process, as ratios of two things measured on a
busy machine must. Snorkel trains a network of its own environment, beside a hand-written loop of that one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from label_models import environment
from measuring import THREADS, Row, kept, repeat_command, save
from startup import IDENTITY, tool

if TYPE_CHECKING:
    from torch import Tensor

    from ovt.schema.spec import Task
    from ovt.training.network.network import Network
    from ovt.training.optimisation.fit import Material
    from ovt.training.optimisation.lesson import Lesson
    from ovt.training.tuning.values import Values

HERE = Path(__file__).resolve().parent
BATCH, EPOCHS, ROUNDS, STARTS = 256, 2, 5, 3
NO_SLOWER, FIXED_SECONDS, RECORDS_A_SECOND = 0.9, 1.0, 1_000_000
FIXED = """
import sys, time
from pathlib import Path
import torch, pyarrow, safetensors.torch
from ovt.project import Project
from ovt.progress import Silent
from ovt.stages import train
import ovt.training.model_files, ovt.training.optimisation.fit, ovt.training.tuning.lock
from ovt.training.threads import use_threads
use_threads(1)
project = Project.find(Path.cwd())
began = time.process_time()
train.run(project, Path(sys.argv[1]), Silent())
print(time.process_time() - began)
"""


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--environments", type=Path, help="where the peers are installed, and found the next time")
    asked = parser.parse_args()
    os.environ.update(THREADS)
    with tempfile.TemporaryDirectory(prefix="ovt-training-") as folder:
        root = Path(folder) / "factoid"
        repeat_command([tool("ovt"), "init", str(root), "--template", "factoid"], Path(folder), 1, IDENTITY)
        repeat_command([tool("ovt"), "run", "compile", "label"], root, 1, IDENTITY)
        parts = {
            "loops": lambda: loops(root), "batches": lambda: [batches(root)],
            "fixed": lambda: [fixed_cost(root, Path(folder))],
            "snorkel": lambda: snorkel(asked.environments or Path(folder) / "environments"),
        }
        fresh = [row for part in asked.parts or parts for row in parts[part]()]
    named = {row.what for row in fresh}
    others = [row for row in kept("training") if row.what not in named]
    save("training", "Training", [*fresh, *others], ["ovt", "torch"])


def loops(root: Path) -> list[Row]:
    """Ovt's loop as a share of the hand-written one, for two encoders."""
    import torch

    torch.set_num_threads(1)
    rows = []
    for encoder in ("cnn", "lstm"):
        ours, theirs = speeds(root, encoder)
        rows += [Row(f"{encoder}, batch {BATCH}: share of the hand-written loop's speed", "bar", NO_SLOWER,
                     round(ours / theirs, 3), "×"),
                 Row(f"{encoder}, batch {BATCH}: records trained on", f"hand-written loop: {round(theirs):,}", None,
                     round(ours), "per CPU s")]
    return rows


def speeds(root: Path, encoder: str) -> tuple[float, float]:
    """Records per CPU second of ovt's loop and of the hand-written one."""
    from ovt.progress import Silent
    from ovt.training.optimisation.fit import repeatable_torch
    from ovt.training.optimisation.loop import train

    material, values = _material(root, encoder)
    ours, theirs = 0.0, 0.0
    for _ in range(ROUNDS):
        with repeatable_torch(0):
            network, lesson = _lesson(material, values)
            began = time.process_time()
            train(network, lesson, 0, Silent())
            ours = max(ours, EPOCHS * len(lesson.rows) / (time.process_time() - began))
            network, lesson = _lesson(material, values)
            theirs = max(theirs, EPOCHS * len(lesson.rows) / by_hand(network, lesson))
    return ours, theirs


def by_hand(network: Network, lesson: Lesson) -> float:
    """CPU seconds of a loop that knows this network alone; its tensors are made before the clock starts."""
    import torch

    from ovt.training.network.network import to_tensors
    from ovt.training.optimisation.batches import shuffled_batches

    reader, tasks = lesson.reader, network.blueprint.schema.tasks
    found = shuffled_batches(lesson.rows, reader.lengths(lesson.rows), BATCH, np.random.default_rng(0))
    prepared = []
    for rows in found:
        targets = {task: index.read(rows) for task, index in lesson.targets.items()}
        labels = {task: [torch.from_numpy(part) for part in (t.places, t.probabilities, t.weights)]
                  for task, t in targets.items()}
        prepared.append((to_tensors(reader.read(rows)), labels))
    network.train()
    tables = [module.weight for module in network.modules() if getattr(module, "sparse", False)]
    rest = [found for found in network.parameters() if all(found is not table for table in tables)]
    optimizers = [torch.optim.AdamW(rest, lr=1e-3), torch.optim.SparseAdam(tables, lr=1e-3)]
    began = time.process_time()
    for _ in range(EPOCHS):
        random.Random(0).shuffle(prepared)
        for inputs, labels in prepared:
            _by_hand_loss(network(inputs).logits, labels, inputs, tasks).backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    return time.process_time() - began


def _by_hand_loss(
    logits: dict[str, Tensor], labels: dict[str, list[Tensor]], inputs: dict[str, Tensor], tasks: dict[str, Task],
) -> Tensor:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

    total = torch.zeros(())
    for task, (places, targets, weights) in labels.items():
        found = logits[task]
        if tasks[task].type == "select":
            count = inputs[f"{tasks[task].payload}/count"]
            found = found.masked_fill(torch.arange(found.shape[1]) >= count.unsqueeze(1), -1e4)
        found = found.flatten(0, -2)[places][:, :targets.shape[1]]
        if tasks[task].type == "bitvector":
            losses = binary_cross_entropy_with_logits(found, targets, reduction="none").sum(1)
        else:
            losses = cross_entropy(found, targets, reduction="none")
        total = total + (losses * weights).sum() / weights.sum()
    return total


def batches(root: Path) -> Row:
    """Records per CPU second that the reader makes tensors' arrays of: ten epochs, shuffled."""
    from ovt.training.optimisation.batches import shuffled_batches
    from ovt.training.reader import Reader

    material, values = _material(root, "lstm")
    from ovt.training.lexicon import build_lexicon

    best, rows, epochs = 0.0, material.rows, 10
    lexicon = build_lexicon(material.store, values.words)
    for _ in range(ROUNDS):
        reader = Reader(material.store, lexicon)
        began = time.process_time()
        for epoch in range(epochs):
            for chosen in shuffled_batches(rows, reader.lengths(rows), BATCH, np.random.default_rng(epoch)):
                reader.read(chosen)
        best = max(best, epochs * len(rows) / (time.process_time() - began))
    return Row(f"batches from the store, shuffled, {BATCH}: records", "bar", RECORDS_A_SECOND, round(best), "per CPU s")


def fixed_cost(root: Path, folder: Path) -> Row:
    """CPU seconds of a run that are not epochs: the run with one, less what a second one adds."""
    spent = {epochs: min(_stage_seconds(root, folder, epochs) for _ in range(STARTS)) for epochs in (1, 2)}
    seconds = max(0.0, 2 * spent[1] - spent[2])
    return Row("fixed cost of a training run, imports apart", "bar", FIXED_SECONDS, round(seconds, 2), "s CPU")


def _stage_seconds(root: Path, folder: Path, epochs: int) -> float:
    lock = {"answers": "", "values": {"training": {"batch": BATCH, "epochs": epochs}}}
    (root / "tuning.lock.yaml").write_text(json.dumps(lock), encoding="utf-8")
    out = Path(tempfile.mkdtemp(dir=folder))
    done = subprocess.run([sys.executable, "-c", FIXED, str(out)], cwd=root, env={**os.environ, **THREADS},
                          capture_output=True, text=True, check=True)
    return float(done.stdout)


def snorkel(environments: Path) -> list[Row]:
    """Snorkel's two classifiers as a share of a hand-written loop of the same network, in Snorkel's environment."""
    python = environment(environments, "snorkel")
    command = [str(python), str(HERE / "peers" / "run_snorkel_training.py"), "5120", "2", str(ROUNDS)]
    done = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        Row(f"Snorkel {what}, {kind}: share of its hand-written loop's speed", "its hand-written loop is 1", None,
            round(found[f"{what} {kind}"] / found[f"hand-written {kind}"], 3), "×")
        for kind in ("cnn", "lstm") for what in ("multitask", "slice-aware")
    ]


def _material(root: Path, encoder: str) -> tuple[Material, Values]:
    """What the train stage would have, and the default values with one encoder, a batch of 256 and no dev."""
    import dataclasses

    from ovt.data.store import Store
    from ovt.training.optimisation.fit import load_material
    from ovt.training.tuning.defaults import default_values, measure
    from ovt.training.tuning.values import overlay

    material = load_material(root / "build", Store.open(root / "build" / "store"))
    values = default_values(material.store.schema, measure(material.store))
    changes = {"payloads": {name: {"encoder": encoder} for name in values.payloads},
               "training": {"batch": BATCH, "epochs": EPOCHS}}
    alone = dataclasses.replace(material, gold=None, slices=(), members=material.members[:, :0])
    return alone, overlay(values, changes)


def _lesson(material: Material, values: Values) -> tuple[Network, Lesson]:
    from ovt.training.lexicon import build_lexicon
    from ovt.training.network.network import Network
    from ovt.training.optimisation.fit import blueprint
    from ovt.training.optimisation.lesson import Lesson
    from ovt.training.optimisation.targets import TargetIndex
    from ovt.training.reader import Reader

    lexicon = build_lexicon(material.store, values.words)
    targets = {task: TargetIndex(material.store, task, found) for task, found in material.targets.items()}
    lesson = Lesson(Reader(material.store, lexicon), material.rows, targets, material.members, None)
    return Network(blueprint(material, values, lexicon)), lesson


if __name__ == "__main__":
    main()
