"""The trials of a question as an Optuna study in a journal file: proposed, kept, found again after a kill.

A question is the schema, the spec, the data and the seed. The journal lies in
`.ovt/tune` and only this process writes to it. What a trial brought is kept
with it the moment it is known, and the sampler is told later, in order: so the
proposals depend on the results alone, and not on which of two trials ended first.
"""

from __future__ import annotations

import itertools
import json
import random
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.training.tuning.trial import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import optuna

    from ovt.training.tuning.spec import KeyPath

JOURNAL = "tune/journal.log"
RANDOM_TRIALS = 5
"""Trials before the sampler trusts its model (Bergstra et al. 2011) more than chance."""
ASKED_AGAIN = 10
"""Proposals that repeat a trial before one that was never tried is taken instead."""
PRIORS = 30
"""Trials of the search before that the sampler is told about."""
RESULT, REPEAT, EARLIER = "result", "repeat", "earlier"

Guess = dict[str, str]
"""A choice per path, `training.batch`, as JSON text."""


class Study:
    """One question's trials."""

    def __init__(self, study: optuna.Study, choices: Mapping[KeyPath, Sequence[Any]], seed: int) -> None:
        self._study, self._seed = study, seed
        self.choices = {".".join(path): [json.dumps(value) for value in options] for path, options in choices.items()}

    @classmethod
    def open(cls, private: Path, question: str, choices: Mapping[KeyPath, Sequence[Any]], seed: int) -> Study:
        """The study of a question, made if there is none, with what a killed search left put in order."""
        import optuna

        storage = open_journal(private)
        study = optuna.create_study(storage=storage, study_name=question, direction="maximize", load_if_exists=True)
        found = cls(study, choices, seed)
        found._recover()
        return found

    def results(self) -> dict[int, Result]:
        """All results so far by Optuna's number of the trial, those that the sampler has not been told about too."""
        return {trial.number: _result(trial) for trial in self._own() if RESULT in trial.user_attrs}

    def params(self, number: int) -> dict[str, Any]:
        """The values that a trial tries, by path."""
        trial = self._study.get_trials(deepcopy=False)[number]
        return {label: json.loads(text) for label, text in trial.params.items()}

    @property
    def is_new(self) -> bool:
        """Whether nothing was tried or planned yet."""
        return not self._study.get_trials(deepcopy=False)

    def count(self) -> int:
        """Trials begun or done, without repeats."""
        return len(self._own())

    def first_guesses(self, guesses: Sequence[Guess]) -> None:
        """Try these before anything is proposed."""
        seen: list[Guess] = []
        for guess in guesses:
            if guess not in seen:
                seen.append(guess)
                self._study.enqueue_trial(dict(guess))

    def propose(self) -> int | None:
        """Begin a trial that was not tried before: Optuna's number of it; None if every combination was tried."""
        tried = {self._key(trial.params) for trial in self._own() if trial.params}
        if len(tried) >= self.size():
            return None
        for _ in range(ASKED_AGAIN):
            trial = self._ask()
            if self._key(trial.params) not in tried:
                return trial.number
            self._drop(trial)
        self._study.enqueue_trial(self._untried(tried))
        return self._ask().number

    def keep(self, number: int, result: Result) -> None:
        """Write down what a trial brought; the sampler is not told yet."""
        storage = self._study._storage
        storage.set_trial_user_attr(self._id(number), RESULT, msgspec.to_builtins(result))

    def tell(self, number: int) -> None:
        """Let the sampler know about a trial whose result was kept."""
        import optuna

        states = optuna.trial.TrialState
        result = _result(self._study.get_trials(deepcopy=False)[number])
        if result.state == "complete" and result.score is not None:
            self._study.tell(number, result.score)
            return
        if result.state == "failed":
            self._study.tell(number, state=states.FAIL)
            return
        if result.score is not None:  # what is pruned is judged by how far it came
            storage = self._study._storage
            storage.set_trial_intermediate_value(self._id(number), len(result.curve), result.score)
        self._study.tell(number, state=states.PRUNED)

    def size(self) -> int:
        """How many combinations there are."""
        total = 1
        for options in self.choices.values():
            total *= len(options)
        return total

    def earlier(self) -> list[tuple[Guess, float]]:
        """Complete trials of the latest other study, the best first, that try what is offered here too."""
        import optuna

        for other in reversed(self._others()):
            complete = [found for found in other.get_trials(deepcopy=False)
                        if found.state == optuna.trial.TrialState.COMPLETE and EARLIER not in found.user_attrs]
            if complete:
                complete.sort(key=lambda found: (-(found.value or 0.0), found.number))
                offered = [(self._offered(found.params), float(found.value or 0.0)) for found in complete]
                return [(guess, value) for guess, value in offered if guess]
        return []

    def _offered(self, params: Mapping[str, str]) -> Guess:
        return {label: text for label, text in params.items() if text in self.choices.get(label, ())}

    def learn_from(self, earlier: Sequence[tuple[Guess, float]]) -> None:
        """Let a new study's sampler begin with what an earlier search found; those trials count as none of its own."""
        import optuna

        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            label: optuna.distributions.CategoricalDistribution(options) for label, options in self.choices.items()}
        for guess, value in earlier[:PRIORS]:
            if guess.keys() == self.choices.keys():
                self._study.add_trial(optuna.trial.create_trial(
                    params=dict(guess), distributions=distributions, value=value, user_attrs={EARLIER: True}))

    def _others(self) -> list[optuna.Study]:
        import optuna

        storage = self._study._storage
        names = [found.study_name for found in storage.get_all_studies() if found.study_name != self._study.study_name]
        return [optuna.load_study(study_name=name, storage=storage) for name in names]

    def _ask(self) -> optuna.trial.Trial:
        self._study.sampler = _sampler(self._seed + len(self._study.get_trials(deepcopy=False)))
        trial = self._study.ask()
        for label, options in self.choices.items():
            trial.suggest_categorical(label, options)
        return trial

    def _drop(self, trial: optuna.trial.Trial) -> None:
        import optuna

        trial.set_user_attr(REPEAT, value=True)
        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _untried(self, tried: set[tuple[str, ...]]) -> Guess:
        """Some combination that was not tried, the same for the same trials so far."""
        shuffled = random.Random(self._seed + len(tried))  # noqa: S311 - no secret
        orders = [shuffled.sample(options, len(options)) for options in self.choices.values()]
        return next(dict(zip(self.choices, found, strict=True)) for found in itertools.product(*orders)
                    if self._key(dict(zip(self.choices, found, strict=True))) not in tried)

    def _key(self, params: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(params.get(label, "") for label in self.choices)

    def _own(self) -> list[optuna.trial.FrozenTrial]:
        """Trials of this study that count: begun, not repeats, not given up."""
        import optuna

        waiting = optuna.trial.TrialState.WAITING
        return [found for found in self._study.get_trials(deepcopy=False)
                if found.state != waiting and not {REPEAT, EARLIER} & found.user_attrs.keys()
                and (found.state != optuna.trial.TrialState.FAIL or RESULT in found.user_attrs)]

    def _id(self, number: int) -> int:
        return int(self._study.get_trials(deepcopy=False)[number]._trial_id)

    def _recover(self) -> None:
        """A trial that ran when the search was killed is tried again; one that had its result is told."""
        import optuna

        states = optuna.trial.TrialState
        for found in self._study.get_trials(deepcopy=False):
            if found.state != states.RUNNING:
                continue
            if RESULT in found.user_attrs:
                self.tell(found.number)
                continue
            self._study.tell(found.number, state=states.FAIL)
            if found.params.keys() == self.choices.keys():
                self._study.enqueue_trial(dict(found.params))


def open_journal(private: Path) -> optuna.storages.JournalStorage:
    """The project's journal; a line that a killed process left half written is cut off, its lock removed."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = private / JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    # Searches hold the project's lock, which dies with them; the journal's own would be waited for.
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            path.write_bytes(content[:whole])
    with _quietly():
        return JournalStorage(JournalFileBackend(str(path)))


def studies_of(private: Path) -> list[tuple[str, list[tuple[int, dict[str, Any], Result]]]]:
    """Every study of the journal with its trials and results: for those who only look."""
    import optuna

    if not (private / JOURNAL).is_file():
        return []
    storage = open_journal(private)
    found = []
    for summary in storage.get_all_studies():
        study = Study(optuna.load_study(study_name=summary.study_name, storage=storage), {}, 0)
        rows = [(number, study.params(number), result) for number, result in study.results().items()]
        found.append((summary.study_name, rows))
    return found


def _result(trial: optuna.trial.FrozenTrial) -> Result:
    return msgspec.convert(trial.user_attrs[RESULT], Result, strict=False)


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    """TPE over all blocks together; trials that still run count as poor ones, so that two do not try the same."""
    import optuna

    with _quietly():
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=RANDOM_TRIALS, multivariate=True, constant_liar=True)


@contextmanager
def _quietly() -> Iterator[None]:
    """Optuna warns about each of its newer parts."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
