"""The train stage: labels, slices and the fixed values of the tuning lock to a model.

With `train.replicates: k` it trains k networks that differ in their seed alone
(`train.seed`, and the k - 1 numbers after it), so that a comparison can tell
what a change did from what another seed would have done. The first of them is
the model; nothing about it depends on how many follow.

With variants in the tuning lock it trains each of them on the same data: the
first is the model, the others lie beside it in `model/variants/NAME/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError
from ovt.progress import Part
from ovt.settings import SETTINGS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.settings import Train
    from ovt.training.optimisation.checkpoint import Checkpoint
    from ovt.training.optimisation.distillation import Teacher
    from ovt.training.optimisation.fit import Fitted, Material
    from ovt.training.transfer.warm_start import Parent
    from ovt.training.tuning.lock import Lock
    from ovt.training.tuning.values import Values
    from ovt.training.tuning.variants import Variant


def run(project: Project, out: Path, progress: Progress) -> None:
    """Write `model/` below `out`.

    Raises:
        ProjectError: nothing is labelled, or the settings ask for what cannot be done.
        MissingError: training starts from a model that is not on this machine.
    """
    from ovt.training.threads import use_threads

    settings = project.settings.train
    _check(settings)
    progress.update("train", "loading torch")
    use_threads(settings.threads)

    from ovt.stages.cached_models import parent_folder
    from ovt.training.transfer.team import TRAIN, call
    from ovt.training.transfer.tools import tools
    from ovt.training.transfer.warm_start import Parent
    from ovt.training.tuning.lock import read_lock

    team = tools().team
    if team is not None and team.rank == 0:
        call(TRAIN)
    lock = read_lock(project.root)
    _check_start(settings, lock)
    with parent_folder(project, lock.parent if lock else None) as folder:
        parents = Parent.family(folder) if folder is not None else {}
    _Training.of(project, lock, parents, progress).write(out / "model")


@dataclass(frozen=True)
class _Training:
    """All that the stage's networks have in common."""

    project: Project
    material: Material
    defaults: Values
    lock: Lock | None
    parents: dict[str, Parent]
    """The models to start from: the parent version's own by the name "", its further variants by theirs."""
    progress: Progress

    @classmethod
    def of(cls, project: Project, lock: Lock | None, parents: dict[str, Parent], progress: Progress) -> _Training:
        from ovt.data.store import Store
        from ovt.training.optimisation.fit import load_material
        from ovt.training.tuning.defaults import default_values, measure

        store = Store.open(project.build / "store")
        training = cls(project, load_material(project.build, store), default_values(store.schema, measure(store)), lock,
                       parents, progress)
        _tell_gaps(training.material, training.values(None), progress)
        return training

    def is_served(self, variant: Variant | None) -> bool:
        """Whether it is the model itself: the first variant, or the only one."""
        return variant is None or (self.lock is not None and variant.name == self.lock.variants[0].name)

    def parent(self, variant: Variant | None) -> Parent | None:
        """What a variant starts from: the same variant of the parent version; None: from scratch."""
        name = "" if variant is None or self.is_served(variant) else variant.name
        if self.parents and name not in self.parents:
            self.progress.note(f"{name}: the parent version has no such variant, so it starts from scratch")
        return self.parents.get(name)

    def values(self, variant: Variant | None, parent: Parent | None = None) -> Values:
        """The values of a variant: the defaults, in the shape of what it starts from, then the lock's, then its own."""
        from ovt.training.tuning.lock import locked_values
        from ovt.training.tuning.values import overlay

        found = locked_values(self.lock, parent.shape(self.defaults) if parent is not None else self.defaults)
        return overlay(found, variant.values) if variant is not None else found

    def write(self, model: Path) -> None:
        """Train every variant and every seed, and write them."""
        from ovt.training.model_files import save_model, save_replicate, variant_folder
        from ovt.training.optimisation.checkpoint import FOLDER, clear

        variants = self.lock.variants if self.lock else ()
        done: dict[str, Fitted] = {}
        for number, variant in enumerate(variants or (None,)):
            teacher = self._teacher(variant, done) if variant else None
            for seed in range(self.project.settings.train.replicates if number == 0 else 1):
                fitted, more = self._train(variant, seed, teacher)
                self.progress.update("train", "writing the model")
                if seed:
                    save_replicate(model, seed, fitted)
                elif number and variant:
                    save_model(variant_folder(model, variant.name), fitted, more)
                else:
                    save_model(model, fitted, more)
                if variant and not seed:
                    done[variant.name] = fitted
        clear(self.project.private / FOLDER)

    def _train(self, variant: Variant | None, number: int, teacher: Teacher | None) -> tuple[Fitted, dict[str, Any]]:
        """Train one network; which of how many is told where there are several. Also what its configuration says."""
        from ovt.training.optimisation.fit import fit
        from ovt.training.optimisation.hooks import Hooks
        from ovt.training.transfer.tools import tools, watching
        from ovt.training.transfer.warm_start import WarmStart

        settings = self.project.settings.train
        which, listener = self._which(variant, number)
        parent = self.parent(variant)
        values = self.values(variant, parent)
        freeze = self.lock.freeze if self.lock else ()
        start = WarmStart(parent, freeze, self.progress) if parent is not None else None
        team = tools().team
        checkpoint = self._checkpoint(values, settings.seed + number, variant) if team is None else None
        with watching(f"{variant.name if variant else 'model'}-{number}") as watcher:
            hooks = Hooks(start, teacher, team, watcher, checkpoint)
            fitted = fit(self.material, values, settings.seed + number, listener, hooks=hooks)
        outcome = fitted.outcome
        if outcome.score is not None:
            told = f"trained {outcome.epochs} epochs, kept epoch {outcome.best_epoch}: dev {outcome.score}"
            self.progress.note(f"{which}: {told}" if which else told)
        for health in outcome.health:
            self.progress.note(f"{which}: {health}" if which else str(health))
        return fitted, self._about(variant, start)

    def _checkpoint(self, values: Values, seed: int, variant: Variant | None) -> Checkpoint:
        """Where this training goes on if it is killed; the lock says what it starts from and who teaches it."""
        from ovt.training.optimisation.checkpoint import FOLDER, Checkpoint

        more = f"{variant.name if variant else ''} {self.lock}"
        return Checkpoint(self.project.private / FOLDER, self.project.build, values, seed, more)

    def _which(self, variant: Variant | None, number: int) -> tuple[str, Progress]:
        replicates = self.project.settings.train.replicates
        seed = f"seed {number + 1} of {replicates}" if replicates > 1 and self.is_served(variant) else ""
        which = ", ".join(part for part in (variant.name if variant else "", seed) if part)
        if seed and variant is None:
            return which, Part(self.progress, which, number, replicates)
        return which, Part(self.progress, which, 0, 1) if which else self.progress

    def _about(self, variant: Variant | None, start: Any) -> dict[str, Any]:
        """What the model's configuration says beyond the usual; nothing of a plain model."""
        more: dict[str, Any] = {}
        if start is not None:
            taken = start.taken
            more["start"] = {"model": self.lock.parent if self.lock else None, "whole": len(taken.whole),
                             "by_name": taken.partly, "new": taken.fresh, "not_used": taken.left,
                             "freeze": sorted(start.freeze)}
        if variant is not None:
            more["variant"] = {"name": variant.name, "data": data_digest(self.project), "distill": variant.distill}
        return more

    def _teacher(self, variant: Variant, done: dict[str, Fitted]) -> Teacher | None:
        """What the variant learns from another one's answers on all train records, labelled or not."""
        if variant.distill is None:
            return None
        import numpy as np

        from ovt.schema.spec import SPLITS
        from ovt.training.inference import infer
        from ovt.training.optimisation.distillation import make_teacher
        from ovt.training.optimisation.fit import repeatable_torch
        from ovt.training.reader import Reader

        store, model = self.material.store, done[variant.distill]
        rows = np.flatnonzero(store.splits == SPLITS.index("train"))
        tasks = sorted(self.material.targets)
        self.progress.update("train", f"{variant.distill} answers {len(rows):,} train records for {variant.name}")
        with repeatable_torch(self.project.settings.train.seed):
            answers = infer(model.network, Reader(store, model.lexicon), rows, tasks=tasks)
        return make_teacher(store, answers, rows, temperature=variant.temperature, share=variant.share)


