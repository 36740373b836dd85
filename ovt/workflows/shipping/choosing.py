"""Is the int8 network worth it? Timed beside the other on the version's own test records, its mistakes counted."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.serving.model import Model
    from ovt.versions.history import Version

    Gold = dict[str, dict[str, list[str | None]]]

FASTER = 1.1
"""Times as fast as float32 that int8 has to be: less is within what timing can tell."""
LOST = 0.005
"""Accuracy of a task that it may lose."""
TRIED = 2000
"""Test records that are answered by both."""


class Choice:
    """Chooses between the float32 and the int8 network of one version."""

    def __init__(self, project: Project, version: Version, progress: Progress) -> None:
        self._project, self._version, self._progress = project, version, progress

    def choose(self, plain: Model, small: Model) -> bool:
        """Whether int8 is to be served; the reason is told."""
        from ovt.errors import MissingError
        from ovt.serving.cost import interleaved_p50
        from ovt.workflows.shipping.records import test_records

        try:
            ids, lines = test_records(self._project, self._version, TRIED)
        except MissingError as error:
            self._progress.note(f"int8 was not tried: {error.what}")
            return False
        if not lines:
            self._progress.note("int8 was not tried: there are no test records to try it on")
            return False
        slow, fast = interleaved_p50([plain, small], lines)
        gain = slow / fast
        told = f"int8 takes {fast * 1000:.0f} µs for a record where float32 takes {slow * 1000:.0f} µs"
        if gain < FASTER:
            self._progress.note(f"{told}: left out")
            return False
        lost = self._lost(plain, small, ids, lines)
        worst = max(lost.values(), default=0.0)
        shown = ", ".join(f"{task} {-value:+.4f}" for task, value in sorted(lost.items()))
        self._progress.note(f"{told}; accuracy on test: {shown}: {'left out' if worst > LOST else 'served'}")
        return worst <= LOST

    def _lost(self, plain: Model, small: Model, ids: Sequence[str], lines: Sequence[bytes]) -> dict[str, float]:
        """By task, the accuracy on test items with gold that int8 loses."""
        gold = _gold(self._project, self._version)
        before, after = (_accuracies(model, ids, lines, gold) for model in (plain, small))
        return {task: before[task] - after[task] for task in before}


def _accuracies(model: Model, ids: Sequence[str], lines: Sequence[bytes], gold: Gold) -> dict[str, float]:
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    per_item = {task: model.schema.granularity(task) != "record" for task in model.schema.tasks}
    for name, answer in zip(ids, model.predict_json(lines), strict=True):
        tasks = json.loads(answer)["tasks"] if isinstance(answer, bytes) else {}
        for task, said in tasks.items():
            labels = said["label"] if per_item[task] else [said["label"]]
            for label, truth in zip(labels, gold.get(task, {}).get(name, []), strict=False):
                if truth is not None:
                    total[task] += 1
                    right[task] += _written(label) == truth
    return {task: right[task] / count for task, count in total.items()}


def _written(label: Any) -> str:
    """A label as `predictions.parquet` writes it."""
    if isinstance(label, list):
        return json.dumps(sorted(label), ensure_ascii=False, separators=(",", ":"))
    return str(label)


def _gold(project: Project, version: Version) -> Gold:
    import pyarrow.parquet as pq

    from ovt.versions.artifacts import output_path

    path = output_path(project, version, "build/predictions.parquet")
    table = pq.read_table(path, columns=["task", "id", "gold"], filters=[("split", "=", "test")])
    found: Gold = defaultdict(dict)
    for row in table.to_pylist():
        found[row["task"]][row["id"]] = row["gold"]
    return found
