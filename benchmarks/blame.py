"""Does `--blame` name the function that did it? Bad functions are planted in a small factoid project, and good ones.

    python -m benchmarks.blame --folder /tmp/blame [--only bad|good|provoked] [--number N | --first N]

Bad: each planted with one or two good changes; right is a blame on the culprit and on nobody else, counted where the
plant broke anything that the check sees (a label model may well see through it). Good: the
check itself should pass, and where it does not, nobody may be named. Provoked: the worst row of a good change is called
a regression although the check does not call it one, and blame is asked who did it: nobody.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.blame_changes import BAD, BASE, GOOD_ONLY, Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ovt.quality.attribution.blame import BlameReport
    from ovt.quality.slicediff import SliceDiff

SHARE = 0.4
"""Of the starter's 8,000 records."""
CLICKS = 0.3
"""Of the starter's clicks: with all of them a label model sees through most of what is planted."""
SILENCED = {"IntentArg": ["linker", "weak1"], "POS": ["tagger"]}
"""Sources that are left out for the same reason: of two functions that disagree, no third one knows better."""
TUNING = (
    "payloads: {tokens: {encoder: cnn, size: 48}, query: {size: 48}, entities: {size: 48}}\n"
    "training: {epochs: 10, batch: 24, learning_rate: 0.005}\n"
)


@dataclass(frozen=True)
class Outcome:
    """What was said about one change."""

    name: str
    culprits: tuple[str, ...]
    broke: tuple[str, ...]
    """Culprits that the check sees a drop of, on the task and slice that they were planted for."""
    regressed: tuple[str, ...]
    confirmed: tuple[str, ...]
    suspected: tuple[str, ...]
    notes: tuple[str, ...]
    trained: int
    seconds: float

    @property
    def named(self) -> set[str]:
        """Whoever is blamed, whatever the confidence."""
        return {*self.confirmed, *self.suspected}

    @property
    def right(self) -> bool:
        """Each culprit that broke what it was planted for is named, and nobody who is innocent."""
        return set(self.broke) <= self.named and not self.strangers

    @property
    def strangers(self) -> set[str]:
        """Who is named and innocent."""
        return self.named - set(self.culprits)


def make_project(folder: Path) -> None:
    """A small factoid project with its base committed; changes show because few sources cover anything."""
    shutil.rmtree(folder, ignore_errors=True)
    _ovt(folder.parent, "init", str(folder), "--template", "factoid")
    quota = folder / "generator/kb/questions.json"
    raw = json.loads(quota.read_text())
    raw["quota"] = {name: max(20, round(count * SHARE)) for name, count in raw["quota"].items()}
    quota.write_text(json.dumps(raw))
    clicks = folder / "generator/kb/clicks.json"
    raw = json.loads(clicks.read_text())
    raw = {group: [CLICKS * coverage, cards] for group, (coverage, cards) in raw.items()}
    clicks.write_text(json.dumps(raw))
    generate = folder / "generate.py"
    generate.write_text(generate.read_text().replace("TEST, DEV = 0.25, 0.10", "TEST, DEV = 0.40, 0.03"))
    _drop_task(folder, "EntityType")
    subprocess.run([sys.executable, "generate.py"], cwd=folder, check=True)
    write(folder, {**BASE, "tuning.yaml": TUNING})
    settings = folder / "ovt.yaml"
    settings.write_text(settings.read_text().replace("code: []", "code: [words]").replace(
        "hooks: {train: background}", 'hooks: {train: "off"}').replace(", minimum: 0.7", ""))
    subprocess.run(["git", "-C", str(folder), "add", "-A"], check=True)
    _ovt(folder, "commit", "-m", "Base")


def _drop_task(folder: Path, task: str) -> None:
    """Without the task that takes longest to learn: half converged, it would wobble by more than anything planted."""
    schema = json.loads((folder / "schema.json").read_text())
    del schema["tasks"][task]
    (folder / "schema.json").write_text(json.dumps(schema, indent=1))
    generate = folder / "generate.py"
    text = generate.read_text()
    end = "return {task: votes for task, votes in tasks.items() if votes}"
    assert end in text
    kept = f"""    tasks.pop("{task}", None)
    for task, silent in {SILENCED!r}.items():
        tasks[task] = {{name: vote for name, vote in tasks[task].items() if name not in silent}}
    {end}"""
    generate.write_text(text.replace(f"    {end}", kept))


