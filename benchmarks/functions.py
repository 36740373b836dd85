"""Labeling functions on generated records: speed on one core and two, one function added to fifty, a comment edited.

    python benchmarks/functions.py [RECORDS]        # 1,000,000 unless told otherwise

The project is made in a temporary folder: short texts of common and rare words,
fifty functions that look for one word each. Every step is a process of its own
(`ovt stage label`, as DVC runs it), timed by the wall; the peak is that of the
largest process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import THREADS, Row, save

os.environ |= THREADS
SOURCE = Path(__file__).resolve().parent.parent
OVT = Path(sys.executable).parent / "ovt"
RECORDS = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 1_000_000
FUNCTIONS = 50
WORDS, LENGTH = 400, 9
CLASSES = ["age", "height", "place", "weight"]
SCHEMA = {
    "payloads": {"query": {"type": "singleton"}, "device": {"type": "singleton", "dtype": "category"}},
    "tasks": {"Intent": {"payload": "query", "type": "multiclass", "classes": CLASSES}},
}
HEAD = "from ovt import ABSTAIN, labeling_function\n\n\n"
ONE = """@labeling_function(task="Intent"){name}
def f{number:02}(r):
    # looks for one word
    return "{label}" if "w{word:03} " in r.query else ABSTAIN


"""
BATCHED = """@labeling_function(task="Intent", batch=True)
def batched(batch):
    return ["height" if "w007 " in text else None for text in batch.query.tolist()]
"""
ARRAYS = """import numpy as np


@labeling_function(task="Intent", batch=True)
def arrays(batch):
    return np.where(batch.device == "phone", "height", None)
"""
APPLY = """
import os, sys, time
from pathlib import Path
from ovt.data.store import Store
from ovt.functions.processes import running
from ovt.functions.apply import apply_functions
from ovt.functions.discover import discover
from ovt.progress import Silent
from ovt.project import Project

project = Project(Path(sys.argv[1]))
store, functions = Store.open(project.build / "store"), discover(project, "labeling")
start, before = time.perf_counter(), os.times()
apply_functions(project, store, functions, Silent())
wall, after = time.perf_counter() - start, os.times()
print(wall, sum(after[:4]) - sum(before[:4]))
"""
READ = """
import os, sys
from pathlib import Path
import pyarrow as pa
from ovt.data.store import Store
from ovt.functions.processes import running
from ovt.functions.apply import apply_functions
from ovt.functions.discover import discover
from ovt.progress import Silent
from ovt.project import Project

project = Project(Path(sys.argv[1]))
store, functions = Store.open(project.build / "store"), discover(project, "labeling")
log = os.open(project.private / "opened", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)

def tell(path, flags=0):
    if "/build/store/" in str(path) or ("/cache/votes/" in str(path) and not flags & os.O_WRONLY):
        os.write(log, f"{path}\\n".encode())

sys.addaudithook(lambda event, given: tell(given[0], given[2] or 0) if event == "open" else None)
real = pa.memory_map
pa.memory_map = lambda path, *rest: (tell(path), real(path, *rest))[1]
own = {function.key for function in functions if function.name == "f50"}
apply_functions(project, store, functions, Silent())
paths = {Path(line) for line in (project.private / "opened").read_text().splitlines()}
columns = {path for path in paths if "store" in path.parts}
others = [path for path in paths - columns if path.parts[-3] + path.parts[-2] not in own]
print(len(columns), len(others), sum(path.stat().st_size for path in others))
"""


@dataclass(frozen=True)
class Step:
    """One process."""

    seconds: float
    cpu: float
    """Seconds, with all its children."""
    peak_mb: float
    passes: str


def main() -> None:
    """Make the project, then time one step after another."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_project(root)
        stage(root, "compile", 2)
        rows = [*speed(root), *added(root)]
    save("functions", f"Labeling functions on {RECORDS:,} records", rows, ["numpy", "pyarrow", "msgspec"])


