"""How the benchmarks measure and keep what they found: CPU and wall time, best of several, with the machine named."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).resolve().parent / "results"
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Timing:
    """The fastest of several runs; noise only ever adds time."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    peer: str
    """What ovt is compared with: a tool, or a number that must be reached."""
    theirs: float | None
    ours: float
    unit: str
    """ms, s, % …"""


def repeat(run: Callable[[], object], times: int) -> Timing:
    """Time a function in this process."""
    found = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    return _best(found)


def repeat_command(
    command: Sequence[str], cwd: Path, times: int, environment: Mapping[str, str] | None = None,
) -> Timing:
    """Time a command with all its children, in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed; what it wrote to stderr is shown first.
    """
    found = []
    for _ in range(times):
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False,
                              env={**os.environ, **THREADS, **(environment or {})})
        if done.returncode:
            sys.stderr.buffer.write(done.stderr)
            done.check_returncode()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((cpu, time.perf_counter() - wall))
    return _best(found)


def interleaved(
    commands: Mapping[str, Sequence[str]], cwd: Path, times: int, environment: Mapping[str, str] | None = None,
    before: Callable[[str, int], None] | None = None,
) -> dict[str, Timing]:
    """Time commands in turn, round after round, so that a busy machine is busy for all of them; the medians.

    Args:
        commands: by name.
        cwd: where they run.
        times: rounds.
        environment: on top of this process's.
        before: called with the name and the round before each, untimed.
    """
    found: dict[str, list[Timing]] = {name: [] for name in commands}
    for number in range(times):
        for name, command in commands.items():
            if before is not None:
                before(name, number)
            found[name].append(repeat_command(command, cwd, 1, environment))
    return {name: Timing(round(statistics.median(one.cpu_ms for one in timings), 2),
                         round(statistics.median(one.wall_ms for one in timings), 2))
            for name, timings in found.items()}


def _best(found: Sequence[tuple[float, float]]) -> Timing:
    return Timing(round(1000 * min(cpu for cpu, _ in found), 2), round(1000 * min(wall for _, wall in found), 2))


def save(name: str, title: str, rows: Sequence[Row], packages: Sequence[str]) -> Path:
    """Write `results/NAME.json`, from which the page of the documentation is made."""
    table = {row.what: {key: value for key, value in asdict(row).items() if key != "what"} for row in rows}
    value = {
        "format": "ovt.benchmark/1", "title": title, "rows": table,
        "machine": machine(packages),
    }
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    for row in rows:
        print(f"{row.what}: {row.ours:,} {row.unit} · {row.peer}: {'–' if row.theirs is None else f'{row.theirs:,}'}")
    return path


def kept(name: str) -> list[Row]:
    """The rows that `save` wrote the last time; none if it never did."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return []
    return [Row(what, **row) for what, row in json.loads(path.read_text(encoding="utf-8"))["rows"].items()]


def machine(packages: Sequence[str]) -> dict[str, object]:
    """What it was measured on."""
    return {"cpu": _processor(), "cpus": os.cpu_count(), "python": platform.python_version(),
            "packages": {package: version(package) for package in packages}}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
