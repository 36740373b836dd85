"""The passes that the cache does not know, run by workers: who does what, what becomes of it, and how long it takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.data.view import Rows
from ovt.functions.cache import Answers, decode_answers, encode_answers
from ovt.functions.failures import Failure, Told, add_failure, death_of, hidden_input
from ovt.functions.predictions import PredictionCache
from ovt.functions.processes.isolation import watching
from ovt.functions.processes.passes import Asked, run_pass
from ovt.functions.processes.pool import Pool
from ovt.functions.processes.workers import IDLE, Death, Desk, Limits, cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ovt.data.store import Shard, Store
    from ovt.data.tags import TagTable
    from ovt.errors import ProjectError
    from ovt.functions.discover import Function
    from ovt.progress import Progress
    from ovt.project import Project

Keep = Callable[[int, int, Answers], None]
"""Takes the number of a function, of a shard, and the answers."""
_SLOW = 2.0
"""Seconds at one record after which the progress line names it."""


@dataclass(frozen=True)
class Task:
    """Some functions on one shard, by number."""

    shard: int
    functions: tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """What one pass found: what a worker sends."""

    which: int
    answers: bytes
    failure: Told | None
    hidden: frozenset[str]
    """Files that it read and its key does not cover."""
    printed: str


def limits_of(project: Project) -> Limits:
    """What the project allows its functions."""
    errors = project.settings.errors
    return Limits(errors.seconds, errors.memory_bytes())


class Bench:
    """The worker's side: runs functions on shards; a shard's records are decoded once for all functions of a task."""

    def __init__(
        self, project: Project, store: Store, functions: Sequence[Function], tags: TagTable | None,
    ) -> None:
        self._store = store
        self._functions = functions
        self._tags = tags
        self._predictions = PredictionCache(project.cache, store)
        self._active = ExitStack()
        self._entered = False

    def work(self, task: Task, desk: Desk) -> None:
        """Do a task."""
        self.enter()
        shard = self._store.shards[task.shard]
        opened: dict[bool, tuple[Rows, list[Any]]] = {}
        for which in task.functions:
            function = self._functions[which]
            # Tags only for functions whose key covers them: an unseen use of tags fails instead of going stale.
            if function.reads_tags not in opened:
                rows = Rows(self._store, shard.start, shard.stop, self._tags if function.reads_tags else None)
                opened[function.reads_tags] = rows, list(rows)
            desk.send(self._found(which, shard, *opened[function.reads_tags], desk))

    def enter(self) -> None:
        """Make the functions' project importable, until the process ends."""
        if not self._entered:
            self._entered = True
            self._active.enter_context(self._functions[0].environment.active())

    def _found(self, which: int, shard: Shard, rows: Rows, views: list[Any], desk: Desk) -> Found:
        function = self._functions[which]
        asked = Asked(function, self._store)
        predicted = {name: self._predictions.read(wanted, shard) for name, wanted in function.predictions.items()}
        with watching(function.environment.boundary, sys.stdout) as read:
            done = run_pass(asked, rows, views, predicted, desk.beat)
        hidden = frozenset(read - function.files)
        return Found(which, encode_answers(Answers.of(done.items, done.labels)), done.failure, hidden, desk.printed())


def run_missing(
    project: Project, store: Store, functions: Sequence[Function], missing: Mapping[int, Sequence[int]], keep: Keep,
    hearing: tuple[TagTable | None, Progress],
) -> dict[str, Failure]:
    """Run passes in worker processes.

    Args:
        project: whose limits and caches count.
        store: the records.
        functions: all of them.
        missing: by shard, the functions to run, by number.
        keep: is given the answers of each pass that did not fail, when they are there.
        hearing: the tags, where a function reads them, and who hears how far it is.

    Returns:
        The failures, by name of the function.

    Raises:
        ProjectError: a function reads a file that its key does not cover.
        MissingError: predictions that a function needs cannot be made here.
    """
    tags, progress = hearing
    ensure_predictions(project, store, functions, missing)
    workers = min(cores(), sum(len(wanted) for wanted in missing.values()))
    report = _Report(store, functions, missing, progress)
    run = _Run(store, functions, keep, report)
    with Pool(Bench(project, store, functions, tags).work, limits_of(project), workers) as pool:
        try:
            for task, message in pool.run(tasks_of(missing, workers)):
                run.hear(pool, task, message)
                report.tell(pool)
        except BaseException:  # Ctrl-C too: what is done is kept
            for task, message in pool.drain():
                run.hear(pool, task, message)
            progress.note(f"interrupted: {report.kept:,} of {report.passes:,} passes are done and kept")
            raise
    report.close()
    if run.hidden is not None:
        raise run.hidden
    return {function.name: run.failures[function.name] for function in functions if function.name in run.failures}


def ensure_predictions(
    project: Project, store: Store, functions: Sequence[Function], missing: Mapping[int, Sequence[int]],
) -> None:
    """Have the predictions that these passes need in the cache.

    Raises:
        ProjectError: a revision is not pinned.
        MissingError: they cannot be made here.
    """
    from ovt.functions.pins import unpinned

    cache = PredictionCache(project.cache, store)
    for number, wanted in missing.items():
        for which in wanted:
            function = functions[which]
            for pinned in function.predictions.values():
                if pinned.model is None:
                    raise unpinned(pinned.revision, function.name, function.at)
                cache.ensure(pinned, store.shards[number])