def make_project(root: Path) -> None:
    """Records of every split, no inline label but gold on dev."""
    import numpy as np

    random = np.random.default_rng(0)
    (root / "schema.json").write_text(json.dumps(SCHEMA))
    (root / "data").mkdir()
    (root / "labelers").mkdir()
    common = random.zipf(1.3, (RECORDS, LENGTH)) % WORDS
    phones = random.random(RECORDS) < 0.3
    with (root / "data/records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(RECORDS):
            text = " ".join(f"w{word:03}" for word in common[number].tolist()) + " "
            split = "dev" if number % 500 == 0 else "train"
            label = CLASSES[int(common[number].min()) % len(CLASSES)]
            gold = f'{{"Intent": {{"gold": "{label}"}}}}' if split == "dev" else "{}"
            device = "phone" if phones[number] else "speaker"
            file.write(f'{{"id": "r{number}", "payloads": {{"query": "{text}", "device": "{device}"}}, '
                       f'"tasks": {gold}, "tags": ["{split}"]}}\n')


def speed(root: Path) -> list[Row]:
    """One function by itself: a record at a time on one core and two, and in batches."""
    found = []
    for what, text in (("a record at a time", one(7)), ("a batch at a time", BATCHED),
                       ("arrays: a category compared", ARRAYS)):
        alone = {cores: passes(root, HEAD + text, cores)[0] for cores in (1, 2)}
        rate = {cores: round(RECORDS / seconds) for cores, seconds in alone.items()}
        found.append(Row(f"records a second, {what}, two cores", f"one core: {rate[1]:,}", None, rate[2], "records/s"))
    return found


def passes(root: Path, text: str, cores: int, *, times: int = 3) -> tuple[float, float]:
    """Wall and CPU seconds of the passes of new functions, without the start of the process and the label model."""
    write(root, text)
    found = []
    for _ in range(times):
        shutil.rmtree(root / ".ovt/cache/votes", ignore_errors=True)
        found.append([float(number) for number in python(root, APPLY, cores).split()])
    return min(wall for wall, _ in found), min(cpu for _, cpu in found)


def python(root: Path, code: str, cores: int) -> str:
    """What a script prints; its argument is the project."""
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True,
                          env={**os.environ, "OVT_WORKERS": str(cores)})
    return done.stdout


def added(root: Path) -> list[Row]:
    """Fifty functions; then the fifty-first; then a comment."""
    fifty = HEAD + "".join(one(number) for number in range(FUNCTIONS))
    votes, kept = root / ".ovt/cache/votes", root / ".ovt/cache/kept"
    own, own_cpu = passes(root, HEAD + one(FUNCTIONS), 2)
    shutil.rmtree(votes)
    write(root, fifty)
    first = stage(root, "label", 2)
    again = min((stage(root, "label", 2) for _ in range(3)), key=lambda step: step.seconds)
    write(root, fifty + one(FUNCTIONS))
    others = set(votes.glob("*/*"))
    more = []
    for _ in range(3):
        for folder in set(votes.glob("*/*")) - others:
            shutil.rmtree(folder)
        more.append(stage(root, "label", 2))
    one_more = min(more, key=lambda step: step.seconds)
    before = outputs(root)
    write(root, fifty + one(FUNCTIONS).replace("looks for one word", "looks for just one word"))
    comment = stage(root, "label", 2)
    if outputs(root) != before:
        raise SystemExit("a comment changed what the label stage writes")
    for folder in set(votes.glob("*/*")) - others:
        shutil.rmtree(folder)
    read = python(root, READ, 2).split()
    shutil.rmtree(kept, ignore_errors=True)
    bar, cpu_bar = round(1.2 * own + 3, 1), round(1.2 * own_cpu + 3, 1)
    return [
        Row(f"label stage, all {FUNCTIONS} functions, two cores", "their passes and the label model", None,
            round(first.seconds, 1), "s"),
        Row("one function's own pass, two cores", "the measure of the next rows", None, round(own, 2), "s"),
        Row(f"one function added to {FUNCTIONS}, the whole label stage from the shell", "1.2 × its own pass + 3 s", bar,
            round(one_more.seconds, 1), "s"),
        Row("the same in CPU seconds of all its processes", "1.2 × its own pass + 3 s", cpu_bar,
            round(min(step.cpu for step in more), 1), "s CPU"),
        Row(f"the same by the wall, without what the stage takes with nothing new ({again.seconds:.1f} s)",
            "1.2 × its own pass + 3 s", bar, round(max(one_more.seconds - again.seconds, 0), 1), "s"),
        Row("columns of the store that are opened meanwhile", "the one that it reads", 1, int(read[0]), "files"),
        Row(f"what is read for the other {FUNCTIONS}", f"their cached answers, {int(read[2]) / 2**20:.0f} MB",
            None, int(read[1]), "files"),
        Row("passes run after a comment was edited (and the stage writes the same bytes)", "none", 0,
            int(comment.passes.split()[0]), "passes"),
        Row("largest process, one function added", "–", None, round(one_more.peak_mb), "MB"),
    ]


def one(number: int) -> str:
    """A function that looks for one word."""
    return ONE.format(number=number, name="", label=CLASSES[number % len(CLASSES)], word=number)


def write(root: Path, text: str) -> None:
    """The only file of labelers."""
    (root / "labelers/words.py").write_text(text, encoding="utf-8")


def outputs(root: Path) -> dict[str, bytes]:
    """What the label stage wrote."""
    files = [*sorted((root / "build/labels").iterdir()), root / "reports/sources.json"]
    return {path.name: path.read_bytes() for path in files}


def stage(root: Path, name: str, cores: int) -> Step:
    """`ovt stage NAME`."""
    started = time.perf_counter()
    process = subprocess.Popen([OVT, "-C", root, "stage", name], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OVT_WORKERS": str(cores)})
    told = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(told)
    found = re.search(r"(\d+) passes run, \d+ from the cache", told)
    print(f"{name}: {time.perf_counter() - started:.1f} s\n{told}")
    cpu = usage.ru_utime + usage.ru_stime
    return Step(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024, found[0] if found else "")


if __name__ == "__main__":
    main()
