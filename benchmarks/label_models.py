"""Label models side by side: ovt, Snorkel, crowd-kit, skweak and majority vote on public and made votes.

    OVT_REAL_DATA=DIR python benchmarks/label_models.py [--environments DIR] [--limit SECONDS] [SET…]

Each peer is installed into an environment of its own below DIR (default: a temporary folder), so that none disturbs
ovt or another. Every method gets the same votes, of all splits, and the gold of dev where the set has any: Snorkel
takes the class balance from it, ovt all that it uses gold for; crowd-kit and skweak have no place for it. One process
for each run, one thread; CPU seconds and memory are those of fit and predict, without imports and reading.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from agreement import paired_interval, quality
from label_tables import CROWDS, NO_GOLD, tables
from measuring import RESULTS, THREADS, machine
from vote_sets import Exam, copies, crowd, read_set, sparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
TIME_LIMIT = 300
"""CPU seconds that a method may take on a set, imports included, unless `--limit` says otherwise."""
PATIENCE = 6
"""How much longer than that it may take by the clock, on a machine that is busy."""
MADE = {"made-copies": lambda: copies(1_000_000), "made-sparse": sparse, "made-crowd": crowd}
PUBLIC = ("youtube", "bc5cdr", "webquestions", "crowd_bluebird", "crowd_dog", "crowd_product", "crowd_rte", "crowd_sp",
          "crowd_web", "crowd_zencrowd_us")
OURS = "ovt"


@dataclass(frozen=True)
class Method:
    """One label model of one package."""

    name: str
    runner: str
    environment: str | None
    """Its requirements file; None: ovt's own environment."""
    kinds: tuple[str, ...] = ("multiclass", "BIO", "select")
    cells: float = float("inf")
    """More items × sources than this do not fit into memory as the dense matrix that it needs."""


METHODS = (
    Method(OURS, "run_ovt", None),
    Method(NO_GOLD, "run_ovt", None),
    Method("majority vote", "run_ovt", None),
    Method("Snorkel", "run_snorkel", "snorkel", ("multiclass", "BIO"), 1e8),
    Method("Dawid–Skene", "run_crowdkit", "crowdkit"),
    Method("one-coin", "run_crowdkit", "crowdkit"),
    Method("GLAD", "run_crowdkit", "crowdkit"),
    Method("MACE", "run_crowdkit", "crowdkit"),
    Method("skweak HMM", "run_skweak", "skweak", ("BIO",)),
    Method("skweak NB", "run_skweak", "skweak", ("BIO",)),
)


@dataclass(frozen=True)
class Result:
    """What a method made of a set."""

    method: str
    why_not: str = ""
    probabilities: np.ndarray | None = None
    seconds: float = 0.0
    mb: float = 0.0


def main() -> None:
    """Measure the sets that are named, or all; results of the others are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--environments", type=Path, help="where the peers are installed, and found the next time")
    parser.add_argument("--limit", type=int, default=TIME_LIMIT, help="CPU seconds that a method may take on a set")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ovt-label-models-") as scratch:
        environments = asked.environments or Path(scratch) / "environments"
        kept = _kept()
        for exam in exams(asked.sets):
            found = [_run(method, exam, environments, Path(scratch), asked.limit) for method in METHODS]
            kept[exam.name] = [as_row(exam, result, found[0]) for result in found]
            _tell(exam, kept[exam.name])
            save(kept)


def exams(names: Sequence[str]) -> Iterator[Exam]:
    """The sets in order; public ones only where OVT_REAL_DATA says where they are."""
    base = os.environ.get("OVT_REAL_DATA")
    public = PUBLIC if base else ()
    for name in names or (*public, *MADE):
        if name in MADE:
            yield MADE[name]()
        elif base is None:
            raise SystemExit("set OVT_REAL_DATA to the folder of data sets")
        else:
            yield read_set(Path(base) / name)


def _run(method: Method, exam: Exam, environments: Path, scratch: Path, limit: int = TIME_LIMIT) -> Result:
    excuse = _excuse(method, exam)
    if excuse:
        return Result(method.name, excuse)
    folder, out = scratch / "votes", scratch / "out"
    exam.votes.save(folder)
    out.mkdir(exist_ok=True)
    python = sys.executable if method.environment is None else environment(environments, method.environment)
    runner = str(HERE / "peers" / f"{method.runner}.py")
    why_not = _failure([str(python), runner, method.name, str(folder), str(out)], limit)
    if why_not:
        return Result(method.name, why_not)
    spent = json.loads((out / "spent.json").read_text(encoding="utf-8"))
    return Result(method.name, "", np.load(out / "probabilities.npy"), spent["seconds"], spent["mb"])


def _excuse(method: Method, exam: Exam) -> str:
    """Why a method is not run on a set; empty if it is."""
    if exam.votes.kind not in method.kinds:
        return "not for this kind of task"
    if exam.votes.n_items * exam.votes.n_sources > method.cells:
        return "needs a dense matrix that does not fit"
    if method.name == NO_GOLD and exam.votes.balance() is None:
        return "no gold in this set: the same as ovt"
    return ""


def _failure(command: Sequence[str], limit: int) -> str:
    """Run it; why it failed, empty if it did not."""
    late = f"more than {limit} s"
    try:
        done = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True, text=True, check=False,
                              timeout=PATIENCE * limit, preexec_fn=lambda: _limited(limit))
    except subprocess.TimeoutExpired:
        return late
    if done.returncode == -signal.SIGXCPU:
        return late
    last = done.stderr.strip().splitlines()[-1:] or [f"killed by signal {-done.returncode}"]
    return f"fails: {last[0][:80]}" if done.returncode else ""


def _limited(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10))


def environment(folder: Path, name: str) -> Path:
    """The Python of a peer's own environment, made if it is not there yet."""
    python = folder / name / "bin" / "python"
    if not (folder / name / ".installed").is_file():
        venv.create(folder / name, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement",
                        str(HERE / "peers" / f"{name}.txt")], check=True)
        (folder / name / ".installed").touch()
    return python


