"""Running functions over the row store, a shard at a time on all cores, with every answer cached.

The cache is keyed by function and shard: one labeling function added is one
pass of that function, one record added is one shard for each. A function that
fails on some records is told as an error after all the others were tried, so
their passes are not lost; what was done when a run is interrupted is kept too.
The answers are the same whatever the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.functions.cache import AnswerCache, Answers
from ovt.functions.closure import digest_of
from ovt.functions.failures import Failure, raise_failures
from ovt.functions.processes.passes import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.data.store import Shard, Store
    from ovt.data.tags import TagTable
    from ovt.functions.discover import Function
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
        MissingError: a function uses predictions that nobody here can make.
    """
    applied = try_functions(project, store, functions, progress, tags=tags)
    raise_failures(list(applied.failures.values()), store.n, progress)
    return applied


def try_functions(
    project: Project, store: Store, functions: Sequence[Function], progress: Progress, *, tags: TagTable | None = None,
) -> Applied:
    """`apply_functions`, with failures returned instead of raised."""
    applied = Applied({}, ApplyStats())
    kept = _Kept(project, store, functions, tags)
    missing = kept.missing()
    applied.stats.ran = sum(len(passes) for passes in missing.values())
    applied.stats.cached = len(functions) * len(store.shards) - applied.stats.ran
    if missing:
        from ovt.functions.processes.running import run_missing

        applied.failures.update(run_missing(project, store, functions, missing, kept.keep, (tags, progress)))
        kept.cache.prune()
    if functions:
        progress.note(f"{functions[0].kind} functions: {applied.stats.ran} passes run, {applied.stats.cached} from "
                      f"the cache ({_count(len(functions), 'function')} × {_count(len(store.shards), 'shard')})")
    applied.answers.update(kept.joined())
    return applied


class _Kept:
    """The answers of some functions on all shards, as far as they are known."""

    def __init__(self, project: Project, store: Store, functions: Sequence[Function], tags: TagTable | None) -> None:
        self.cache = AnswerCache(project.cache)
        self._store, self._functions = store, functions
        read = any(function.reads_tags for function in functions)
        self._tags = [_tags_digest(shard, tags) if read else "" for shard in store.shards]
        self._found: dict[tuple[int, int], Answers] = {}

    def missing(self) -> dict[int, list[int]]:
        """By shard, the functions that the cache knows no answers of."""
        missing: dict[int, list[int]] = {}
        for number, shard in enumerate(self._store.shards):
            for which in range(len(self._functions)):
                found = self.cache.read(self._place(which, number, shard))
                if found is None:
                    missing.setdefault(number, []).append(which)
                else:
                    self._found[which, number] = found
        return missing

    def keep(self, which: int, number: int, answers: Answers) -> None:
        """Keep what one pass found."""
        self._found[which, number] = answers
        self.cache.write(self._place(which, number, self._store.shards[number]), answers)

    def joined(self) -> dict[str, Answers]:
        """By function name; its answers on shards where it failed are not among them."""
        found = {}
        for which, function in enumerate(self._functions):
            asked = Asked(function, self._store)
            parts = [
                self._found[which, number].shifted(asked.first_item(shard))
                for number, shard in enumerate(self._store.shards) if (which, number) in self._found
            ]
            found[function.name] = Answers.joined(parts)
        return found

    def _place(self, which: int, number: int, shard: Shard) -> Path:
        return self.cache.place(self._functions[which], shard.digest, self._tags[number])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _tags_digest(shard: Shard, tags: TagTable | None) -> str:
    if tags is None:
        return ""
    return digest_of("\0".join(sorted(names)) for names in tags.rows(shard.start, shard.stop))
