"""`ovt tune`: which of the choices in `tuning.yaml` is best on dev.

The first trial is the defaults (or the nearest that is offered), so the choice
is never worse than them on dev; then what an earlier search found; then Optuna
proposes. Poor trials are stopped early. Trial n is proposed knowing the results
up to trial n - LAG, however many run at once: one core and two find the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.errors import MissingError, ProjectError
from ovt.training.tuning.choice import choose
from ovt.training.tuning.lock import Lock, read_lock, write_lock
from ovt.training.tuning.pruning import bar_of
from ovt.training.tuning.spec import SPEC_FILE, KeyPath, Spec, load_spec, nested
from ovt.training.tuning.study import Study
from ovt.training.tuning.trial import Job, Result
from ovt.training.tuning.values import Values, overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.training.tuning.crew import Crew
    from ovt.training.tuning.study import Guess

LAG = 2
"""Trials whose results are not yet known when one is proposed."""
BEST_BEFORE = 2
"""Trials of an earlier search that are tried again first."""


@dataclass(frozen=True)
class Budget:
    """How long to search; it ends with whichever is reached first. None: what the spec says."""

    trials: int | None = None
    """How many in all, those of an earlier search for the same question included."""
    minutes: float | None = None


@dataclass(frozen=True)
class Ground:
    """What a search stands on, beside the spec."""

    start: Values
    """The values that hold where nothing is pinned or chosen."""
    parent: str | None = None
    """DVC's hash of the model that training starts from."""
    init: str | None = None
    """What `train.init` said when it was looked up."""


def tune(
    project: Project, progress: Progress, ground: Callable[[], Ground], crew: Callable[[], Crew],
    budget: Budget = Budget(),
) -> Lock:
    """Search the choices of `tuning.yaml` and write `tuning.lock.yaml`.

    Args:
        project: compiled and labelled.
        progress: hears about every trial.
        ground: what to start from; asked only if there is something to search, as the data is read for it.
        crew: who trains; hired only if there is something to train.
        budget: how long.

    Raises:
        MissingError: no spec, or labels were not made yet.
        ProjectError: there are choices, and no gold on dev to choose by; or no trial kept the limits.
    """
    spec = load_spec(project.root, project.schema)
    if spec is None:
        raise MissingError("there is nothing to search", at=SPEC_FILE, fix=f"write a {SPEC_FILE} with choices",
                           why=f"the project has no {SPEC_FILE}, so defaults are used")
    before = read_lock(project.root)
    lock = Lock(answers=spec.digest(project.schema), values=nested(spec.pins), seed=project.settings.train.seed,
                parent=before.parent if before else None, init=before.init if before else None,
                freeze=spec.freeze, variants=spec.variants)
    if spec.choices:
        _need_gold(project)
        found = ground()
        values, score = _Search(project, spec, progress, found).run(crew, budget)
        lock = msgspec.structs.replace(lock, values=msgspec.to_builtins(values), score=round(score, 6))
    write_lock(project.root, lock)
    return lock


def question(project: Project, spec: Spec, parent: str | None) -> str:
    """What trials answer: the spec, the data, the parent model and the seed. Trials of another are never mixed in."""
    of = f"{spec.searched(project.schema)}-{_data_digest(project.build)}-{project.settings.train.seed}"
    return f"{of}-{parent}" if parent else of


