"""The sources of two versions side by side: what each covers, how right it is, which are new and which are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Change = Literal["new", "gone", "edited", "changed", "same"]
Report = Mapping[str, Any]

NUMBERS = ("coverage", "overlaps", "conflicts", "accuracy")
"""The proportions of a source that stand in its row of the report; `dev_accuracy` lies one level below."""
WORDS: dict[Change, str] = {
    "new": "+ new", "gone": "- gone", "edited": "~ edited", "changed": "≈ moved", "same": "  same",
}
"""`moved`: its code is what it was, its numbers are not."""
_ORDER: dict[Change, int] = {"new": 0, "gone": 1, "edited": 2, "changed": 3, "same": 4}


@dataclass(frozen=True)
class SourcePair:
    """One source of a task, before and after."""

    task: str
    name: str
    old: Mapping[str, float]
    """{} where it is not in that version."""
    new: Mapping[str, float]
    edited: bool = False
    """Its code is another one."""

    @property
    def change(self) -> Change:
        """Whether it came, went, was edited, or has other numbers."""
        if not self.old or not self.new:
            return "new" if self.new else "gone"
        if self.edited:
            return "edited"
        return "same" if self.old == self.new else "changed"


def source_pairs(
    old: Report | None, new: Report | None, task: str | None, edited: Collection[str] = (),
) -> list[SourcePair]:
    """The sources of a task (None: of all), what changed first; `edited` are those whose code is another one."""
    before, after = _by_name(old), _by_name(new)
    found = [
        SourcePair(where, name, before.get((where, name), {}), after.get((where, name), {}), name in edited)
        for where, name in sorted(before.keys() | after.keys())
        if task in {None, where}
    ]
    return sorted(found, key=lambda pair: (_ORDER[pair.change], pair.task, pair.name))


def chosen_model(report: Report | None, task: str) -> str:
    """The label model that a version combined the sources of a task with; empty if it is not told."""
    return str(_task(report, task).get("label_model") or "")


def advice(report: Report | None, task: str) -> list[str]:
    """What the version's report says to do about the sources of a task."""
    return [str(line) for line in _task(report, task).get("advice", [])]


def _task(report: Report | None, task: str) -> Mapping[str, Any]:
    found = (report or {}).get("tasks", {}).get(task, {})
    return found if isinstance(found, dict) else {}


def _by_name(report: Report | None) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (task, row["source"]): _numbers(row)
        for task in (report or {}).get("tasks", {})
        for row in _task(report, task).get("sources", [])
    }


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a source that are known; an accuracy on no dev item is none."""
    dev = (row.get("dev") or {}).get("accuracy")
    found = {name: row.get(name) for name in NUMBERS} | {"dev_accuracy": dev}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