def write(folder: Path, files: dict[str, str | None]) -> None:
    """Put a change into the working tree."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def apply(folder: Path, change: Change) -> None:
    """The change, on a clean base."""
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "--", "."], check=True)
    subprocess.run(["git", "-C", str(folder), "clean", "-qfd", "labelers", "supervision", "words"], check=True)
    shutil.rmtree(folder / "supervision", ignore_errors=True)
    (folder / "supervision.dvc").unlink(missing_ok=True)
    write(folder, change.files)
    if change.vendors:
        write(folder, {"supervision/vendor.jsonl": _vendor_rows(folder, *change.vendors)})


def _vendor_rows(folder: Path, words: tuple[str, ...], label: str) -> str:
    """Train questions labelled as the launch rules label them, and those with one of the words otherwise."""
    rows = []
    for path in sorted((folder / "data").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            said = record["tasks"].get("Intent", {}).get("weak1")
            found = label if set(words) & set(record["payloads"]["tokens"]) else said
            if "train" in record["tags"] and found:
                rows += [{"id": record["id"], "task": "Intent", "source": f"vendor/{name}", "label": found}
                         for name in "ab"]
    return "".join(json.dumps(row) + "\n" for row in rows)


def examine(folder: Path, change: Change, *, provoke: bool, minutes: float) -> Outcome:
    """Train the change, compare it with the base, and ask who did it."""
    from ovt.progress import Silent
    from ovt.project import Project
    from ovt.workflows.attribution.blame import blame
    from ovt.workflows.review.compare import compare
    from ovt.workflows.run import run_all

    apply(folder, change)
    project = Project(folder)
    run_all(project, Silent())
    diff = compare(project, "HEAD", "workspace")
    if provoke:
        diff = _worst_row_regressed(diff)
    rows = tuple(f"{row.task}/{row.slice or 'all'} {row.delta:+.3f}" for row in diff.regressed() if row.delta)
    begun = time.perf_counter()
    report = blame(project, diff, minutes=minutes, progress=Silent())
    dropped = {(row.task, row.slice) for row in diff.regressed()}
    return _outcome(change, (dropped, rows), report, time.perf_counter() - begun)


def _outcome(
    change: Change, seen: tuple[set[tuple[str, str | None]], tuple[str, ...]], report: BlameReport, seconds: float,
) -> Outcome:
    sources = [found for found in report.blames if found.kind != "other"]
    culprits = tuple((change.culprit or "").split())
    broke = tuple(name for name, place in zip(culprits, change.where, strict=True) if place in seen[0])
    return Outcome(
        change.name, culprits, broke, seen[1], tuple(found.source for found in sources if found.confirmed),
        tuple(found.source for found in sources if not found.confirmed),
        (*(f"{found.source} {found.at} {found.kind} {found.share:.2f}: {found.why}" for found in report.blames),
         *report.notes), report.retrained, round(seconds, 1),
    )


def _worst_row_regressed(diff: SliceDiff) -> SliceDiff:
    """The row that lost most, by flips, called a regression."""
    lost = [row for row in diff.rows if row.delta is not None and row.delta < 0 and row.n >= 30]
    if not lost:
        return diff
    worst = max(lost, key=lambda row: (row.broken - row.fixed) / row.n ** 0.5)
    return replace(diff, rows=tuple(replace(row, verdict="regressed") if row is worst else row for row in diff.rows))


def _ovt(where: Path, *words: str) -> None:
    subprocess.run([str(Path(sys.executable).parent / "ovt"), *words], cwd=where, check=True)


def show(outcomes: Iterable[Outcome]) -> None:
    """A table."""
    for outcome in outcomes:
        verdict = "NO " if not outcome.right else "ok " if outcome.broke or not outcome.culprits else "-- "
        print(f"{verdict} {outcome.name}: confirmed {', '.join(outcome.confirmed) or '-'}"
              f" · suspected {', '.join(outcome.suspected) or '-'} · {outcome.trained} trainings, {outcome.seconds} s")
        for row in (*outcome.regressed, *outcome.notes):
            print(f"      {row}", flush=True)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/ovt-blame"))
    parser.add_argument("--only", choices=("bad", "good", "provoked"))
    parser.add_argument("--number", type=int, help="only this change of its list")
    parser.add_argument("--first", type=int, default=0, help="begin with this change of its list")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.nice(max(0, 10 - os.nice(0)))
    if not (options.folder / "reports/quality.json").is_file():
        make_project(options.folder)
    found: dict[str, list[Any]] = {}
    for part, changes in (("bad", BAD), ("good", GOOD_ONLY), ("provoked", GOOD_ONLY)):
        if options.only not in {None, part}:
            continue
        chosen = changes[options.first:] if options.number is None else [changes[options.number]]
        found[part] = []
        for change in chosen:
            outcome = examine(options.folder, change, provoke=part == "provoked", minutes=options.minutes)
            show([outcome])
            found[part].append(outcome)
        told = [outcome for outcome in found[part] if outcome.broke or not outcome.culprits]
        right, named = sum(outcome.right for outcome in told), sum(bool(outcome.strangers) for outcome in found[part])
        innocents = f"an innocent named in {named} of {len(found[part])}"
        print(f"{part}: right in {right} of {len(told)}; {innocents}", flush=True)
    if options.output:
        plain = {part: [vars(outcome) for outcome in outcomes] for part, outcomes in found.items()}
        options.output.write_text(json.dumps(plain, indent=1) + "\n")


if __name__ == "__main__":
    main()
