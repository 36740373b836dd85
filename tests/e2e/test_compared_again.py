"""A comparison that takes more than two files: another exam, further seeds, and what is not on this machine."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from person import Person, write_records

from ovt.progress import Silent
from ovt.project import Project
from ovt.storage.objects import cache_folder
from ovt.versions.artifacts import output_hashes
from ovt.versions.history import resolve
from ovt.workflows.review import extra_seeds
from ovt.workflows.review.compare import ONE_SEED, compare, confirm, flips

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.quality.slicediff import SliceDiff, SliceRow

QUICK = "answers: x\nformat: ovt.tuning/1\nvalues:\n  training: {epochs: 3}\n"


def row_of(diff: SliceDiff, slice_: str | None) -> SliceRow:
    return next(row for row in diff.rows if row.slice == slice_)


def records_of(person: Person) -> list[dict]:
    return [json.loads(line) for line in (person.folder / "data/questions.jsonl").read_text().splitlines()]


def write_again(person: Person, records: list[dict]) -> None:
    (person.folder / "data/questions.jsonl").unlink()  # it may be a link into DVC's cache
    write_records(person.folder / "data/questions.jsonl", records)


def forget(project: Project, output: str, revision: str) -> None:
    """Take an output of a version out of DVC's cache."""
    digest = output_hashes(project, resolve(project, revision))[output]
    (cache_folder(project) / "files/md5" / digest[:2] / digest[2:]).unlink()


def test_a_changed_exam_is_sat_by_the_base_again(trained: Person, tmp_path: Path) -> None:
    """New gold, new records and a new slice: every row is measured, and the words say which were measured again."""
    trained.write("tuning.lock.yaml", QUICK)
    trained.types("ovt", "commit", "-m", "quick")
    records = records_of(trained)
    changed = [record for record in records if "test" in record["tags"] and "soup" in record["payloads"]["query"]][:4]
    for record in changed:
        record["tasks"]["Intent"]["gold"] = "age"
    records.append({"id": "fresh", "payloads": {"query": "how zzyx is the tower"}, "tasks": {"Intent": {"gold": "zzyx"}},
                    "tags": ["test"]})
    write_again(trained, records)
    trained.write("slices/slices.yaml", (trained.folder / "slices/slices.yaml").read_text() + "bridges: {keyword: [bridge]}\n")
    trained.types("ovt", "commit", "-m", "another exam")
    project = Project(trained.folder)

    # A shared cache folder without the base's model: the rows stay open, and the words say what to type.
    before = {path.name for path in (trained.folder / ".ovt").iterdir()}
    aside = tmp_path / "aside"
    shutil.copytree(cache_folder(project), aside)
    forget(project, "model", "HEAD~1")
    missing = compare(project, "HEAD~1", "HEAD")
    assert {row.slice for row in missing.not_comparable()} == {None, "salads", "bridges"}
    assert any("ovt remote add" in note and "not run again" in note for note in missing.notes)
    assert trained.sees("ovt", "check", "HEAD~1", code=4).stdout.startswith("CANNOT COMPARE")

    # With the model back it is run again; nothing is left behind, and the second look does not compute.
    shutil.copytree(aside, cache_folder(project), dirs_exist_ok=True)
    diff = compare(project, "HEAD~1", "HEAD")
    assert not diff.not_comparable()
    assert {row.slice for row in diff.rows if row.remeasured} == {None, "salads", "bridges"}
    assert row_of(diff, None).n == 126
    assert "`HEAD~1` measured again: 4 records changed gold; 1 record new in the test set" in row_of(diff, None).why
    assert "`HEAD~1` measured again: it had no such slice" in row_of(diff, "bridges").why
    assert row_of(diff, "towers").why.count("measured again") == 0
    assert any("run again on the test set of `HEAD`: 3 rows" in note for note in diff.notes)
    assert any("does not know `zzyx` of `Intent`" in note for note in diff.notes)
    assert compare(project, "HEAD~1", "HEAD") == diff
    assert {path.name for path in (trained.folder / ".ovt").iterdir()} - before <= {"scratch"}
    assert not list((trained.folder / ".ovt/scratch").iterdir())
    assert trained.types("git", "status", "--porcelain") == ""

    # Flips are those of the exam that was compared.
    listed = flips(project, "HEAD~1", "HEAD", "Intent", None)
    assert sum(flip.kind == "broken" for flip in listed) == row_of(diff, None).broken
    assert sum(flip.kind == "fixed" for flip in listed) == row_of(diff, None).fixed

    # The second look of the command line imports nothing heavy.
    script = ("import sys\nfrom ovt.cli.main import main\ncode = main(['diff', 'HEAD~1', 'HEAD'])\n"
              "print(code, [name for name in ('torch', 'pandas', 'dvc') if name in sys.modules], file=sys.stderr)")
    done = trained.sees("python", "-c", script)
    assert done.stderr.strip().splitlines()[-1] == "0 []"


