from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from ovt.data.store import Store
from ovt.errors import MissingError, ProjectError
from ovt.progress import Silent
from ovt.training.optimisation.fit import load_material
from ovt.training.tuning.cost import Cost
from ovt.training.tuning.crew import OwnProcess
from ovt.training.tuning.defaults import default_values, measure
from ovt.training.tuning.lock import LOCK_FILE, read_lock
from ovt.training.tuning.search import Budget, Ground, tune
from ovt.training.tuning.spec import SPEC_FILE, answers
from ovt.training.tuning.study import JOURNAL, studies_of
from ovt.training.tuning.trial import Bench, Job, Result

if TYPE_CHECKING:
    from ovt.project import Project

REAL = """
training: {epochs: 2, learning_rate: [0.00001, 0.01], dropout: 0.1, batch: 32}
payloads: {tokens: {encoder: bag, size: 32}}
search: {trials: 2, minutes: 5}
"""
WIDE = """
training: {learning_rate: [0.001, 0.002, 0.004, 0.008], dropout: [0.1, 0.3, 0.5], batch: [16, 32, 64]}
payloads: {tokens: {encoder: [bag, cnn, lstm], size: [32, 64, 128]}}
search: {trials: 12, minutes: 5}
"""


def ground(project: Project, **more: Any) -> Ground:
    return Ground(default_values(project.schema, measure(Store.open(project.build / "store"))), **more)


def quality(values: dict[str, Any]) -> float:
    """What trials of the fake crew score: 4e-3, dropout 0.3, lstm and 128 are best."""
    training, tokens = values["training"], values["payloads"]["tokens"]
    return round(0.9 - 0.05 * abs(math.log(training["learning_rate"] / 0.004)) - 0.2 * abs(training["dropout"] - 0.3)
                 - 0.02 * (tokens["encoder"] != "lstm") - 0.01 * abs(math.log(tokens["size"] / 128))
                 - 0.005 * (training["batch"] != 32), 6)


class Fake:
    """Trains nothing: knows the score. `last_first` gives back the job that was begun last."""

    def __init__(self, size: int = 1, *, last_first: bool = False, die_after: int = 10**6) -> None:
        self.size, self.last_first, self.die_after = size, last_first, die_after
        self.jobs: list[Job] = []
        self.done: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        assert len(self.jobs) <= self.size

    def next(self) -> Result:
        if len(self.done) >= self.die_after:
            raise KeyboardInterrupt
        job = self.jobs.pop() if self.last_first else self.jobs.pop(0)
        self.done.append(job)
        return self.result(job)

    def result(self, job: Job) -> Result:
        score = quality(job.values)
        return Result(job.number, "complete", score=score, error=0.01, curve=(score / 2, score), seconds=1.0,
                      parameters=job.values["payloads"]["tokens"]["size"] * 1000)

    def close(self) -> None:
        pass


def search(project: Project, crew: Fake, heard: Silent | None = None, spec: str = WIDE, **budget: Any) -> Any:
    (project.root / SPEC_FILE).write_text(spec)
    return tune(project, heard or Silent(), lambda: ground(project), lambda: crew, Budget(**budget))


def tried(crew: Fake) -> list[tuple[Any, ...]]:
    return [(job.values["training"]["learning_rate"], job.values["training"]["dropout"], job.values["training"]["batch"],
             job.values["payloads"]["tokens"]["encoder"], job.values["payloads"]["tokens"]["size"])
            for job in sorted(crew.done, key=lambda job: job.number)]


def test_a_real_search_finds_the_better_choice_and_goes_on_where_it_was(world_copy: Project) -> None:
    (world_copy.root / SPEC_FILE).write_text(REAL)
    assert not answers(world_copy)

    def crew() -> OwnProcess:
        return OwnProcess(lambda: Bench(load_material(world_copy.build, Store.open(world_copy.build / "store"))), Silent())

    heard = Silent()
    lock = tune(world_copy, heard, lambda: ground(world_copy), crew)
    assert lock.values["training"]["learning_rate"] == pytest.approx(0.01)
    assert (lock.values["training"]["epochs"], lock.values["payloads"]["tokens"]["size"]) == (2, 32)
    assert sum(note.startswith("trial ") for note in heard.notes) == 2
    assert answers(world_copy)
    assert read_lock(world_copy.root) == lock

    first = (world_copy.root / LOCK_FILE).read_bytes()
    again = Silent()
    tune(world_copy, again, lambda: ground(world_copy), crew)
    assert [note[:5] for note in again.notes] == ["tuned"]
    assert (world_copy.root / LOCK_FILE).read_bytes() == first

    (world_copy.root / SPEC_FILE).write_text(REAL.replace("encoder: bag", "encoder: [bag, lstm]"))
    assert not answers(world_copy)


