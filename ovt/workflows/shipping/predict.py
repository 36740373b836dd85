"""A file or stdin of records answered into a file or stdout."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ovt.errors import MissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STDIN = "-"


def predict_stream(
    bundle: Path, source: str, output: Path | None, form: str, tell: Callable[[str], None],
    processes: int | None = None,
) -> tuple[int, int]:
    """Answer every record of a stream, in order.

    Args:
        bundle: the model.
        source: a file of JSON lines, or `-` for stdin.
        output: a file, there whole or not at all; None: stdout.
        form: `jsonl` or `parquet`.
        tell: hears `FILE:LINE: why` of each line that is no record.
        processes: how many may work; None: one for each core.

    Returns:
        Records answered, lines left out.

    Raises:
        UsageError: the source is no file.
        MissingError: the bundle cannot be loaded, or a process was killed.
    """
    from concurrent.futures.process import BrokenProcessPool

    from ovt.serving.streaming import answer_lines, available_cores

    shown = "stdin" if source == STDIN else source
    count = bad = 0
    with ExitStack() as stack:
        lines = stack.enter_context(_opened(source))
        write = stack.enter_context(_written(bundle, output, form))
        try:
            for chunk in answer_lines(bundle, lines, processes or available_cores()):
                for number, problem in chunk.problems:
                    tell(f"{shown}:{number}: {problem}")
                if chunk.answers:
                    write(chunk.answers)
                count, bad = count + len(chunk.answers), bad + len(chunk.problems)
        except BrokenProcessPool:
            raise MissingError("a process that was answering was killed", at=shown, why="mostly for want of memory",
                               fix="use fewer", command=f"ovt predict {source} --processes 1") from None
    return count, bad


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError("the records cannot be read", at=source, why=error.strerror or str(error),
                         fix="name a file of JSON lines, or - for stdin") from None
    with file:
        yield file


@contextmanager
def _written(bundle: Path, output: Path | None, form: str) -> Iterator[Callable[[list[bytes]], object]]:
    if output is None:
        yield _to_lines(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
        fresh = Path(folder, output.name)
        with _into_table(bundle, fresh) if form == "parquet" else _into_lines(fresh) as write:
            yield write
        fresh.replace(output)


@contextmanager
def _into_lines(path: Path) -> Iterator[Callable[[list[bytes]], object]]:
    with path.open("wb") as file:
        yield _to_lines(file)


@contextmanager
def _into_table(bundle: Path, path: Path) -> Iterator[Callable[[list[bytes]], object]]:
    from ovt.serving.reading import read_parts
    from ovt.serving.tables import ParquetAnswers

    with ParquetAnswers(path, read_parts(bundle).schema) as table:
        yield table.write


def _to_lines(file: BinaryIO) -> Callable[[list[bytes]], object]:
    return lambda answers: file.write(b"\n".join([*answers, b""]))
