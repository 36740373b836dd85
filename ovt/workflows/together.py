"""`torchrun --nproc-per-node N -m ovt run`: one process does what `ovt run` does, the others train along.

The followers touch nothing of the project but what training reads: what they
train, which is the same model, is written to a scratch folder and deleted.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.project import Project
    from ovt.training.transfer.tools import Tools


def in_team() -> bool:
    """Whether `torchrun` started this process as one of several."""
    return os.environ.get("WORLD_SIZE", "1") != "1" and "RANK" in os.environ


def is_follower() -> bool:
    """Whether this is one of the processes that only train along."""
    return in_team() and os.environ["RANK"] != "0"


@contextmanager
def equipped(tools: Tools, project: Project) -> Iterator[None]:
    """Training inside the block uses the tools, and the other processes where there are some."""
    from dataclasses import replace

    from ovt.training.transfer.tools import using

    if not in_team():
        with using(tools):
            yield
        return
    from ovt.training.threads import use_threads

    use_threads(project.settings.train.threads)
    from ovt.training.transfer.team import joined

    with joined() as team, using(replace(tools, team=team)):
        yield


def follow(project: Project) -> None:
    """Train along whenever the leader trains, until it is done."""
    from ovt.training.threads import use_threads

    use_threads(project.settings.train.threads)
    from ovt.progress import Silent
    from ovt.project import Project
    from ovt.stages import train
    from ovt.storage.files import scratch_folder
    from ovt.training.transfer.team import TRAIN, joined, listen
    from ovt.training.transfer.tools import Tools, using

    with joined() as team, using(Tools(team=team)):
        while listen() == TRAIN:
            with scratch_folder(project.private / "scratch", "follower") as out:
                train.run(Project(project.root, project.shared_cache), out, Silent())