def test_the_first_trial_is_the_defaults_and_none_is_tried_twice(world_copy: Project) -> None:
    crew = Fake()
    lock = search(world_copy, crew)
    defaults = ground(world_copy).start
    assert len(crew.done) == 12 == len(set(tried(crew)))
    first = tried(crew)[0]
    assert first[:3] == (defaults.training.learning_rate, defaults.training.dropout, defaults.training.batch)
    assert first[3:] == (defaults.payloads["tokens"].encoder, defaults.payloads["tokens"].size)
    assert crew.done[0].bar == ()
    assert crew.done[0].deadline is None
    assert lock.score == max(quality(job.values) for job in crew.done) >= quality(crew.done[0].values)


def test_one_and_two_at_once_try_the_same_whichever_ends_first(world_copy: Project) -> None:
    made = []
    for crew in (Fake(), Fake(2), Fake(2, last_first=True)):
        (world_copy.private / JOURNAL).unlink(missing_ok=True)
        (world_copy.root / LOCK_FILE).unlink(missing_ok=True)
        lock = search(world_copy, crew)
        made.append((tried(crew), lock))
    assert made[0] == made[1] == made[2]


def test_the_sampler_learns_from_the_trials_before(world_copy: Project) -> None:
    crew = Fake()
    search(world_copy, crew, trials=20)
    scores = [quality(job.values) for job in sorted(crew.done, key=lambda job: job.number)]
    assert max(scores) > 0.87
    assert sum(scores[10:]) / 10 > sum(scores[1:10]) / 9


def test_a_small_space_is_tried_out(world_copy: Project) -> None:
    crew = Fake()
    search(world_copy, crew, spec="training: {batch: [16, 32], dropout: [0.1, 0.3]}", trials=20)
    assert len(set(tried(crew))) == len(crew.done) == 4


