"""The train stage: labels, slices and the fixed values of the tuning lock to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.errors import ProjectError
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.settings import Train


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
    from ovt.training.defaults import default_values, measure
    from ovt.training.fit import fit, load_material
    from ovt.training.lock import locked_values, read_lock
    from ovt.training.model_files import save_model

    store = Store.open(project.build / "store")
    values = locked_values(read_lock(project.root), default_values(store.schema, measure(store)))
    material = load_material(project.build, store)
    unlabelled = sorted(set(store.schema.tasks) - set(material.targets))
    if unlabelled:
        progress.note(f"no train record has a label of {', '.join(f'`{task}`' for task in unlabelled)}: not learned")
    if material.gold is None:
        progress.note(f"no gold on dev: training runs {values.training.epochs} epochs and keeps the last")
    fitted = fit(material, values, settings.seed, progress)
    progress.update("train", "writing the model")
    save_model(out / "model", fitted)
    if fitted.outcome.score is not None:
        outcome = fitted.outcome
        progress.note(f"trained {outcome.epochs} epochs, kept epoch {outcome.best_epoch}: dev {outcome.score}")


def _check(settings: Train) -> None:
    if settings.init != "scratch":
        raise ProjectError("`train.init` cannot be kept", at=SETTINGS_FILE,
                           why=f"found {settings.init!r}; models start from scratch", fix="`train: {init: scratch}`")
    if settings.replicates != 1:
        raise ProjectError("`train.replicates` cannot be kept", at=SETTINGS_FILE,
                           why=f"found {settings.replicates}; one model is trained per version",
                           fix="`train: {replicates: 1}`")
    if settings.threads < 1:
        raise ProjectError("`train.threads` is no number of threads", at=SETTINGS_FILE, why=f"found {settings.threads}",
                           fix="`train: {threads: 1}`")
