"""How long one waits for `ovt --help`, `log`, `diff` and a run with nothing to do, against DVC doing the like.

    python benchmarks/startup.py [--repository DIR]

Without a repository it makes one from the smallest starter, with two versions.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Row, repeat_command, save

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMES = 5
IDENTITY = {
    "GIT_AUTHOR_NAME": "benchmark", "GIT_AUTHOR_EMAIL": "benchmark@example.org",
    "GIT_COMMITTER_NAME": "benchmark", "GIT_COMMITTER_EMAIL": "benchmark@example.org",
    "DVC_NO_ANALYTICS": "1", "OVT_SKIP": "1",
}
LABELER = "- {name: parcel_words, task: Topic, keyword: [parcel, courier], label: delivery}\n"


def main() -> None:
    """Measure in the repository given, or in a fresh one."""
    parser = argparse.ArgumentParser(description="how long one waits")
    parser.add_argument("--repository", type=Path, help="a project with two versions, such as demo/")
    given = parser.parse_args().repository
    with tempfile.TemporaryDirectory(prefix="ovt-benchmark-") as folder:
        root = given.resolve() if given else _two_versions(Path(folder))
        save("startup", "Waiting for an answer", rows(root), ["dvc", "ovt", "typer"])


def rows(root: Path) -> list[Row]:
    """What is compared, each time in one pair."""
    pairs = [
        ("ovt --help", [tool("ovt"), "--help"], "dvc --version", [tool("dvc"), "--version"], "cpu"),
        ("ovt log", [tool("ovt"), "log"], "dvc metrics show", [tool("dvc"), "metrics", "show"], "wall"),
        ("ovt diff HEAD~1 HEAD", [tool("ovt"), "diff", "HEAD~1", "HEAD"], "dvc metrics diff HEAD~1 HEAD",
         [tool("dvc"), "metrics", "diff", "HEAD~1", "HEAD"], "wall"),
        ("ovt run, nothing to do", [tool("ovt"), "run"], "dvc repro, nothing to do", [tool("dvc"), "repro"], "wall"),
    ]
    found = []
    for what, mine, peer, other, kind in pairs:
        ours, theirs = repeat_command(mine, root, TIMES, IDENTITY), repeat_command(other, root, TIMES, IDENTITY)
        found.append(Row(what, peer, getattr(theirs, f"{kind}_ms"), getattr(ours, f"{kind}_ms"), f"ms {kind}"))
    return found


def tool(name: str) -> str:
    """The command that lies beside this Python, or the one on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise SystemExit(f"no `{name}` here: install the project first (make test does)")
    return found


def _two_versions(folder: Path) -> Path:
    root = folder / "project"
    steps: list[Sequence[str]] = [
        ["ovt", "init", str(root), "--template", "classify"],
        ["ovt", "-C", str(root), "commit", "-m", "first version"],
    ]
    for step in steps:
        repeat_command([tool(step[0]), *step[1:]], folder, 1, IDENTITY)
    labelers = root / "labelers" / "words.yaml"
    labelers.write_text(labelers.read_text(encoding="utf-8") + LABELER, encoding="utf-8")
    repeat_command([tool("ovt"), "commit", "-m", "parcels"], root, 1, IDENTITY)
    return root


if __name__ == "__main__":
    main()
