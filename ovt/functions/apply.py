"""Running functions over the row store, a shard at a time, with every answer cached.

The cache is keyed by function and shard: one labeling function added is one
pass of that function, one record added is one shard for each. A function that
fails on some records is told as an error after all the others were tried, so
their passes are not lost.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.functions.answers import Answer, Label, read_answer
from ovt.functions.cache import AnswerCache, Answers
from ovt.functions.closure import digest_of
from ovt.functions.decorators import ABSTAIN
from ovt.functions.failures import Failure, add_failure, failure_of, hidden_input, raise_failures
from ovt.functions.isolation import watching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.data.store import Shard, Store
    from ovt.data.tags import TagTable
    from ovt.data.view import RecordView
    from ovt.functions.discover import Function
    from ovt.functions.isolation import Environment
    from ovt.progress import Progress
    from ovt.project import Project


@dataclass
class ApplyStats:
    """How much work it was, in passes of one function over one shard."""

    ran: int = 0
    cached: int = 0


@dataclass
class Applied:
    """What the functions said."""

    answers: dict[str, Answers]
    """By function name; item numbers are those of the task, for a slice the rows of its members."""
    stats: ApplyStats
    failures: dict[str, Failure] = field(default_factory=dict)
    """By function name."""


def apply_functions(
    project: Project, store: Store, functions: Sequence[Function], progress: Progress, *, tags: TagTable | None = None,
) -> Applied:
    """Run functions on every record, or take their answers from the cache.

    Args:
        project: whose cache is used.
        store: the records.
        functions: of one `discover`.
        progress: hears where it is and how many passes were run.
        tags: needed if one of the functions reads tags.

    Raises:
        ProjectError: a function failed, after all were tried; every failure but the raised one is a note.
    """
    applied = try_functions(project, store, functions, progress, tags=tags)
    raise_failures(list(applied.failures.values()), store.n, progress)
    return applied


def try_functions(
    project: Project, store: Store, functions: Sequence[Function], progress: Progress, *, tags: TagTable | None = None,
) -> Applied:
    """`apply_functions`, with failures returned instead of raised."""
    applied = Applied({}, ApplyStats())
    parts: dict[str, list[Answers]] = {function.name: [] for function in functions}
    cache = AnswerCache(project.cache)
    with ExitStack() as running:
        runner = _Runner(store, tags, running, progress)
        for number, shard in enumerate(store.shards):
            tags_digest = _tags_digest(shard, tags) if any(function.reads_tags for function in functions) else ""
            for done, function in enumerate(functions):
                _tell(progress, function, number * len(functions) + done, len(functions) * len(store.shards))
                place = cache.place(function, shard.digest, tags_digest)
                found = cache.read(place)
                if found is None:
                    found, failure = runner.run(function, shard)
                    applied.stats.ran += 1
                    if failure is None:
                        cache.write(place, found)
                    else:
                        add_failure(applied.failures, failure)
                else:
                    applied.stats.cached += 1
                parts[function.name].append(found.shifted(Asked(function, store).first_item(shard)))
    if functions:
        progress.note(f"{functions[0].kind} functions: {applied.stats.ran} passes run, {applied.stats.cached} from "
                      f"the cache ({_count(len(functions), 'function')} × {_count(len(store.shards), 'shard')})")
    applied.answers.update({name: Answers.joined(found) for name, found in parts.items()})
    return applied


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


NOTHING: Answer = []


class Asked:
    """A function and the store that it is asked about."""

    def __init__(self, function: Function, store: Store) -> None:
        self.function = function
        self._call, self._form, self._store = function.call, function.form, store
        self._payload = store.schema.tasks[function.task].payload if function.task else ""
        self._offsets = store.item_offsets(function.task) if function.task else None
        selects = function.form is not None and function.form.type == "select"
        self._bounds = store.candidates(str(function.task)) if selects else self._offsets

    def answer(self, row: int, view: RecordView) -> Answer:
        """What it says about one record; a slice's member is told by one pair, position 0.

        Raises:
            AnswerError: what it returned is no label of its task.
        """
        value = self._call(view)
        if value is None or value is ABSTAIN:
            return NOTHING
        if self._form is None:
            return [(0, 1)] if value else NOTHING
        bounds = self._bounds
        length = 1 if bounds is None else int(bounds[row + 1] - bounds[row])
        return read_answer(self._form, value, length, lambda: [member.id for member in view[self._payload] or ()])

    def first_item(self, shard: Shard) -> int:
        """The item that a shard begins with."""
        return shard.start if self._offsets is None else int(self._offsets[shard.start])

    def starts(self, shard: Shard) -> Sequence[int]:
        """Where the items of each record begin, counted from the shard's first."""
        if self._offsets is None:
            return range(shard.stop - shard.start)
        found: list[int] = (self._offsets[shard.start:shard.stop] - self._offsets[shard.start]).tolist()
        return found


class _Runner:
    """Runs functions on shards; the records of a shard are decoded once, when a function needs them."""

    def __init__(self, store: Store, tags: TagTable | None, running: ExitStack, progress: Progress) -> None:
        self._store = store
        self._tags = tags
        self._running = running
        self._progress = progress
        self._environments: set[Environment] = set()
        self._shard: Shard | None = None
        self._views: dict[bool, list[RecordView]] = {}

    def run(self, function: Function, shard: Shard) -> tuple[Answers, Failure | None]:
        """One pass; positions count from the shard's first item."""
        if function.environment not in self._environments:
            self._running.enter_context(function.environment.active())
            self._environments.add(function.environment)
        if shard is not self._shard:
            self._shard, self._views = shard, {}
        views = self._records(shard, with_tags=function.reads_tags)
        output = io.StringIO()
        with watching(function.environment.boundary, output) as read:
            answers, failure = self._answers(function, shard, views)
            hidden = read - function.files
        if hidden:
            raise hidden_input(function, hidden)
        printed = output.getvalue().strip().splitlines()
        if printed:
            more = f" … and {len(printed) - 1} lines more" if len(printed) > 1 else ""
            self._progress.note(f"`{function.name}` printed: {printed[0]}{more}")
        return answers, failure

    def _records(self, shard: Shard, *, with_tags: bool) -> list[RecordView]:
        """Tags only for functions whose key covers them: an unseen use of tags fails instead of going stale."""
        if with_tags not in self._views:
            self._views[with_tags] = list(self._store.views(shard, self._tags if with_tags else None))
        return self._views[with_tags]

    def _answers(
        self, function: Function, shard: Shard, views: Sequence[RecordView],
    ) -> tuple[Answers, Failure | None]:
        items: list[int] = []
        labels: list[Label] = []
        failures: dict[str, Failure] = {}
        asked = Asked(function, self._store)
        for row, view, start in zip(range(shard.start, shard.stop), views, asked.starts(shard), strict=True):
            try:
                for position, label in asked.answer(row, view):
                    items.append(start + position)
                    labels.append(label)
            except (Exception, SystemExit) as error:  # noqa: BLE001  the user's code may raise anything
                add_failure(failures, failure_of(function, view.id, error))
        return Answers.of(items, labels), failures.get(function.name)


def _tell(progress: Progress, function: Function, done: int, total: int) -> None:
    stage = "compile" if function.kind == "slicing" else "label"
    progress.update(stage, f"{function.kind} function {function.name}", done, total)


def _tags_digest(shard: Shard, tags: TagTable | None) -> str:
    if tags is None:
        return ""
    return digest_of("\0".join(sorted(names)) for names in tags.rows(shard.start, shard.stop))