def data_digest(project: Project) -> str:
    """Of what the stage trains on: variants with the same one are of the same age."""
    from ovt.storage.fingerprint import fingerprint, md5_of

    parts = ("build/gold/dev", "build/labels", "build/slices", "build/store")
    return md5_of("\n".join(f"{part} {fingerprint(project, project.root / part)}" for part in parts).encode())


def _tell_gaps(material: Material, values: Values, progress: Progress) -> None:
    unlabelled = sorted(set(material.store.schema.tasks) - set(material.targets))
    if unlabelled:
        progress.note(f"no train record has a label of {', '.join(f'`{task}`' for task in unlabelled)}: not learned")
    if material.gold is None:
        progress.note(f"no gold on dev: training runs {values.training.epochs} epochs and keeps the last")


def _check(settings: Train) -> None:
    if settings.replicates < 1:
        raise ProjectError("`train.replicates` is no number of networks", at=SETTINGS_FILE,
                           why=f"found {settings.replicates}", fix="`train: {replicates: 1}`")
    if settings.threads < 1:
        raise ProjectError("`train.threads` is no number of threads", at=SETTINGS_FILE, why=f"found {settings.threads}",
                           fix="`train: {threads: 1}`")


def _check_start(settings: Train, lock: Lock | None) -> None:
    if settings.init != (lock.init if lock and lock.init else "scratch"):
        raise ProjectError(f"`train.init: {settings.init}` was not looked up", at="tuning.lock.yaml",
                           why="which model that is stands in the lock, and `ovt run` writes it there",
                           fix="run it once, and commit the lock", command="ovt run")
    if lock is not None and lock.freeze and lock.parent is None:
        raise ProjectError("nothing can be frozen", at="training.freeze", why="training starts from no earlier model",
                           fix="set `train: {init: parent}` in ovt.yaml, once there is a model to start from")
