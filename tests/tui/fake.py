"""A gateway without a repository, and the app on it: `python fake.py` opens it in a terminal (the tmux test does)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.functions.listing import Place
from ovt.functions.rules import Rule, written
from ovt.quality.answers import Answer
from ovt.quality.attribution.causes import FlipCause, grouped
from ovt.quality.changed import ChangedSource
from ovt.quality.disagreements import Disagreement
from ovt.quality.slicediff import Flip, Side, SliceDiff, SliceRow, SourceVote
from ovt.schema.spec import Payload, Schema, Task
from ovt.supervision.rule_trial import RuleHit, RuleTrial
from ovt.versions.history import Version
from ovt.versions.queue import Job, JobProgress
from ovt.workflows.attribution.causes import FlipCauses
from ovt.workflows.background.jobs import JobStatus
from ovt.workflows.committing.definitions import Definition, Written
from ovt.workflows.labeling.corrections import Correction
from ovt.workflows.labeling.disagreements import Disagreements
from ovt.workflows.labeling.rules import WrittenRule
from ovt.workflows.review.question import Question
from ovt.workflows.review.votes import ItemVotes
from ovt_tui.errands import Fetched, Recorded, Stopped

if TYPE_CHECKING:
    from ovt.errors import OvtError
    from ovt.quality.answers import Wanted

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

BEFORE = ItemVotes((SourceVote("weak1", "president", 0.71, -0.9, 0.88), SourceVote("weak2", "height", 0.83, 1.6, 0.29),
                    SourceVote("old_lf", None, 0.6)), (("height", 0.67), ("president", 0.33)))
AFTER = ItemVotes((SourceVote("weak1", "president", 0.7, 0.85, 0.66), SourceVote("weak2", "height", 0.82, -1.5, 0.95),
                   SourceVote("new_lf", "president", 0.9, 2.2, 0.34, decisive=True)),
                  (("president", 0.82), ("height", 0.18)))

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
STORED = {
    "q-17": {"id": "q-17", "payloads": {**RECORD["payloads"], "entities": list(RECORD["payloads"]["entities"].values())}},
    "q-30": {"id": "q-30", "payloads": {"tokens": ["how", "old"], "query": "how old is the queen"}},
}
"""What the stores of the versions have; the working tree has q-17 alone."""

OLD_CODE = ('@slicing_function("disambiguation")', "def several(r):", "    return len(r.entities) > 1")
NEW_CODE = (*OLD_CODE[:2], "    return len(r.entities) > 2")
DEFINITIONS = {
    "disambiguation": Definition("slicing", "disambiguation", Written("slices/a.py", 4, OLD_CODE, OLD_CODE, "1"),
                                 Written("slices/a.py", 4, NEW_CODE, NEW_CODE, "2"), Place("slices/a.py", 5, "2")),
    "new_lf": Definition("labeling", "new_lf", None, Written("labelers/new.py", 1, NEW_CODE, NEW_CODE, "3"),
                         Place("labelers/new.py", 1, "3")),
}
ANSWERS = (
    Answer("Intent", "q-40", 0, "height", "height", "president", 0.7, 0.8, "came"),
    Answer("Intent", "q-41", 0, "height", "president", "height", 0.6, 0.9, "left"),
    Answer("Intent", "q-17", 0, "height", "president", "president", 0.8, 0.64),
)

TOKEN_FLIP = Flip("EntityType", "q-17", 4, "broken", '["title"]', '["title"]', '["person"]', 0.6, 0.7, ())
TOKEN_ANSWERS = (
    *(Answer("EntityType", "q-17", at, "[]", "[]", "[]", 0.9, 0.9) for at in range(4)),
    Answer("EntityType", "q-17", 4, '["title"]', '["title"]', '["person"]', 0.6, 0.7),
)


def causes_of(task: str, slice_: str | None, flips: tuple[Flip, ...], causes: tuple[FlipCause, ...]) -> FlipCauses:
    """Flips with the causes given, in order; what is left over is unknown."""
    found = (*causes, *[FlipCause("unknown", None)] * len(flips))[:len(flips)]
    kinds: dict[str, Any] = {"new_lf": "new"}
    return FlipCauses(task, slice_, flips, found, tuple(grouped(flips, found, kinds)), 1, 1)


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
        "spec": commit or "workspace", "commit": commit, "key": (commit or "w")[0], "subject": subject, "author": "Ada", "when": 0,
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


def job(number: int, state: Any, key: str, fraction: float | None = None, why: str = "") -> JobStatus:
    """A job of the background."""
    now = None if fraction is None else JobProgress("train", "epoch 4 of 10", fraction)
    return JobStatus(Job(key, key[0] * 40, number, state, queued=1_700_000_000, why=why, branch="main"), now)


DISAGREEMENTS = Disagreements(
    "HEAD",
    (
        Disagreement("gold", "dev", "Intent", "q-40", 0, "height", 0.97, "salad", None, None, "is a salad high in iron"),
        Disagreement("gold", "dev", "Intent", "q-41", 0, "president", 0.81, "height", "height", 0.9, "how high is the house"),
        Disagreement("gold", "dev", "Intent", "q-42", 0, "height", 0.66, "age", "height", 0.7, "how old is the oak"),
        Disagreement("sources", "dev", "Intent", "q-43", 0, "age", 0.9, "age", "height", 0.8, "is the oak older than tall"),
        Disagreement("open", "train", "Intent", "q-50", 0, None, None, None, "salad", 0.34, "what is in a caesar"),
        Disagreement("silent", "train", "Intent", "q-51", 0, None, None, None, None, None, "tell me about spinach"),
    ),
    (3, 90), (11, 212), shows_test=False, silent=1,
)
SPOILED = Disagreement("gold", "test", "Intent", "q-90", 0, "height", 0.93, "salad", "salad", 0.6, "a secret of the exam")


def hit(record: str, vote: str, gold: str | None, against: tuple[str, ...] = ()) -> RuleHit:
    """One item that a rule votes on."""
    return RuleHit(record, 0, vote, gold, against, f"text of {record}")


def question(task: str, record_id: str) -> Question:
    """What is asked about a record: choices, tokens, spans or candidates, by the task."""
    about = {"task": task, "id": record_id, "split": "dev", "text": "how tall is the president", "corrected": False,
             "said_by": "gold", "spans": False, "items": ()}
    if task == "EntityType":
        return Question(**about | {"kind": "bitvector", "items": ("how", "tall", "is", "the", "president"),
                                   "choices": ("food", "person", "title"), "labels": ((), (), (), (), ("title",))})
    if task == "IntentArg":
        return Question(**about | {"kind": "select", "choices": ("President_(title)", "Height"), "labels": (1,)})
    if task == "Slots":
        return Question(**about | {"kind": "multiclass", "spans": True, "items": ("how", "tall", "is", "the", "president"),
                                   "choices": ("measure", "title"), "labels": ("O", "O", "O", "B-title", "I-title")})
    return Question(**about | {"kind": "multiclass", "choices": ("age", "height", "president", "salad"),
                               "labels": ("height",), "corrected": record_id == "q-42"})


@dataclass
class FakeGateway:
    """Answers from constants; an error in `errors` is raised instead, by the name of the method."""

    diff: SliceDiff | None = None
    flip_list: tuple[Flip, ...] = FLIPS
    version_list: tuple[Version, ...] = VERSIONS
    errors: dict[str, BaseException] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    reports: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    job_list: tuple[JobStatus, ...] = ()
    change_list: tuple[str, ...] = ("labelers/words.yaml changed", "label will run: labelers changed")
    new_commit: str | None = "e" * 40
    first: bool = False
    fetched: Fetched = Fetched(1, 12)  # noqa: RUF009 - frozen
    disagreement_list: Disagreements = DISAGREEMENTS
    cause_list: tuple[FlipCause, ...] = (FlipCause("vote", "new_lf"), FlipCause("unknown", None))
    answer_list: tuple[Answer, ...] = ANSWERS
    token_answers: tuple[Answer, ...] = ()
    definitions: dict[str, Definition] = field(default_factory=lambda: dict(DEFINITIONS))
    root: Path = Path("/nowhere")
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

    def votes_on(self, spec: str, task: str, record_id: str, position: int) -> ItemVotes:
        self._answer("votes_on", spec, task, record_id, position)
        return BEFORE if spec in {"HEAD~1", "a" * 12} else AFTER

    def causes(self, a: str, b: str, task: str | None, slice_: str | None) -> list[FlipCauses]:
        self._answer("causes", a, b, task, slice_)
        tasks = sorted({flip.task for flip in self.flip_list}) if task is None else [task]
        return [causes_of(name, slice_, tuple(flip for flip in self.flip_list if flip.task == name), self.cause_list)
                for name in tasks]

    def cell(self, a: str, b: str, task: str, slice_: str | None, wanted: Wanted) -> list[Answer]:
        self._answer("cell", a, b, task, slice_, wanted)
        return list(self.answer_list)

    def answers(self, a: str, b: str, task: str, record_id: str) -> list[Answer]:
        self._answer("answers", a, b, task, record_id)
        return list(self.token_answers)

    def definition(self, a: str, b: str, kind: Any, name: str) -> Definition:
        self._answer("definition", a, b, kind, name)
        return replace(self.definitions.get(name, Definition(kind, name, None, None, None)), kind=kind, name=name)

    def changed_sources(self, a: str, b: str) -> tuple[ChangedSource, ...]:
        self._answer("changed_sources", a, b)
        return (ChangedSource("weak1", "Intent", "edited", "labelers/weak.py", 3),)

    def records(self, a: str, b: str, ids: Any) -> dict[str, dict[str, Any]]:
        self._answer("records", a, b, tuple(ids))
        return {name: STORED[name] for name in ids if name in STORED}

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

    def jobs(self) -> list[JobStatus]:
        self._answer("jobs")
        return list(self.job_list)

    def changes(self) -> list[str]:
        self._answer("changes")
        return list(self.change_list)

    def run(self, progress: Any, stop: threading.Event) -> Recorded:
        self._answer("run")
        return self._work(progress, stop)

    def commit(self, message: str, progress: Any, stop: threading.Event) -> Recorded:
        self._answer("commit", message)
        return replace(self._work(progress, stop), commit=self.new_commit, files=3, first=self.first)

    def _work(self, progress: Any, stop: threading.Event) -> Recorded:
        progress.update("label", "labelers changed")
        progress.update("train", "epoch 3 of 10", 3, 10)
        progress.note("labeling functions: 2 passes run")
        if "work" in self.held:
            assert self.held["work"].wait(10)
        if "work" in self.errors:
            raise self.errors["work"]
        if stop.is_set():
            raise Stopped("stopped: nothing was committed")
        return Recorded({"compile": "unchanged", "label": "ran", "train": "ran", "evaluate": "restored"})

    def fetch(self, spec: str, progress: Any, stop: threading.Event) -> Fetched:
        progress.update("pull", "objects", 3, 12)
        self._answer("fetch", spec)
        if stop.is_set():
            raise Stopped("stopped")
        return self.fetched

    def report(self, spec: str, name: str) -> dict[str, Any] | None:
        self._answer("report", spec, name)
        if (spec, name) in self.reports:
            return self.reports[spec, name]
        old = spec in {"HEAD~1", "a" * 40, "a" * 12}
        return quality(0.06 if old else 0.0) if name == "quality.json" else sources(old=old)

    def disagreements(self, spec: str, task: str, slice_: str | None, *, show_test: bool) -> Disagreements:
        self._answer("disagreements", spec, task, slice_, show_test)
        found = self.disagreement_list
        return replace(found, shows_test=True, rows=(SPOILED, *found.rows)) if show_test else found

    def try_rule(self, rule: Rule, errors: Any, still_wanted: Any) -> RuleTrial:
        self._answer("try_rule", rule.pattern, rule.label, len(errors))
        entry = written({"name": rule.name, "task": rule.task, "keyword": [rule.pattern], "label": rule.label})
        if rule.pattern == "nowhere":
            return RuleTrial(entry, 80, 80, 80, 0, 0, 0, 0, 0, 0, ())
        hits = (hit("q-60", rule.label, "age", ("weak1", "weak2")), hit("q-61", rule.label, None), hit("q-62", rule.label, rule.label))
        return RuleTrial(entry, 80, 80, 80, 12, 9, 10, 7, 2, 1, hits)

    def write_rule(self, rule: Rule, file: str) -> WrittenRule:
        self._answer("write_rule", rule, file)
        return WrittenRule(rule.name, file, 7, f"{{name: {rule.name}}}", b"", b"x")

    def take_back(self, rule: WrittenRule) -> None:
        self._answer("take_back", rule.name)

    def question(self, task: str, record_id: str) -> Question:
        self._answer("question", task, record_id)
        return question(task, record_id)

    def correct(self, task: str, record_id: str, said: Any) -> list[Correction]:
        self._answer("correct", task, record_id, list(said))
        return [Correction(record_id, task, label, position, "ada@example.org", "dev", "supervision/corrections.jsonl")
                for label, position in said]


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


def wrong_labeler() -> OvtError:
    """What a run answers where a labeling function is wrong."""
    from ovt.errors import ProjectError

    return ProjectError("`keyword` needs at least one word", at="labelers/words.yaml:7", why="the list is empty",
                        fix="name a word", command="ovt label")


if __name__ == "__main__":
    from ovt_tui.app import SliceApp

    SliceApp(FakeGateway(), "HEAD~1", "HEAD").run()
