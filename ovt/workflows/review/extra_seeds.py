"""Further seeds of a version, trained after it: kept in the cache by KEY, so that they are found again.

`.ovt/cache/seeds/KEY/SEED.parquet` says what the network of that seed predicts
on the version's own dev and test, `SEED.safetensors` is the network, for an
exam that is yet to come. The predictions are written last: a seed whose
training was interrupted is not there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.quality.metrics import Form
    from ovt.quality.predictions import GradedPredictions
    from ovt.versions.history import Version

FOLDER = "seeds"
INPUTS = ("build/store", "build/labels", "build/slices", "build/gold/dev", "build/gold/test", "build/tags.parquet")
"""What training and evaluation read."""
NAME = re.compile(r"([0-9]+)\.parquet")


def kept_seeds(project: Project, version: Version) -> dict[int, Path]:
    """The predictions of further seeds that are on this machine, by seed, ascending."""
    folder = _folder(project, version)
    if not version.key or not folder.is_dir():
        return {}
    found = {int(match[1]): path for path in folder.iterdir() if (match := NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


def kept_weights(project: Project, version: Version) -> list[Path]:
    """The networks of those seeds, in their order."""
    paths = (path.with_suffix(".safetensors") for path in kept_seeds(project, version).values())
    return [path for path in paths if path.is_file()]


def own_seeds(project: Project, version: Version) -> range:
    """The seeds that the version itself was trained with."""
    from ovt.versions.source import source_of
    from ovt.workflows.review.stand_in import tracked_settings

    train = tracked_settings(source_of(project, version.commit))["train"]
    return range(train["seed"], train["seed"] + train["replicates"])


def train_seed(project: Project, version: Version, seed: int, progress: Progress) -> Path:
    """Train a version with another seed, and keep network and predictions; the file of predictions.

    Raises:
        MissingError: what training reads is not on this machine.
    """
    from ovt.quality.predictions import write_predictions
    from ovt.quality.report import SPLIT_NAMES
    from ovt.stages import train
    from ovt.stages.evaluate import ExamRoom
    from ovt.storage.files import write_bytes
    from ovt.training.model_files import WEIGHTS
    from ovt.workflows.review.stand_in import stand_in

    kept = _folder(project, version) / f"{seed}.parquet"
    with stand_in(project, version, INPUTS, {"seed": seed, "replicates": 1}) as there:
        train.run(there, there.root, progress)
        room = ExamRoom.open(there.build)
        parts = [part for split in SPLIT_NAMES for part in room.answers(there.model, split, progress)]
        write_predictions(there.root / "predictions.parquet", parts)
        write_bytes(kept.with_suffix(".safetensors"), (there.model / WEIGHTS).read_bytes())
        write_bytes(kept, (there.root / "predictions.parquet").read_bytes())
    return kept


def with_kept_seeds(
    parts: Mapping[str, GradedPredictions], kept: Mapping[int, Path], forms: Mapping[str, Form],
) -> dict[str, GradedPredictions]:
    """A version's predictions on test with those of its further seeds; a file that is about others is left out."""
    from ovt.quality.predictions import read_predictions, same_items, with_seeds

    more = [read_predictions(path, forms) for path in kept.values()]
    return {
        task: with_seeds([part, *(found[task] for found in more if task in found and same_items(part, found[task]))])
        for task, part in parts.items()
    }


def _folder(project: Project, version: Version) -> Path:
    return project.cache / FOLDER / version.key