@pytest.mark.parametrize("size", [1, 2])
def test_a_killed_search_runs_no_finished_trial_again_and_tries_the_broken_one_again(size: int, world_copy: Project) -> None:
    killed = Fake(size, die_after=5)
    with pytest.raises(KeyboardInterrupt):
        search(world_copy, killed)
    with (world_copy.private / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 4, "half a li')  # the line that it died in
    resumed = Fake(size)
    search(world_copy, resumed)
    assert not set(tried(killed)) & set(tried(resumed))
    assert len(killed.done) + len(resumed.done) == 12
    broken = [job.values for job in killed.jobs]
    assert all(values in [job.values for job in resumed.done] for values in broken)


def test_more_trials_go_on_from_the_ones_before(world_copy: Project) -> None:
    first, more = Fake(), Fake()
    search(world_copy, first)
    search(world_copy, more, trials=15)
    assert len(more.done) == 3
    assert not set(tried(first)) & set(tried(more))
    assert [job.number for job in more.done] == [13, 14, 15]


def test_a_second_search_after_a_change_of_data_starts_from_the_first(world_copy: Project) -> None:
    first = Fake()
    best = search(world_copy, first)
    path = next((world_copy.build / "labels").glob("Intent.arrow"))
    path.write_bytes(path.read_bytes() + b" ")  # other data, as far as the search knows
    heard, second = Silent(), Fake()
    search(world_copy, second, heard, trials=5)
    assert heard.notes[0].startswith("starting from an earlier search: 12 trials, its best 0.8")
    assert len(second.done) == 5
    order = sorted(first.done, key=lambda job: -quality(job.values))
    assert second.done[1].values["training"] == best.values["training"]
    assert second.done[2].values["training"] in [job.values["training"] for job in order[:2]]
    assert len(studies_of(world_copy.private)) == 2


def test_pins_hold_in_every_trial(world_copy: Project) -> None:
    crew = Fake()
    lock = search(world_copy, crew, spec="training: {batch: [16, 32, 64], dropout: 0.25}\nslices: {form: none}")
    assert {(job.values["training"]["dropout"], job.values["slices"]["form"]) for job in crew.done} == {(0.25, "none")}
    assert lock.values["slices"]["form"] == "none"


def test_pins_alone_need_no_search_and_no_data(world_copy: Project) -> None:
    import shutil

    shutil.rmtree(world_copy.build)
    lock = search(world_copy, Fake(), spec="training: {batch: 16}")
    assert lock.values == {"training": {"batch": 16}}
    assert lock.score is None
    assert answers(world_copy)


def test_time_that_is_up_ends_the_search_after_the_first_results(world_copy: Project) -> None:
    crew = Fake(2)
    search(world_copy, crew, minutes=1e-9)
    assert len(crew.done) == 2
    assert all(job.deadline is not None for job in crew.done[1:])


def test_a_failed_trial_is_told_and_not_chosen(world_copy: Project) -> None:
    class Failing(Fake):
        def result(self, job: Job) -> Result:
            if job.values["payloads"]["tokens"]["encoder"] == "cnn":
                return Result(job.number, "failed", why="RuntimeError: no such shape")
            return super().result(job)

    heard = Silent()
    lock = search(world_copy, Failing(), heard, spec="payloads: {tokens: {encoder: [cnn, lstm, bag]}}")
    assert lock.values["payloads"]["tokens"]["encoder"] == "lstm"
    assert any("failed: RuntimeError: no such shape" in note for note in heard.notes)


def test_limits_that_no_choice_keeps_are_an_error_that_names_the_nearest(world_copy: Project) -> None:
    class Costly(Fake):
        def result(self, job: Job) -> Result:
            assert job.limits == (1.0, None)
            slow = job.values["payloads"]["tokens"]["size"] / 16
            return Result(job.number, "too costly", latency_ms=slow, size_mb=1, excess=slow - 1, why=f"{slow} ms of 1 ms")

    with pytest.raises(ProjectError, match="none of 3 trials keeps the limits") as error:
        search(world_copy, Costly(), spec="payloads: {tokens: {size: [32, 64, 128]}}\nsearch: {latency_ms: 1}")
    assert "came nearest: 2.0 ms of 1 ms" in (error.value.why or "")


def test_a_trial_above_a_limit_is_measured_and_not_trained(world_copy: Project) -> None:
    asked: list[int] = []

    def cost(fitted: Any) -> Cost:
        size = fitted.network.blueprint.values.payloads["tokens"].size
        asked.append(size)
        return Cost(latency_ms=size / 32, size_mb=1.0)

    def crew() -> OwnProcess:
        return OwnProcess(lambda: Bench(load_material(world_copy.build, Store.open(world_copy.build / "store")), cost), Silent())

    (world_copy.root / SPEC_FILE).write_text(
        "training: {epochs: 1, batch: 64}\npayloads: {tokens: {encoder: bag, size: [32, 64]}}\nsearch: {latency_ms: 1.5}\n")
    heard = Silent()
    lock = tune(world_copy, heard, lambda: ground(world_copy), crew)
    assert sorted(asked) == [32, 64]
    assert lock.values["payloads"]["tokens"]["size"] == 32
    assert any("too costly: 2 ms of 1.5 ms" in note for note in heard.notes)


def test_a_search_without_a_spec_labels_or_gold_says_what_is_missing(world_copy: Project) -> None:
    import shutil

    with pytest.raises(MissingError, match="nothing to search"):
        tune(world_copy, Silent(), lambda: ground(world_copy), Fake)
    shutil.rmtree(world_copy.build / "gold/dev")
    with pytest.raises(ProjectError, match="nothing to choose by"):
        search(world_copy, Fake())
    shutil.rmtree(world_copy.build / "labels")
    with pytest.raises(MissingError, match="labels were not made"):
        search(world_copy, Fake())
