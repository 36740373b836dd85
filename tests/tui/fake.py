"""A gateway without a repository, and the app on it: `python fake.py` opens it in a terminal (the tmux test does)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ovt.quality.slicediff import Flip, Side, SliceDiff, SliceRow, SourceVote
from ovt.schema.spec import Payload, Schema, Task
from ovt.versions.history import Version

if TYPE_CHECKING:
    from ovt.errors import OvtError

COMMITS = {"HEAD~1": "a" * 40, "HEAD": "b" * 40}

SCHEMA = Schema(
    payloads={
        "tokens": Payload("tokens", "sequence"),
        "query": Payload("query", "singleton", base=("tokens",)),
        "entities": Payload("entities", "set", range="tokens"),
    },
    tasks={
        "EntityType": Task("EntityType", "tokens", "bitvector"),
        "Intent": Task("Intent", "query", "multiclass"),
        "IntentArg": Task("IntentArg", "entities", "select"),
    },
)


def row(task: str, slice_: str | None, **numbers: Any) -> SliceRow:
    """A row with what a test cares about; the rest is plausible."""
    values: dict[str, Any] = {
        "metric": "accuracy", "n": 120, "old": 0.9, "new": 0.9, "delta": 0.0, "low": -0.02, "high": 0.02, "p": 0.8,
        "verdict": "unclear", "broken": 3, "fixed": 3,
    }
    return SliceRow(task=task, slice=slice_, **(values | numbers))


ROWS = (
    row("Intent", "disambiguation", n=212, old=0.912, new=0.851, delta=-0.061, low=-0.097, high=-0.026, p=0.0008,
        verdict="regressed", broken=17, fixed=4, why="drop beyond the floor of 0.005"),
    row("IntentArg", "date:2019-09", n=80, old=0.8, new=0.7, delta=-0.1, low=-0.19, high=-0.02, p=0.02,
        verdict="regressed", broken=10, fixed=2),
    row("EntityType", "rare", n=300, metric="f1_micro", old=0.7, new=0.71, delta=None, low=None, high=None, p=None,
        verdict="not_comparable", broken=0, fixed=0, why="3 records changed gold"),
    row("Intent", "nutrition", n=145, old=0.772, new=0.897, delta=0.125, low=0.06, high=0.19, p=0.0001,
        verdict="improved", broken=2, fixed=20, critical=True),
    row("Intent", None, n=2000, old=0.941, new=0.944, delta=0.003, low=-0.004, high=0.01, p=0.4, broken=40, fixed=46),
    row("IntentArg", None, n=2000, old=0.881, new=0.879, delta=-0.002, low=-0.009, high=0.005, p=0.6),
    row("EntityType", None, metric="f1_micro", n=2000, old=0.95, new=0.951, delta=0.001, low=-0.002, high=0.004),
    row("Intent", "rare", n=9, old=0.667, new=0.778, delta=0.111, low=-0.3, high=0.5, p=None, verdict="thin",
        broken=1, fixed=2, why="9 of 30 records"),
)

FLIPS = (
    Flip("Intent", "q-17", 0, "broken", "height", "height", "president", 0.81, 0.64, ("disambiguation",)),
    Flip("Intent", "q-21", 0, "broken", "salad", "salad", "height", 0.55, 0.91, ("disambiguation",)),
    Flip("Intent", "q-30", 0, "fixed", "age", "height", "age", 0.52, 0.88, ("disambiguation",)),
)

BEFORE = (SourceVote("weak1", "president", 0.71), SourceVote("weak2", "height", 0.83), SourceVote("old_lf", None, 0.6))
AFTER = (
    SourceVote("weak1", "president", 0.7), SourceVote("weak2", "height", 0.82), SourceVote("new_lf", "president", 0.9),
)

RECORD = {
    "id": "q-17",
    "payloads": {
        "tokens": ["how", "tall", "is", "the", "president"],
        "query": "how tall is the president",
        "entities": {"0": {"id": "President_(title)", "range": [4, 5]}, "1": {"id": "Height", "range": [1, 2]}},
    },
    "tasks": {"Intent": {"weak1": "president"}},
    "tags": ["test"],
}


def estimate(value: float) -> dict[str, float]:
    """A metric as the report writes it."""
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def quality(shift: float) -> dict[str, Any]:
    """A quality report whose numbers move with `shift`."""
    slices = {
        "disambiguation": {"n": 212, "accuracy": estimate(0.85 + shift), "confusion": {
            "height": {"height": 90 + round(100 * shift), "president": 10}, "president": {"president": 100, "height": 12},
        }},
        "nutrition": {"n": 145, "accuracy": estimate(0.9 - shift)},
    }
    test = {"overall": {"n": 2000, "accuracy": estimate(0.944 + shift)}, "tags": {}, "slices": slices}
    return {"format": "ovt.quality/1", "model": "m", "eval_set": "e",
            "tasks": {"Intent": {"primary": "accuracy", "splits": {"test": test}}}}


def version(commit: str | None, subject: str, **rest: Any) -> Version:
    """A version of the history."""
    values: dict[str, Any] = {
        "spec": commit or "workspace", "commit": commit, "key": "k", "subject": subject, "author": "Ada", "when": 0,
        "refs": (), "state": "ready", "progress": None, "report": "tree",
    }
    return Version(**(values | rest))


VERSIONS = (
    version(None, "", author="", report="workspace"),
    version("b" * 40, "add salad words", refs=("main",), when=1_700_000_000),
    version("a" * 40, "first version", when=1_690_000_000),
    version("c" * 40, "try crowd", author="Grace", refs=("crowd",), state="pending", progress=0.4, report=None),
    version("d" * 40, "no run yet", state="none", report=None),
)


@dataclass
class FakeGateway:
    """Answers from constants; an error in `errors` is raised instead, by the name of the method."""

    diff: SliceDiff | None = None
    flip_list: tuple[Flip, ...] = FLIPS
    version_list: tuple[Version, ...] = VERSIONS
    errors: dict[str, BaseException] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    reports: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    held: dict[str, threading.Event] = field(default_factory=dict)
    """A method in here waits for its event: what the screen says meanwhile."""

    def _answer(self, method: str, *about: Any) -> None:
        assert threading.current_thread() is not threading.main_thread(), f"{method} on the app's own thread"
        self.calls.append((method, *about))
        if method in self.held:
            assert self.held[method].wait(10)
        if method in self.errors:
            raise self.errors[method]

    def compare(self, a: str, b: str) -> SliceDiff:
        self._answer("compare", a, b)
        found = self.diff or make_diff(ROWS)
        return replace(found, a=side(a, "first version"), b=side(b, "add salad words"))

    def flips(self, a: str, b: str, task: str, slice_: str | None) -> list[Flip]:
        self._answer("flips", a, b, task, slice_)
        return [flip for flip in self.flip_list if flip.task == task]

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> list[SourceVote]:
        self._answer("votes_on", spec, task, record_id, position)
        return list(BEFORE if spec in {"HEAD~1", "a" * 12} else AFTER)

    def record(self, record_id: str) -> dict[str, Any] | None:
        self._answer("record", record_id)
        return RECORD if record_id == "q-17" else None

    def schema(self) -> Schema:
        self._answer("schema")
        return SCHEMA

    def versions(self, limit: int) -> list[Version]:
        self._answer("versions", limit)
        return list(self.version_list)

    def lineage(self, spec: str, limit: int) -> list[Version]:
        self._answer("lineage", spec, limit)
        return list(self.version_list[1:3])

    def report(self, spec: str, name: str) -> dict[str, Any] | None:
        self._answer("report", spec, name)
        if (spec, name) in self.reports:
            return self.reports[spec, name]
        old = spec in {"HEAD~1", "a" * 40, "a" * 12}
        return quality(0.06 if old else 0.0) if name == "quality.json" else sources(old=old)


def sources(*, old: bool) -> dict[str, Any]:
    """A sources report."""
    def source(name: str, coverage: float, accuracy: float, dev: float | None = None) -> dict[str, Any]:
        return {"source": name, "votes": 10, "coverage": coverage, "overlaps": 0.3, "conflicts": coverage / 4,
                "polarity": [], "accuracy": accuracy, "copies": [],
                "dev": None if dev is None else {"accuracy": dev, "n": 20}}

    rows = [source("weak1", 0.6, 0.71 if old else 0.7, 0.7), source("weak2", 0.4, 0.83, 0.8),
            source("old_lf" if old else "new_lf", 0.1, 0.9)]
    return {"format": "ovt.sources/1", "tasks": {"Intent": {
        "label_model": "dawid_skene", "advice": ["20 dev items have gold: label about 100 at random"], "sources": rows,
    }}}


def side(name: str, subject: str) -> Side:
    """A side with the commit that a name stands for."""
    known = {**COMMITS, **{one.commit[:12]: one.commit for one in VERSIONS if one.commit}}
    return Side(name, known.get(name), subject if name != "workspace" else "", "m", "e")


def make_diff(rows: tuple[SliceRow, ...], notes: tuple[str, ...] = ("one seed: no spread between seeds is known",)) -> SliceDiff:
    """A comparison of these rows."""
    return SliceDiff(side("HEAD~1", "first version"), side("HEAD", "add salad words"), rows, notes)


def missing() -> OvtError:
    """What a version without a model answers."""
    from ovt.errors import MissingError

    return MissingError("HEAD has no model yet", at="bbbbbbb", why="its training is pending, 40 %",
                        fix="wait for it, or train it now", command="ovt jobs wait")


if __name__ == "__main__":
    from ovt_tui.app import SliceApp

    SliceApp(FakeGateway(), "HEAD~1", "HEAD").run()
