"""A stream of JSON lines answered by several processes: order kept, memory bounded, bad lines told and passed over."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from ovt.data.reader import BOM
from ovt.serving.loading import load
from ovt.serving.requests import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ovt.serving.model import Model

    Numbered = list[tuple[int, bytes]]

CHUNK = 2048
"""Lines that one process answers at a time."""
FEW = 4
"""Chunks that are answered in this process: starting others takes as long."""
AHEAD = 3
"""Chunks read ahead for each process."""


@dataclass(frozen=True)
class Chunk:
    """The answers to consecutive lines."""

    answers: list[bytes]
    """One JSON document per record, without a line end."""
    problems: list[tuple[int, Problem]]
    """Line numbers, from 1, of lines that are no record, with the reason."""


def available_cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def answer_lines(folder: Path, lines: Iterable[bytes], processes: int) -> Iterator[Chunk]:
    """Answer JSON lines in order.

    Args:
        folder: the bundle.
        lines: JSON lines; empty ones are passed over. They are read only a little ahead of the answers.
        processes: how many may work at once; few lines are answered in this one.

    Raises:
        MissingError: the bundle cannot be loaded.
        BrokenProcessPool: a process was killed from outside.
    """
    chunks = _chunks(lines)
    first = list(islice(chunks, FEW))
    if len(first) < FEW or processes < 2:
        model = load(folder).twin(identify=True)
        for chunk in chain(first, chunks):
            yield answer_chunk(model, chunk)
        return
    load(folder)  # what is wrong with it is told by this process, not by a pool of them
    yield from _in_parallel(folder, chain(first, chunks), processes)


def answer_chunk(model: Model, chunk: Numbered) -> Chunk:
    """Answer some numbered lines."""
    found = model.predict_json([line for _, line in chunk])
    problems = [(number, said) for (number, _), said in zip(chunk, found, strict=True) if isinstance(said, Problem)]
    return Chunk([said for said in found if not isinstance(said, Problem)], problems)


def _chunks(lines: Iterable[bytes]) -> Iterator[Numbered]:
    numbered = ((number, line) for number, line in enumerate(_without_mark(lines), 1) if line.strip())
    while chunk := list(islice(numbered, CHUNK)):
        yield chunk


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    rest = iter(lines)
    for line in rest:
        yield line.removeprefix(BOM)
        break
    yield from rest


def _in_parallel(folder: Path, chunks: Iterator[Numbered], processes: int) -> Iterator[Chunk]:
    # Processes that start afresh: torch or onnxruntime may have threads here, which a fork would leave in pieces.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (str(folder),))
    waiting: deque[Future[Chunk]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_answer_here, chunk))
            if len(waiting) >= AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_MODELS: list[Model] = []
"""In a process of the pool: its model."""


def _begin(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them; the first process ends the others
    _MODELS.append(load(folder, check=False).twin(identify=True))


def _answer_here(chunk: Numbered) -> Chunk:
    return answer_chunk(_MODELS[0], chunk)
