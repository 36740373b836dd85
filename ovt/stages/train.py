"""The train stage: labels, slices and the fixed values of the tuning lock to a model.

With `train.replicates: k` it trains k networks that differ in their seed alone
(`train.seed`, and the k - 1 numbers after it), so that a comparison can tell
what a change did from what another seed would have done. The first of them is
the model; nothing about it depends on how many follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import ProjectError
from ovt.progress import Part
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.settings import Train
    from ovt.training.optimisation.fit import Fitted, Material
    from ovt.training.tuning.values import Values


def run(project: Project, out: Path, progress: Progress) -> None:
    """Write `model/` below `out`.

    Raises:
        ProjectError: nothing is labelled, or the settings ask for what this version does not do.
    """
    from ovt.training.threads import use_threads

    settings = project.settings.train
    _check(settings)
    progress.update("train", "loading torch")
    use_threads(settings.threads)

    from ovt.data.store import Store
    from ovt.training.model_files import save_model, save_replicate
    from ovt.training.optimisation.fit import load_material
    from ovt.training.tuning.defaults import default_values, measure
    from ovt.training.tuning.lock import locked_values, read_lock

    store = Store.open(project.build / "store")
    values = locked_values(read_lock(project.root), default_values(store.schema, measure(store)))
    material = load_material(project.build, store)
    unlabelled = sorted(set(store.schema.tasks) - set(material.targets))
    if unlabelled:
        progress.note(f"no train record has a label of {', '.join(f'`{task}`' for task in unlabelled)}: not learned")
    if material.gold is None:
        progress.note(f"no gold on dev: training runs {values.training.epochs} epochs and keeps the last")
    for number in range(settings.replicates):
        fitted = _one_seed(material, values, settings, number, progress)
        progress.update("train", "writing the model")
        if number == 0:
            save_model(out / "model", fitted)
        else:
            save_replicate(out / "model", number, fitted)


def _one_seed(material: Material, values: Values, settings: Train, number: int, progress: Progress) -> Fitted:
    """Train the network of one seed; which of how many is told where there are several."""
    from ovt.training.optimisation.fit import fit

    several = settings.replicates > 1
    which = f"seed {number + 1} of {settings.replicates}"
    listener = Part(progress, which, number, settings.replicates) if several else progress
    fitted = fit(material, values, settings.seed + number, listener)
    outcome = fitted.outcome
    if outcome.score is not None:
        told = f"trained {outcome.epochs} epochs, kept epoch {outcome.best_epoch}: dev {outcome.score}"
        progress.note(f"{which}: {told}" if several else told)
    return fitted


def _check(settings: Train) -> None:
    if settings.init != "scratch":
        raise ProjectError("`train.init` cannot be kept", at=SETTINGS_FILE,
                           why=f"found {settings.init!r}; models start from scratch", fix="`train: {init: scratch}`")
    if settings.replicates < 1:
        raise ProjectError("`train.replicates` is no number of networks", at=SETTINGS_FILE,
                           why=f"found {settings.replicates}", fix="`train: {replicates: 1}`")
    if settings.threads < 1:
        raise ProjectError("`train.threads` is no number of threads", at=SETTINGS_FILE, why=f"found {settings.threads}",
                           fix="`train: {threads: 1}`")
