"""What Git users wait for: a commit with hooks, `status`, a run with nothing to do, a long history, one LF of many.

    python benchmarks/versions.py [--versions 500] [--functions 200] [--patience 120]

Each beside the like of Git or DVC, in turns, medians of several rounds. DVC reading a long history takes minutes: it
is stopped after `--patience` seconds, and what is shown then is that number.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Row, interleaved, save
from startup import IDENTITY, _two_versions, tool

from ovt.storage.fingerprint import md5_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 7
SLICES = 200
PLACE = "a number"
HOOK_LIMIT, STATUS_LIMIT, RUN_LIMIT, LOG_LIMIT = 10.0, 250.0, 500.0, 500.0
"""Milliseconds that are promised."""


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description="what Git users wait for")
    parser.add_argument("--versions", type=int, default=500)
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--patience", type=float, default=120.0, help="seconds that a peer may take")
    given = parser.parse_args()
    os.environ.update({name: value for name, value in IDENTITY.items() if name != "OVT_SKIP"})
    with tempfile.TemporaryDirectory(prefix="ovt-benchmark-") as folder:
        project = _two_versions(Path(folder))
        rows = [*commit_rows(project), *nothing_rows(project),
                *function_rows(project, Path(folder) / "stages", given.functions),
                *history_rows(project, given.versions, given.patience)]
        save("versions", "Versions", rows, ["dvc", "ovt"])


def commit_rows(root: Path) -> list[Row]:
    """A commit of a file that is no input: what the hooks add to Git's own time."""
    commands = {"git": ["git", "-c", f"core.hooksPath={os.devnull}", "commit", "-q", "-m", "x"],
                "hooks": ["git", "commit", "-q", "-m", "x"]}
    subprocess.run([tool("ovt"), "hooks", "install"], cwd=root, check=True, capture_output=True)

    def stage(name: str, number: int) -> None:
        (root / "README.txt").write_text(f"{name} {number}\n", encoding="utf-8")
        subprocess.run(["git", "add", "README.txt"], cwd=root, check=True)

    found = interleaved(commands, root, 3 * ROUNDS, before=stage)
    subprocess.run([tool("ovt"), "hooks", "uninstall"], cwd=root, check=True, capture_output=True)
    added = round(found["hooks"].wall_ms - found["git"].wall_ms, 2)
    return [Row("hooks, on top of a commit with no input staged", "promised", HOOK_LIMIT, added, "ms wall")]


def nothing_rows(root: Path) -> list[Row]:
    """Nothing has changed."""
    commands = {"ovt status": [tool("ovt"), "status"], "dvc status": [tool("dvc"), "status"],
                "ovt run": [tool("ovt"), "run"], "dvc repro": [tool("dvc"), "repro"]}
    found = interleaved(commands, root, ROUNDS, {"OVT_SKIP": "1"})
    rows = []
    for mine, peer, limit in (("ovt status", "dvc status", STATUS_LIMIT), ("ovt run", "dvc repro", RUN_LIMIT)):
        rows += [Row(f"{mine}, nothing to do", peer, found[peer].wall_ms, found[mine].wall_ms, "ms wall"),
                 Row(f"{mine}, nothing to do, promised", "promised", limit, found[mine].wall_ms, "ms wall")]
    return rows


def function_rows(root: Path, stages: Path, count: int) -> list[Row]:
    """One of many labeling functions changed: all of them in one stage, or a DVC stage for each."""
    labelers = root / "labelers" / "many.yaml"
    _write_functions(labelers, count, 0)
    subprocess.run([tool("ovt"), "run", "compile", "label"], cwd=root, check=True, capture_output=True,
                   env={**os.environ, "OVT_SKIP": "1"})
    _stage_for_each(stages, count)
    ours, theirs = [], []
    for number in range(1, 4):
        _write_functions(labelers, count, number)
        ours.append(_seconds([tool("ovt"), "run", "compile", "label"], root, 600.0))
        (stages / "f0.txt").write_text(f"changed {number}\n", encoding="utf-8")
        theirs.append(_seconds([tool("dvc"), "repro"], stages, 600.0))
    labelers.unlink()
    what = f"{count} labeling functions, one changed: their labels again"
    return [Row(what, "dvc repro, a stage for each", sorted(theirs)[1], sorted(ours)[1], "s wall")]