def as_row(exam: Exam, result: Result, ours: Result) -> dict[str, Any]:
    """A line of the table; the interval is that of ovt minus this method, paired by item (spans: by sequence)."""
    if result.probabilities is None:
        return {"method": result.method, "why_not": result.why_not}
    found = quality(exam, result.probabilities)
    row: dict[str, Any] = {"method": result.method, **found.rounded(), "seconds": result.seconds, "mb": result.mb}
    if result.method != OURS and ours.probabilities is not None:
        row["ours_minus_this"] = paired_interval(exam, ours.probabilities, result.probabilities)
    return row


def save(kept: dict[str, list[dict[str, Any]]]) -> None:
    """Write `results/label_models.json`, with the mean over the crowds and over all public sets."""
    order = [name for name in PUBLIC if name in kept] + sorted(set(kept) - set(PUBLIC))
    sets = {name: kept[name] for name in order}
    over = {CROWDS: means(kept, "crowd_"), "all public sets": means(kept, "")}
    value = {"format": "ovt.benchmark/1", "title": "Label models", "sets": sets, "means": over,
             "tables": tables(sets, over), "machine": machine(("ovt", "numpy")) | {"peers": peers()}}
    (RESULTS / "label_models.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def peers() -> dict[str, str]:
    """The versions that are installed, as the requirements say."""
    used = sorted({method.environment for method in METHODS if method.environment is not None})
    lines = [line for name in used for line in (HERE / "peers" / f"{name}.txt").read_text("utf-8").split()]
    return dict(line.split("==") for line in lines)


def means(kept: dict[str, list[dict[str, Any]]], prefix: str) -> dict[str, dict[str, float]]:
    """By method: mean quality over the public sets of a prefix, for the methods that ran on all of them."""
    sets = [name for name in PUBLIC if name in kept and name.startswith(prefix)]
    found: dict[str, dict[str, float]] = {}
    for method in METHODS:
        rows = [row for name in sets for row in kept[name] if row["method"] == method.name and "quality" in row]
        if rows and len(rows) == len(sets):
            found[method.name] = {
                measure: round(float(np.mean([row[measure] for row in rows])), 4) for measure in ("quality", "log_loss")
                if all(row[measure] is not None for row in rows)
            } | {"sets": len(rows)}
    return found


def _kept() -> dict[str, list[dict[str, Any]]]:
    path = RESULTS / "label_models.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["sets"]) if path.is_file() else {}


def _tell(exam: Exam, rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{exam.name}: {len(exam.votes.items):,} votes of {exam.votes.n_sources:,} sources")
    for row in rows:
        if "quality" not in row:
            print(f"  {row['method']:<16} – {row['why_not']}")
            continue
        loss = "–" if row["log_loss"] is None else f"{row['log_loss']:.3f}"
        print(f"  {row['method']:<16} {100 * row['quality']:6.2f} %  log-loss {loss}  {row['seconds']:8.2f} s "
              f"{row['mb']:8.0f} MB  {row.get('ours_minus_this', '')}", flush=True)


if __name__ == "__main__":
    main()