def tasks_of(missing: Mapping[int, Sequence[int]], workers: int) -> list[Task]:
    """A task per shard; where that leaves workers without one, the functions of a shard are divided."""
    parts = -(-2 * workers // max(len(missing), 1)) if len(missing) < 2 * workers and workers > 1 else 1
    tasks = []
    for number, wanted in missing.items():
        size = -(-len(wanted) // min(parts, len(wanted)))
        tasks += [Task(number, tuple(wanted[at:at + size])) for at in range(0, len(wanted), size)]
    return tasks


@dataclass
class _Run:
    """What becomes of the passes."""

    store: Store
    functions: Sequence[Function]
    keep: Keep
    report: _Report
    failures: dict[str, Failure] = field(default_factory=dict)
    hidden: ProjectError | None = None
    _stopped: set[int] = field(default_factory=set)
    _firsts: dict[int, int] = field(default_factory=dict)

    def hear(self, pool: Pool, task: Task | None, message: Found | Death | None) -> None:
        """Take what a worker sent."""
        if task is None or message is None:
            return
        if isinstance(message, Death):
            self._bury(pool, task, message)
            return
        function = self.functions[message.which]
        self.report.heard(message.which, task.shard, message.printed)
        if message.hidden:
            self.hidden = self.hidden or hidden_input(function, message.hidden)
            self._stop(pool, message.which)
        elif message.failure is not None:
            self._fail(pool, message.which, task.shard, message.failure.of(function))
        else:
            self.keep(message.which, task.shard, decode_answers(message.answers))
            self.report.kept += 1

    def _fail(self, pool: Pool, which: int, shard: int, failure: Failure) -> None:
        # The first by record, not by time: the same is told whatever the number of workers.
        known = self.failures.pop(failure.function.name, None)
        if known is not None and self._firsts[which] < shard:
            known, failure = failure, known
        else:
            self._firsts[which] = shard
        add_failure(self.failures, failure)
        if known is not None:
            add_failure(self.failures, known)
        if failure.stopped:
            self._stop(pool, which)

    def _bury(self, pool: Pool, task: Task, death: Death) -> None:
        """The function that was running is stopped for good; the others of its task go on elsewhere."""
        left = [which for which in task.functions if not self.report.is_done(which, task.shard)]
        if not left:  # everything was sent; what ended it came after
            return
        which, others = left[0], left[1:]
        shard = self.store.shards[task.shard]
        row = death.row if death.row != IDLE else shard.start
        record = str(self.store.ids[row].as_py())
        self.report.heard(which, task.shard, death.printed)
        if others:
            pool.tasks.appendleft(Task(task.shard, tuple(others)))
        self._fail(pool, which, task.shard, death_of(self.functions[which], record, death))

    def _stop(self, pool: Pool, which: int) -> None:
        self._stopped.add(which)
        waiting = list(pool.tasks)
        pool.tasks.clear()
        for task in waiting:
            wanted = tuple(other for other in task.functions if other not in self._stopped)
            for skipped in set(task.functions) - set(wanted):
                self.report.heard(skipped, task.shard, "")
            if wanted:
                pool.tasks.append(Task(task.shard, wanted))


class _Report:
    """How far it is: passes, records a second, time left; and what functions printed."""

    def __init__(
        self, store: Store, functions: Sequence[Function], missing: Mapping[int, Sequence[int]], progress: Progress,
    ) -> None:
        self._store, self._functions, self._progress = store, functions, progress
        self._stage = "compile" if functions[0].kind == "slicing" else "label"
        self._started = time.monotonic()
        self._done: set[tuple[int, int]] = set()
        self._printed: dict[int, list[str]] = {}
        self._last = functions[0].name
        self._total = sum(len(wanted) * self._records(number) for number, wanted in missing.items())
        self._asked = 0
        self.passes = sum(len(wanted) for wanted in missing.values())
        self.kept = 0

    def heard(self, which: int, shard: int, printed: str) -> None:
        """A pass is over."""
        self._done.add((which, shard))
        self._asked += self._records(shard)
        self._last = self._functions[which].name
        if printed.strip():
            self._printed.setdefault(which, []).extend(printed.strip().splitlines())

    def is_done(self, which: int, shard: int) -> bool:
        """Whether a pass is over."""
        return (which, shard) in self._done

    def tell(self, pool: Pool) -> None:
        """Renew the progress line."""
        seconds = time.monotonic() - self._started
        message = f"{self._functions[0].kind} function {self._last}"
        if self._asked and seconds > 1:
            rate = self._asked / seconds
            message += f" · {rate:,.0f} records/s · {_left((self._total - self._asked) / rate)} left"
        slow = pool.slowest
        if slow is not None and slow[2] > _SLOW:
            message += f" · {slow[2]:.0f} s at {self._store.ids[slow[1]].as_py()}"
        self._progress.update(self._stage, message, self._asked, self._total)

    def close(self) -> None:
        """Say what was printed."""
        for which, lines in sorted(self._printed.items()):
            more = f" … and {len(lines) - 1:,} lines more" if len(lines) > 1 else ""
            self._progress.note(f"`{self._functions[which].name}` printed: {lines[0]}{more}")

    def _records(self, shard: int) -> int:
        return self._store.shards[shard].stop - self._store.shards[shard].start


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
