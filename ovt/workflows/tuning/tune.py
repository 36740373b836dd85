"""`ovt tune`: search the choices of `tuning.yaml`; the result is an input of training like any other."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.training.tuning.lock import Lock, read_lock
from ovt.training.tuning.spec import SPEC_FILE, Spec, load_spec
from ovt.workflows.tuning.parents import keep_parent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.training.tuning.cost import Measurement
    from ovt.training.tuning.crew import Crew
    from ovt.training.tuning.search import Ground
    from ovt.training.tuning.trial import Bench

AT_ONCE = 2
"""Trials at once where nothing else is asked for and the machine has the cores."""
FEW_RECORDS = 1000
"""Train records below which a trial is over before a process for it has started."""
LOG = "tune/workers.log"


@dataclass(frozen=True)
class Effort:
    """What a search may take; None: what `tuning.yaml` says, or what the machine has."""

    trials: int | None = None
    minutes: float | None = None
    jobs: int | None = None
    """Trials at once."""


def tune(project: Project, progress: Progress, effort: Effort = Effort()) -> Lock:
    """Bring labels up to date, search, and write `tuning.lock.yaml`; the lock.

    Raises:
        MissingError: there is no `tuning.yaml`, or the model to start from is not here.
        ProjectError: nothing can be chosen, or no choice keeps the limits.
    """
    from ovt.storage.lock import project_lock
    from ovt.workflows.committing.staleness import bring_up_to_date

    if not (project.root / SPEC_FILE).is_file():
        raise MissingError("nothing to tune", at=str(project.root), fix="write the choices you want searched",
                           why="there is no tuning.yaml: the defaults are used")
    with project_lock(project, "ovt tune", progress.note):
        for name in ("compile", "label"):
            bring_up_to_date(project, name, progress)
        keep_parent(project, progress)
        return _search(project, progress, effort)


def _search(project: Project, progress: Progress, effort: Effort) -> Lock:
    from ovt.stages.cached_models import parent_folder
    from ovt.training.tuning.crew import OwnProcess, Processes
    from ovt.training.tuning.search import Budget
    from ovt.training.tuning.search import tune as search

    lock = read_lock(project.root)
    with parent_folder(project, lock.parent if lock else None) as parent:
        def hire() -> Crew:
            jobs = effort.jobs or _jobs(project)
            if jobs == 1:
                return OwnProcess(bench_maker(project, parent), progress)
            command = [sys.executable, "-m", "ovt.workflows.tuning.worker", str(project.root), str(parent or "")]
            return Processes(command, jobs, project.private / LOG, progress)

        budget = Budget(effort.trials, effort.minutes)
        return search(project, progress, lambda: _ground(project, lock, parent), hire, budget)


def bench_maker(project: Project, parent: Path | None) -> Callable[[], Bench]:
    """What makes the bench that trials are trained on: it reads the data, so it is asked as late as possible."""

    def make() -> Bench:
        from ovt.data.store import Store
        from ovt.training.threads import use_threads

        use_threads(project.settings.train.threads)
        from ovt.training.optimisation.fit import load_material
        from ovt.training.transfer.warm_start import Parent, WarmStart
        from ovt.training.tuning.trial import Bench

        spec = load_spec(project.root, project.schema)
        material = load_material(project.build, Store.open(project.build / "store"))
        known = Parent.load(parent) if parent is not None else None
        freeze = spec.freeze if spec else ()
        return Bench(material, _measurement(project, spec),
                     lambda: WarmStart(known, freeze) if known is not None else None)

    return make


def _measurement(project: Project, spec: Spec | None) -> Measurement | None:
    """How a model's cost is measured, where the spec limits it.

    Raises:
        MissingError: what exports a model is not installed.
    """
    if spec is None or not spec.search.limits:
        return None
    from ovt.data.store import Store

    try:
        from ovt.serving.cost import exported_cost
    except ImportError as error:
        raise MissingError("the cost of a model cannot be measured", at=SPEC_FILE, why=str(error),
                           fix="install what exports models", command="pip install onnx onnxruntime") from None
    store = Store.open(project.build / "store")
    return lambda fitted: exported_cost(fitted, store)


def _ground(project: Project, lock: Lock | None, parent: Path | None) -> Ground:
    from ovt.data.store import Store
    from ovt.training.tuning.defaults import default_values, measure
    from ovt.training.tuning.search import Ground

    start = default_values(project.schema, measure(Store.open(project.build / "store")))
    if parent is not None:
        from ovt.training.transfer.warm_start import Parent

        start = Parent.load(parent).shape(start)
    return Ground(start, lock.parent if lock else None)


def _jobs(project: Project) -> int:
    """As many trials at once as there are cores for, two at most: each holds the data in memory."""
    import numpy as np

    from ovt.data.store import Store
    from ovt.schema.spec import SPLITS

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    records = int(np.sum(Store.open(project.build / "store").splits == SPLITS.index("train")))
    if records < FEW_RECORDS:
        return 1
    return max(1, min(AT_ONCE, cores // project.settings.train.threads))
