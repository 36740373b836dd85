"""`ovt tune`: which of the choices in `tuning.yaml` is best on dev.

Optuna proposes, a trial trains as the train stage would, poor ones are stopped
early. The journal lies in `.ovt/tune`, so that a killed search goes on where
it was, and trials of other questions or other data are never mixed in.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.errors import MissingError, ProjectError
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.lock import Lock, read_lock, write_lock
from ovt.training.tuning.spec import SPEC_FILE, KeyPath, Spec, load_spec, nested
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from pathlib import Path

    import optuna

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.training.optimisation.fit import Material
    from ovt.training.optimisation.scores import DevScore

WATCHED_EPOCHS = 2
"""Epochs before a trial may be stopped for being worse than the others."""
WATCHED_TRIALS = 3


def tune(project: Project, progress: Progress, trials: int | None = None, minutes: float | None = None) -> Lock:
    """Search the choices of `tuning.yaml` and write `tuning.lock.yaml`.

    Args:
        project: compiled and labelled.
        progress: hears about every trial.
        trials: how many in all, those of an earlier search included; None: what the spec says.
        minutes: how long; None: what the spec says.

    Raises:
        MissingError: no spec, or labels were not made yet.
        ProjectError: there are choices, and no gold on dev to choose by.
    """
    spec = load_spec(project.root, project.schema)
    if spec is None:
        raise MissingError("there is nothing to search", at=SPEC_FILE, fix=f"write a {SPEC_FILE} with choices",
                           why=f"the project has no {SPEC_FILE}, so defaults are used")
    lock = Lock(answers=spec.digest(project.schema), values=nested(spec.pins), seed=project.settings.train.seed)
    if spec.choices:
        search = _Search(project, spec, progress)
        values, score = search.run(trials or spec.search.trials, minutes or spec.search.minutes)
        lock = msgspec.structs.replace(lock, values=msgspec.to_builtins(values), score=round(score, 6))
    write_lock(project.root, lock)
    return lock


class _Search:
    """One question, its journal, and the material to answer it with."""

    def __init__(self, project: Project, spec: Spec, progress: Progress) -> None:
        self.project, self.spec, self.progress = project, spec, progress
        self.seed = project.settings.train.seed
        self.material = _material(project)
        self.start = overlay(default_values(project.schema, measure(self.material.store)), nested(spec.pins))
        self.best = -1.0

    def run(self, trials: int, minutes: float) -> tuple[Values, float]:
        """Search, and give the best values with their score."""
        import optuna

        study = self._study()
        complete = [found for found in study.get_trials(deepcopy=False) if found.state.is_finished()]
        if not complete:
            for guess in self._first_guesses():
                study.enqueue_trial(guess, skip_if_exists=True)
        left = trials - len(complete)
        if left > 0:
            study.optimize(lambda trial: self._objective(trial, trials), n_trials=left, timeout=minutes * 60)
        done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        best = min(done, key=lambda found: (-(found.value or 0.0), found.number))
        tried = len(study.get_trials(deepcopy=False))
        self.progress.note(f"tuned: the best of {tried} trials scores {best.value:.4f} on dev")
        return self._values(best.params), float(best.value or 0.0)

    def _study(self) -> optuna.Study:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder = self.project.private / "tune"
        folder.mkdir(parents=True, exist_ok=True)
        question = f"{self.spec.digest(self.project.schema)}-{_data_digest(self.project.build)}-{self.seed}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
        study = optuna.create_study(storage=storage, study_name=question, direction="maximize", load_if_exists=True)
        # Another seed after a resumption: the same one would propose the same trials again.
        seed = self.seed + len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=4)
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=WATCHED_TRIALS, n_warmup_steps=WATCHED_EPOCHS)
        return study

    def _first_guesses(self) -> list[dict[str, Any]]:
        """The defaults (or the nearest that is offered), and what the last search chose."""
        previous = read_lock(self.project.root)
        sources = [msgspec.to_builtins(self.start), previous.values if previous else {}]
        guesses = []
        for values in sources:
            found = {path: _at(values, path) for path in self.spec.choices}
            guess = {_label(path): value for path, value in found.items() if value in self.spec.choices[path]}
            guesses.extend([guess] if guess else [])
        return guesses

    def _objective(self, trial: optuna.Trial, trials: int) -> float:
        import optuna

        from ovt.training.optimisation.fit import fit

        choices = {_label(path): options for path, options in self.spec.choices.items()}
        params = {label: trial.suggest_categorical(label, options) for label, options in choices.items()}
        told = " · ".join(f"{label.split('.', 1)[1]} {value}" for label, value in params.items())

        def hear(epoch: int, score: DevScore) -> None:
            trial.report(score.criterion, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        listener = _TrialProgress(self.progress, f"trial {trial.number + 1}/{trials} · {told}")
        fitted = fit(self.material, self._values(params), self.seed, listener, hear)
        if fitted.outcome.score is None:
            raise optuna.TrialPruned
        self.progress.note(f"trial {trial.number + 1}: {fitted.outcome.score.criterion:.4f} · {told}")
        return fitted.outcome.score.criterion

    def _values(self, params: dict[str, Any]) -> Values:
        return overlay(self.start, nested({path: params[_label(path)] for path in self.spec.choices}))


class _TrialProgress:
    """Puts the trial before what its training tells."""

    def __init__(self, inner: Progress, prefix: str) -> None:
        self.inner, self.prefix = inner, prefix

    def update(self, stage: str, message: str, done: float | None = None, total: float | None = None) -> None:
        """Pass it on as the line of `tune`."""
        del stage
        self.inner.update("tune", f"{self.prefix} · {message}", done, total)

    def note(self, text: str) -> None:
        """Pass it on."""
        self.inner.note(text)


def _material(project: Project) -> Material:
    if not (project.build / "labels").is_dir():
        raise MissingError("labels were not made yet", at="build/labels", why="a search trains on them",
                           fix="run the stages before training", command="ovt run label")
    from ovt.data.store import Store
    from ovt.training.threads import use_threads

    use_threads(project.settings.train.threads)
    from ovt.training.optimisation.fit import load_material

    found = load_material(project.build, Store.open(project.build / "store"))
    if found.gold is None:
        raise ProjectError("there is nothing to choose by", at=SPEC_FILE, why="no dev record has gold",
                           fix="label some dev records, or replace the choices by single values")
    return found


def _label(path: KeyPath) -> str:
    return ".".join(path)


def _at(values: dict[str, Any], path: KeyPath) -> Any:
    found: Any = values
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _data_digest(build: Path) -> str:
    """Of what trials are trained and scored on: trials on other data do not count."""
    digest = hashlib.sha256()
    for folder in ("store", "labels", "slices", "gold/dev"):
        for path in sorted((build / folder).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(build).as_posix().encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
