"""What slices give: forms on planted rare slices beside the reweight-only control, and the cost of 300 at inference.

    python benchmarks/slices.py [--seeds 2] [--only quality|latency] [--encoder lstm]

Twenty slices of 1 % each with noisy tags (see `planted.py`), compiled and
labelled by ovt's own stages, trained with ovt's default hyperparameters. Truth
is what was planted, not the tags. The control weighs members of slices four
times and has no experts. `sram` with τ = 1 is slice-based learning as published
(Chen et al. 2019), extended to more than two classes.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from measuring import THREADS, Row, save

os.environ |= THREADS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from planted import Plan, Planted, plant

from ovt.data.store import Store
from ovt.progress import Silent
from ovt.project import Project

PLAN = Plan(records=(6000, 1500, 8000))
FORMS: dict[str, dict[str, object]] = {
    "none": {"form": "none"}, "reweight only": {"form": "none", "weight": 4.0},
    "lowrank": {"form": "lowrank"}, "logit": {"form": "logit"},
    "sram, τ = 1": {"form": "sram", "temperature": 1.0}, "sram, τ learned": {"form": "sram"},
}
SIZE, SLICES = 256, 300
RUNS = 3000


@dataclass(frozen=True)
class Quality:
    """Accuracy on test, in percent."""

    slices: float
    """Mean over slices."""
    outside: float
    """Of the records in no slice."""
    seconds: float
    """CPU, of training."""


def main() -> None:
    """Measure what was asked for, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", choices=("quality", "latency"))
    parser.add_argument("--encoder", default="lstm", help="bag is the fastest to train (a third of the time)")
    asked = parser.parse_args()
    rows: list[Row] = []
    if asked.only != "quality":
        rows.extend(latency())
    if asked.only != "latency":
        rows.extend(quality(asked.seeds, asked.encoder))
    save("slices", "Slices", rows, ["numpy", "onnxruntime", "torch"])


def quality(seeds: int, encoder: str) -> list[Row]:
    """Two rows per form: slice mean (with each seed's figure) and accuracy outside, beside `none`."""
    found: dict[str, list[Quality]] = {form: [] for form in FORMS}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            truth = plant(PLAN, seed, Path(folder) / "project")
            project = _compiled(Project(Path(folder) / "project"))
            for form, changes in FORMS.items():
                one = measure(project, truth, {"slices": changes, "payloads": {"tokens": {"encoder": encoder}}}, seed)
                found[form].append(one)
                print(f"seed {seed} · {form}: slices {one.slices:.1f} %, outside {one.outside:.1f} %, "
                      f"{one.seconds:.0f} CPU-s", flush=True)
    rows = []
    for form, each in found.items():
        listed = ", ".join(f"{one.slices:.1f}" for one in each)
        rows.append(Row(f"{form}: mean accuracy of 20 slices of 1 % ({encoder}, seeds {listed})", "none",
                        _mean([one.slices for one in found["none"]]), _mean([one.slices for one in each]), "%"))
        rows.append(Row(f"{form}: accuracy outside ({encoder})", "none", _mean([one.outside for one in found["none"]]),
                        _mean([one.outside for one in each]), "%"))
    return rows


def measure(project: Project, truth: Planted, changes: dict[str, dict[str, object]], seed: int) -> Quality:
    """Train with the default values but for some changes, and score it on test."""
    from ovt.training.inference import infer
    from ovt.training.optimisation.fit import fit, load_material
    from ovt.training.reader import Reader
    from ovt.training.threads import use_threads
    from ovt.training.tuning.defaults import default_values
    from ovt.training.tuning.defaults import measure as measured
    from ovt.training.tuning.values import overlay

    use_threads(1)
    store = Store.open(project.build / "store")
    values = overlay(default_values(store.schema, measured(store)), changes)
    start = time.process_time()
    fitted = fit(load_material(project.build, store), values, seed, Silent())
    seconds = time.process_time() - start
    rows = np.flatnonzero(store.splits == 2)
    numbers = np.array([int(name[1:]) for name in store.ids.to_pylist()])[rows]
    found = infer(fitted.network, Reader(store, fitted.lexicon), rows)["Kind"].decoded
    right = np.array([int(name[1:]) for name in store.classes["Kind"]])[found] == truth.answer[numbers]
    member = truth.slice[numbers]
    slices = [float(right[member == number].mean()) for number in range(PLAN.slices)]
    return Quality(100 * float(np.mean(slices)), 100 * float(right[member < 0].mean()), seconds)


def latency() -> list[Row]:
    """A row per rank: the layer of 300 slices, one record, ONNX Runtime on one thread; the default rank first."""
    from ovt.training.network.slice_forms import expert_rank
    from ovt.training.tuning.values import SliceValues

    default = expert_rank(SliceValues().rank, SLICES)
    rows = []
    for rank in (default, *sorted({1, 4} - {default})):
        told = ", the default for so many" if rank == default else ""
        what = f"300 slices, H = 256, batch 1, one thread: rank {rank}{told}"
        rows.append(Row(what, "bar", 100.0, round(1e6 * _median_seconds(rank), 1), "µs (median)"))
    return rows


def _median_seconds(rank: int) -> float:
    import onnxruntime
    import torch
    from torch import Tensor, nn

    from ovt.training.network.payloads import Representation
    from ovt.training.network.slices import LowRank, SliceShape

    class Layer(nn.Module):
        """The slice layer alone."""

        def __init__(self) -> None:
            super().__init__()
            self.slices = LowRank(SliceShape(SIZE, SLICES, {"Kind": ("multiclass", 8)}, rank, 0.0))
            nn.init.normal_(self.slices.out)

        def forward(self, z: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            """(B, 1, size), (B, 1)."""
            found = self.slices(Representation(z, mask))
            return found.elements["Kind"], found.membership

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/slices.onnx"
        example = (torch.randn(3, 1, SIZE), torch.ones(3, 1, dtype=torch.bool))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter that bundles are made with is an older one, and says so
            torch.onnx.export(Layer().eval(), example, path, dynamo=False, verbose=False,
                              dynamic_axes={"z": {0: "batch"}, "mask": {0: "batch"}}, input_names=["z", "mask"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {"z": np.random.default_rng(0).standard_normal((1, 1, SIZE), np.float32), "mask": np.ones((1, 1), bool)}
    inputs = {place.name: inputs[place.name] for place in session.get_inputs()}
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def _compiled(project: Project) -> Project:
    for name in ("compile", "label"):
        out = project.root / "out"
        importlib.import_module(f"ovt.stages.{name}").run(project, out, Silent())
        shutil.copytree(out, project.root, dirs_exist_ok=True)
        shutil.rmtree(out)
    return project


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 1)


if __name__ == "__main__":
    main()