def test_the_base_is_fetched_for_a_changed_exam(trained: Person, tmp_path: Path) -> None:
    records = records_of(trained)
    next(record for record in records if "test" in record["tags"])["tasks"]["Intent"]["gold"] = "another"
    write_again(trained, records)
    trained.types("ovt", "commit", "-m", "gold mended")
    trained.types("ovt", "remote", "add", str(tmp_path / "storage"))
    trained.types("git", "commit", "--quiet", "-m", "remote", "--", ".dvc/config", OVT_SKIP="1")
    trained.types("git", "branch", "base", "HEAD~2")
    trained.types("ovt", "push", "base", "HEAD")
    project = Project(trained.folder)
    forget(project, "model", "base")
    progress = Silent()
    refused = compare(project, "base", "HEAD", progress=progress, fetch=False)
    assert refused.not_comparable()
    diff = compare(project, "base", "HEAD", progress=progress)
    assert not diff.not_comparable()
    assert any("fetching model of `base`" in note for note in progress.notes)


def test_two_more_seeds_of_each_version(trained: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    trained.write("tuning.lock.yaml", QUICK)
    trained.types("ovt", "commit", "-m", "quick")
    project = Project(trained.folder)
    alone = compare(project, "HEAD~1", "HEAD")
    assert alone.notes[-1] == ONE_SEED
    assert row_of(alone, None).seeds == (1, 1)

    none = confirm(project, "HEAD~1", "HEAD", minutes=0)
    assert "0 of 4 more trainings fitted into 0 minutes" in none.notes[-1]
    assert none.rows == alone.rows

    # Someone presses Ctrl-C in the third training: two are kept, and the next call trains the two others.
    trainings: list[tuple[str, int]] = []
    original = extra_seeds.train_seed

    def watched(project, version, seed, progress):
        if len(trainings) == 2:
            trainings.append(("interrupted", seed))
            raise KeyboardInterrupt
        trainings.append((version.spec, seed))
        return original(project, version, seed, progress)

    monkeypatch.setattr(extra_seeds, "train_seed", watched)
    with pytest.raises(KeyboardInterrupt):
        confirm(project, "HEAD~1", "HEAD")
    halfway = compare(project, "HEAD~1", "HEAD")
    assert row_of(halfway, None).seeds == (2, 2)
    diff = confirm(project, "HEAD~1", "HEAD")
    assert trainings == [("HEAD~1", 1), ("HEAD", 1), ("interrupted", 2), ("HEAD~1", 2), ("HEAD", 2)]

    row = row_of(diff, None)
    assert row.seeds == (3, 3)
    assert row.old_spread is not None
    assert row.noise_flip_rate is not None
    assert ONE_SEED not in diff.notes
    assert any("averages over 3 and 3 seeds" in note for note in diff.notes)
    assert row.shipped == pytest.approx(row_of(alone, None).new)

    # Found again: nothing trains, and the plain comparison knows them too.
    assert confirm(project, "HEAD~1", "HEAD") == compare(project, "HEAD~1", "HEAD") == diff
    assert len(trainings) == 5
    told = trained.sees("ovt", "diff", "HEAD~1", "HEAD", "--confirm")
    assert "spread" in told.stdout.splitlines()[0]
    assert trained.types("git", "status", "--porcelain") == ""

    # What `train.replicates` makes is what the cache has.
    settings = (trained.folder / "ovt.yaml").read_text()
    assert "replicates: 1" in settings
    trained.write("ovt.yaml", settings.replace("replicates: 1", "replicates: 3"))
    trained.types("ovt", "commit", "-m", "three seeds")
    trained.types("git", "diff", "--exit-code", "HEAD~1", "HEAD", "--", "data.dvc")
    three = row_of(compare(project, "HEAD~1", "HEAD"), None)
    assert three.seeds == (3, 3)
    assert (three.delta, three.old_spread) == (0, three.new_spread)
    assert three.verdict == "unclear"
