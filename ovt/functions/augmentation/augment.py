"""Running transformation functions and generators: seeded per record, in a process of their own.

Randomness is that of the function's name and the parent's id, so what is made
from a record does not depend on other records, on the order of functions or on
the seed of training. The `random` module and numpy's global state are seeded
alike: a function that uses them is as reproducible. What hangs, crashes or eats
memory ends the process (see `ovt.functions.processes.workers`) and is told on its record.
"""

from __future__ import annotations

import gc
import random
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.functions.augmentation.augment_cache import Made
from ovt.functions.augmentation.augmenters import Augmenter, number_of
from ovt.functions.augmentation.draft import Draft, Product, ProductError, read_products
from ovt.functions.failures import Failure, Told, death_of, hidden_input, told_of
from ovt.functions.processes.isolation import watching
from ovt.functions.processes.workers import Death, Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from ovt.data.view import RecordView
    from ovt.functions.processes.isolation import Boundary, Environment
    from ovt.functions.processes.workers import Desk
    from ovt.progress import Progress

SEED = "0"
MOST_OF_ONE = 1000
"""New records of one parent that a function without `per` may make."""
MOST_OF_GENERATOR = 5_000_000
"""Records that a generator without `max_records` may make before it is taken for endless."""
NO_PARENT = -1
CHUNK = 4096
GENERATOR_PATIENCE = 10
"""A generator may take so many times as long as a record: it may read much before its first."""
POLL = 0.05
"""Seconds between looks at a worker that says nothing."""


@dataclass(frozen=True)
class _Sent:
    """What a worker sends: plain values."""

    made: list[Made]
    failure: Told | None
    read: frozenset[str]
    """Files of the repository that were read."""
    printed: str
    last: bool = True


def choose(
    augmenter: Augmenter, records: Sequence[RecordView], names: Sequence[Collection[str]], limits: Limits,
) -> NDArray[np.bool_]:
    """(n,) which of some train records are parents; `names` are the tags of each.

    A slicing function that fails, or does not end, puts a record in no slice
    here: it is told when slices are computed, by its own name.
    """
    if not augmenter.slices:
        return augmenter.chosen(records, names)

    def work(_: Any, desk: Desk) -> None:
        with _in_child(augmenter.slices[0].environment.boundary):
            desk.beat[0], desk.beat[1] = 0, max(1, len(records))
            found = augmenter.chosen(records, names)
        desk.send(found)

    for message in _messages(augmenter.slices[0].environment, work, limits):
        if not isinstance(message, Death):
            found: NDArray[np.bool_] = message
            return found
    return np.zeros(len(records), bool)


def augment(
    augmenter: Augmenter, parents: Sequence[tuple[int, RecordView]], payloads: Collection[str], progress: Progress,
    limits: Limits,
) -> tuple[list[Made], Failure | None]:
    """Call a transformation function on parents; those that it fails on are counted and left out.

    Args:
        augmenter: the function.
        parents: position and record of each.
        payloads: of the schema.
        progress: hears what it printed.
        limits: of one record.

    Raises:
        ProjectError: it reads a file that its key does not cover.
    """

    def work(_: Any, desk: Desk) -> None:
        made: list[Made] = []
        failure: Told | None = None
        with _in_child(augmenter.function.environment.boundary) as read:
            for position, parent in parents:
                desk.beat[0] = position
                try:
                    products = products_of(augmenter, parent, payloads)
                except (Exception, SystemExit) as error:  # noqa: BLE001  the user's code may raise anything
                    fresh = told_on(augmenter, parent.id, error)
                    failure = _counted(failure, fresh)
                    if fresh.stopped:
                        break
                    continue
                made += [_made(position, number, product) for number, product in enumerate(products, 1)]
        desk.send(_Sent(made, failure, frozenset(read), desk.printed()))

    names = dict(parents)
    for message in _messages(augmenter.function.environment, work, limits):
        if isinstance(message, Death):
            record = names[message.row].id if message.row in names else parents[0][1].id
            return [], death_of(augmenter.function, record, message)
        _told(augmenter, message, progress)
        return message.made, message.failure.of(augmenter.function) if message.failure else None
    return [], None


