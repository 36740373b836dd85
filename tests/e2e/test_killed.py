"""`ovt commit` killed at any moment loses nothing: typed again, it gives what an undisturbed one gives."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from person import FOOD, Person

pytestmark = [pytest.mark.slow]
KILLS = 8
LOCK_FILES = ("index.lock", "HEAD.lock", "refs/heads/main.lock", "refs/heads/master.lock")


@pytest.fixture(scope="module")
def undisturbed(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """The lock that a commit nobody disturbs writes, and how long that takes."""
    folder = tmp_path_factory.mktemp("undisturbed") / "project"
    shutil.copytree(trained_template, folder, symlinks=True)
    person = Person(folder)
    person.write("labelers/food.yaml", FOOD)
    started = time.monotonic()
    person.types("ovt", "commit", "-m", "food")
    return (folder / "dvc.lock").read_bytes(), time.monotonic() - started


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_commit_can_be_typed_again(trained: Person, undisturbed: tuple[bytes, float], number: int) -> None:
    lock, seconds = undisturbed
    trained.write("labelers/food.yaml", FOOD)
    moment = seconds * random.Random(number).random()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        ["ovt", "commit", "-m", "food"], cwd=trained.folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(moment)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert (trained.folder / "labelers/food.yaml").read_text(encoding="utf-8") == FOOD
    git_folder = trained.folder / ".git"
    for name in LOCK_FILES:  # Git's own, which Git tells a person to remove: not ours to take
        (git_folder / name).unlink(missing_ok=True)
    trained.types("ovt", "commit", "-m", "food")
    trained.types("git", "fsck", "--strict")
    assert trained.types("git", "status", "--porcelain") == ""
    assert (trained.folder / "dvc.lock").read_bytes() == lock
    assert trained.actions() == dict.fromkeys(("compile", "label", "train", "evaluate"), "unchanged")