@dataclass
class _Search:
    """One question, and who answers it."""

    project: Project
    spec: Spec
    progress: Progress
    ground: Ground
    order: list[int] = field(default_factory=list)
    """Optuna's numbers of the trials begun in this run, in their order."""
    told: int = 0
    """How many of these the sampler knows about."""
    results: dict[int, Result] = field(default_factory=dict)

    def run(self, hire: Callable[[], Crew], budget: Budget) -> tuple[Values, float]:
        """Search, and give the best values with their score."""
        first = self.spec.variants[0].values if self.spec.variants else {}
        self.base = overlay(self.ground.start, nested(self.spec.pins))
        self.served = overlay(self.base, first)
        own = {path: options for path, options in self.spec.choices.items() if _at(first, path) is None}
        self.study = Study.open(self.project.private, question(self.project, self.spec, self.ground.parent), own,
                                self.project.settings.train.seed)
        self._begin()
        self.results = self.study.results()
        trials = min(budget.trials or self.spec.search.trials, self.study.size())
        self.trials = trials
        if self.study.count() < trials:
            crew = hire()
            try:
                self._train(crew, trials, time.time() + 60 * (budget.minutes or self.spec.search.minutes))
            finally:
                crew.close()
        choice = choose(self.results, self.spec.search.prefer)
        best = self.results[choice.trial]
        self.progress.note(f"tuned: {choice.reason}")
        chosen = {tuple(label.split(".")): value for label, value in self.study.params(choice.trial).items()}
        return overlay(self.base, nested(chosen)), float(best.score or 0.0)

    def _begin(self) -> None:
        if not self.study.is_new:
            return
        earlier = self.study.earlier()
        defaults = self._guess(msgspec.to_builtins(self.served))
        previous = read_lock(self.project.root)
        guesses = [defaults]
        if previous is not None and previous.score is not None:
            guesses.append(self._guess(previous.values, instead=defaults))
        guesses.extend({**defaults, **guess} for guess, _ in earlier[:BEST_BEFORE])
        if earlier:
            self.progress.note(f"starting from an earlier search: {len(earlier)} trials, "
                               f"its best {earlier[0][1]:.4f} on the data of then")
        self.study.learn_from(earlier)
        self.study.first_guesses(guesses)

    def _train(self, crew: Crew, trials: int, deadline: float) -> None:
        running: set[int] = set()
        lag = max(LAG, crew.size)
        while True:
            while self._may_begin(running, crew, trials, deadline):
                if len(self.order) - self.told >= lag and not self._tell_next(running):
                    break
                number = self.study.propose()
                if number is None:
                    break
                self.order.append(number)
                running.add(number)
                crew.submit(self._job(number, deadline))
            if not running:
                break
            self._take(crew.next(), running)
        while self.told < len(self.order):
            self._tell_next(running)

    def _may_begin(self, running: set[int], crew: Crew, trials: int, deadline: float) -> bool:
        if len(running) >= crew.size or self.study.count() >= trials:
            return False
        return time.time() < deadline or not self.results

    def _tell_next(self, running: set[int]) -> bool:
        """Tell the sampler about the oldest trial that it does not know; False if that one still runs."""
        number = self.order[self.told]
        if number in running:
            return False
        self.study.tell(number)
        self.told += 1
        return True

    def _job(self, number: int, deadline: float) -> Job:
        place = self.study.count()
        limits = self.spec.search.limits
        known = {key for key in self.results if key not in self.order[self.told:]}
        curves = [(self._epochs(key), self.results[key].curve) for key in sorted(known)
                  if self.results[key].state == "complete"]
        first = place == 1
        return Job(
            number=place, values=msgspec.to_builtins(self._values(number)), seed=self.project.settings.train.seed,
            bar=() if first else bar_of(curves), deadline=None if first else deadline,
            limits=(limits.latency_ms, limits.size_mb),
        )

    def _take(self, result: Result, running: set[int]) -> None:
        number = next(key for key in running if self._place(key) == result.number)
        running.remove(number)
        self.study.keep(number, result)
        self.results[number] = result
        score = f"{result.score:.4f}" if result.score is not None else "–"
        said = score if result.state == "complete" else f"{score} {result.state}: {result.why}"
        told = " · ".join(f"{label.split('.', 1)[1]} {value}" for label, value in self.study.params(number).items())
        self.progress.note(f"trial {result.number} of {self.trials}: {said} · {told}")

    def _place(self, number: int) -> int:
        """A trial's number as people count: the ones before this run come first."""
        return self.order.index(number) + 1 + self.study.count() - len(self.order)

    def _epochs(self, number: int) -> int:
        return self._values(number).training.epochs

    def _values(self, number: int) -> Values:
        chosen = {tuple(label.split(".")): value for label, value in self.study.params(number).items()}
        return overlay(self.served, nested(chosen))

    def _guess(self, values: dict[str, Any], instead: Guess | None = None) -> Guess:
        """Values as choices: what is offered of them, else `instead`, else the nearest number or the first choice."""
        guess: Guess = {}
        for label, texts in self.study.choices.items():
            wanted, options = _at(values, tuple(label.split("."))), [json.loads(text) for text in texts]
            fallback = (instead or {}).get(label) or texts[options.index(_nearest(wanted, options))]
            guess[label] = texts[options.index(wanted)] if wanted in options else fallback
        return guess


def _nearest(wanted: Any, options: Sequence[Any]) -> Any:
    """The option nearest to a number, by ratio; the first where that means nothing."""
    numbers = [found for found in (wanted, *options) if isinstance(found, int | float) and found > 0]
    if len(numbers) < len(options) + 1:
        return options[0]
    return min(options, key=lambda found: abs(math.log(found / wanted)))


def _need_gold(project: Project) -> None:
    if not (project.build / "labels").is_dir():
        raise MissingError("labels were not made yet", at="build/labels", why="a search trains on them",
                           fix="run the stages before training", command="ovt run label")
    from ovt.data.store import Store
    from ovt.training.optimisation.scores import read_gold

    if read_gold(project.build / "gold" / "dev", Store.open(project.build / "store")) is None:
        raise ProjectError("there is nothing to choose by", at=SPEC_FILE, why="no dev record has gold",
                           fix="label some dev records, or replace the choices by single values")


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