def generate(
    augmenter: Augmenter, payloads: Collection[str], progress: Progress, limits: Limits, most: int | None = None,
) -> Iterator[tuple[list[Made], Failure | None, bool]]:
    """Call a generator; what it makes comes in chunks, the last one (True) with the failure that ended it.

    Args:
        augmenter: the generator.
        payloads: of the schema.
        progress: hears what it printed.
        limits: of one record.
        most: stop after so many, whatever its options say.

    Raises:
        ProjectError: it reads a file that its key does not cover.
    """

    def work(_: Any, desk: Desk) -> None:
        number, made, failure = 0, list[Made](), None
        desk.beat[0], desk.beat[1] = 0, GENERATOR_PATIENCE
        with _in_child(augmenter.function.environment.boundary) as read:
            try:
                for number, product in enumerate(_generated(augmenter, payloads, most), 1):
                    made.append(_made(NO_PARENT, number, product))
                    if len(made) == CHUNK:
                        desk.send(_Sent(made, None, frozenset(read), desk.printed(), last=False))
                        made = []
                    desk.beat[0] = number
            except (Exception, SystemExit) as error:  # noqa: BLE001  the user's code may raise anything
                failure = told_on(augmenter, f"record {number + 1}", error)
        desk.send(_Sent(made, failure, frozenset(read), desk.printed()))

    for message in _messages(augmenter.function.environment, work, limits):
        if isinstance(message, Death):
            yield [], death_of(augmenter.function, f"record {max(message.row, 0) + 1}", message), True
            return
        _told(augmenter, message, progress)
        yield message.made, message.failure.of(augmenter.function) if message.failure else None, message.last


def _generated(augmenter: Augmenter, payloads: Collection[str], most: int | None) -> Iterator[Product]:
    dice = seeded(augmenter, "")
    value = augmenter.function.call(*([dice] if augmenter.takes_random else []))
    limit = most or augmenter.options.max_records
    for number, product in enumerate(islice(read_products(value, None, payloads), limit), 1):
        yield product
        if number == MOST_OF_GENERATOR:
            raise ProductError(f"it made {number:,} records and did not stop", "give it `max_records`")


def products_of(augmenter: Augmenter, parent: RecordView, payloads: Collection[str]) -> list[Product]:
    """What a transformation function makes of one record; its environment must be active."""
    per = augmenter.options.per
    found: list[Product] = []
    dice = seeded(augmenter, parent.id)
    for _ in range(per or 1):
        draft = Draft(parent, with_tags=augmenter.function.reads_tags)
        value = augmenter.function.call(draft, *([dice] if augmenter.takes_random else []))
        for product in read_products(value, parent, payloads):
            found.append(product)
            if len(found) == per:
                return found
            if len(found) > MOST_OF_ONE:
                raise ProductError(f"it made more than {MOST_OF_ONE:,} records of one", "give it `per`")
    return found


def seeded(augmenter: Augmenter, record_id: str) -> random.Random:
    """A generator of random numbers for one record; the global ones are seeded alike."""
    seed = number_of("random", SEED, augmenter.name, record_id)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    return random.Random(seed)  # noqa: S311 - no secret


def told_on(augmenter: Augmenter, record_id: str, error: BaseException) -> Told:
    """What went wrong on one record, or in the record that a generator should have made."""
    function = augmenter.function
    if isinstance(error, ProductError):
        return Told(record_id, str(error), function.at, error.fix)
    found = told_of(function, record_id, error)
    if augmenter.has_parents:
        found.fix = found.fix.replace("return ABSTAIN", "return None")
    elif not found.stopped:
        found.fix = "mend the generator"
    return found


def _messages(environment: Environment, work: Callable[[Any, Desk], None], limits: Limits) -> Iterator[Any]:
    """What a worker sends until it is done; its death is the last message."""
    with environment.active(), _ended(Worker(work, limits)) as worker:
        worker.start(True)
        while True:
            if not worker.connection.poll(POLL):
                death = worker.stuck()
                if death is None:
                    continue
                yield death
                return
            message = worker.receive()
            if message is None:
                return
            yield message
            if isinstance(message, Death):
                return


@contextmanager
def _ended(worker: Worker) -> Iterator[Worker]:
    """End the worker, also where the reader of its messages leaves off."""
    try:
        yield worker
    finally:
        worker.stop()


@contextmanager
def _in_child(boundary: Boundary) -> Iterator[set[str]]:
    """Watch what the user's code reads, in a fork whose memory nobody else sees."""
    gc.enable()  # the parent may have paused it
    with watching(boundary, sys.stdout) as read:
        yield read


def _told(augmenter: Augmenter, sent: _Sent, progress: Progress) -> None:
    hidden = sent.read - augmenter.function.files
    if hidden:
        raise hidden_input(augmenter.function, hidden)
    printed = sent.printed.strip().splitlines()
    if printed:
        more = f" … and {len(printed) - 1} lines more" if len(printed) > 1 else ""
        progress.note(f"`{augmenter.name}` printed: {printed[0]}{more}")


def _counted(known: Told | None, fresh: Told) -> Told:
    if known is None:
        return fresh
    known.count += fresh.count
    known.stopped = known.stopped or fresh.stopped
    return known


def counted(known: Failure | None, fresh: Failure) -> Failure:
    """The first failure of a function, with how many there are."""
    if known is None:
        return fresh
    known.count += fresh.count
    return known


def _made(parent: int, number: int, product: Product) -> Made:
    return Made(parent, number, product.payloads, product.labels, list(product.tags))