def _write_functions(path: Path, count: int, number: int) -> None:
    keywords = [f"courier, n{number}", *(f"w{index}" for index in range(1, count))]
    path.write_text("".join(f"- {{name: word_{index}, task: Topic, keyword: [{words}], label: delivery}}\n"
                            for index, words in enumerate(keywords)), encoding="utf-8")


def _stage_for_each(root: Path, count: int) -> None:
    """A DVC project with its stages and their lock as a first run would leave them; that run takes minutes."""
    root.mkdir()
    for command in (["git", "init", "-q"], [tool("dvc"), "init", "-q"]):
        subprocess.run(command, cwd=root, check=True)
    names = [f"f{index}" for index in range(count)]
    content = {name: f"{name}\n".encode() for name in names}
    for name in names:
        for suffix in ("txt", "out"):
            (root / f"{name}.{suffix}").write_bytes(content[name])
    pipeline = {name: {"cmd": f"cp {name}.txt {name}.out", "deps": [f"{name}.txt"],
                       "outs": [{f"{name}.out": {"cache": False}}]} for name in names}

    def entry(path: str, value: bytes) -> dict[str, Any]:
        return {"path": path, "hash": "md5", "md5": md5_of(value), "size": len(value)}

    lock = {name: {"cmd": f"cp {name}.txt {name}.out", "deps": [entry(f"{name}.txt", content[name])],
                   "outs": [entry(f"{name}.out", content[name])]} for name in names}
    (root / "dvc.yaml").write_text(json.dumps({"stages": pipeline}), encoding="utf-8")
    (root / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": lock}), encoding="utf-8")


def history_rows(root: Path, versions: int, patience: float) -> list[Row]:
    """A long history with hundreds of slices."""
    _grow(root, versions)
    log = [tool("ovt"), "log", "-n", str(versions)]
    subprocess.run(log, cwd=root, check=True, capture_output=True, env={**os.environ, "OVT_SKIP": "1"})
    mine = interleaved({"log": log}, root, ROUNDS, {"OVT_SKIP": "1"})["log"]
    found = [Row(f"ovt log of {versions} versions × {SLICES} slices", "promised", LOG_LIMIT, mine.wall_ms, "ms wall")]
    for peer in (["metrics", "show", "-A"], ["exp", "show", "-A", "--no-pager", "--json"]):
        theirs = _seconds([tool("dvc"), *peer], root, patience)
        found.append(Row(f"the same beside dvc {' '.join(peer[:3])}", f"dvc, stopped after {patience:.0f} s"
                         if theirs >= patience else "dvc", theirs, round(mine.wall_ms / 1000, 3), "s wall"))
    return found


def _grow(root: Path, versions: int) -> None:
    """Versions on top of HEAD by `git fast-import`, each with its own report."""
    value = json.loads((root / "reports" / "quality.json").read_text(encoding="utf-8"))
    metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
    (task,) = value["tasks"].values()
    split = task["splits"]["test"]
    split["slices"] = {f"slice-{index:03}": json.loads(json.dumps(split["overall"])) for index in range(SLICES)}
    head, branch = (subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
                    for words in (["rev-parse", "HEAD"], ["symbolic-ref", "HEAD"]))
    split["overall"]["accuracy"]["value"], metrics["number"] = PLACE, PLACE
    bodies = [(name, json.dumps(content, indent=1, sort_keys=True)) for name, content in (("quality", value),
                                                                                         ("metrics", metrics))]
    parts, first = [], f"from {head}\n"
    for number in range(versions):
        accuracy = f"{random.Random(number).random():.6f}"
        parts.append((f"commit {branch}\ncommitter b <b@example.org> {1_700_000_000 + 60 * number} +0000\n"
                      f"data 7\nversion\n{first if number == 0 else ''}").encode())
        for name, text in bodies:
            body = text.replace(json.dumps(PLACE), accuracy).encode()
            parts.append(b"M 100644 inline reports/%s.json\ndata %d\n%s\n" % (name.encode(), len(body), body))
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=root, input=b"".join(parts), check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=root, check=True)


def _seconds(command: Sequence[str], root: Path, patience: float) -> float:
    """Wall time of one run; `patience` if it takes longer."""
    began = time.perf_counter()
    try:
        subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=patience,
                       env={**os.environ, "OVT_SKIP": "1"})
    except subprocess.TimeoutExpired:
        return patience
    except subprocess.CalledProcessError as error:
        sys.stderr.buffer.write(error.stderr)
        raise
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    main()
