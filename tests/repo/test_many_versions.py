"""A long history with many slices: read through an index, which is made again where it is missing, and in little memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from sandbox import git

from ovt.project import Project
from ovt.versions.headlines import INDEX_FILE, headline, headlines
from ovt.versions.history import Version, history, resolve

CELL = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in ("accuracy", "f1_macro", "log_loss", "ece")}


def report(number: int, slices: int) -> bytes:
    """A quality report with so many slices, different in each version."""
    dice = random.Random(number)

    def part() -> dict[str, object]:
        return {"n": 100, **CELL, "accuracy": {"value": round(dice.random(), 6), "low": 0.1, "high": 0.9}}

    split = {"overall": part(), "tags": {}, "slices": {f"s{index:03}": part() for index in range(slices)}}
    value = {"format": "ovt.quality/1", "tasks": {"Intent": {"primary": "accuracy", "splits": {"test": split}}}}
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()


def grow(project: Project, versions: int, slices: int) -> None:
    """Put versions on top of HEAD, each with a report; `git fast-import` makes hundreds in a second."""
    head, stream = git(project.root, "rev-parse", "HEAD"), []
    for number in range(versions):
        body, message = report(number, slices), b"version %d" % number
        stream.append(b"commit refs/heads/main\ncommitter Ada <ada@example.org> %d +0000\ndata %d\n%s\n" % (
            1_700_000_000 + 60 * number, len(message), message))
        stream.append(b"from %s\n" % head.encode() if number == 0 else b"")
        stream.append(b"M 100644 inline reports/quality.json\ndata %d\n%s\n" % (len(body), body))
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=project.root, input=b"".join(stream), check=True)
    git(project.root, "reset", "-q", "--hard")


def test_the_index_says_what_the_reports_say_and_is_made_again(recorded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(recorded, 12, 3)
    versions = history(recorded, limit=12)
    plain = [headline(recorded, version) for version in versions]
    assert len({found["Intent"] for found in plain}) == 12
    assert headlines(recorded, versions) == plain
    index = recorded.cache / INDEX_FILE
    good = index.read_bytes()
    for content in (b"{half", b"[]", b'{"format": "ovt.headlines/0", "headlines": {}}', None):
        if content is None:
            index.unlink()
        else:
            index.write_bytes(content)
        assert headlines(recorded, versions) == plain
        assert index.read_bytes() == good

    def unread(project: Project, version: Version) -> dict[str, float]:
        raise AssertionError(f"{version.spec} was read again")

    monkeypatch.setattr("ovt.versions.headlines.headline", unread)
    assert headlines(recorded, versions) == plain


def test_the_workspace_is_never_indexed(recorded: Project) -> None:
    (recorded.reports / "quality.json").write_bytes(report(1, 1))
    here = resolve(recorded, "workspace")
    before = headlines(recorded, [here])
    (recorded.reports / "quality.json").write_bytes(report(2, 1))
    assert headlines(recorded, [here]) != before


@pytest.mark.slow
def test_five_hundred_versions_of_two_hundred_slices(recorded: Project) -> None:
    grow(recorded, 500, 200)
    where = ["-C", str(recorded.root)]
    code = ("import resource, sys\nfrom ovt.cli.main import main\nassert main(sys.argv[1:]) in (0, 1)\n"
            "usage = resource.getrusage(resource.RUSAGE_SELF)\n"
            "print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)")

    def measured(*words: str) -> tuple[float, int]:
        done = subprocess.run([sys.executable, "-c", code, *where, *words], capture_output=True, text=True, check=True)
        seconds, memory = done.stderr.splitlines()[-1].split()
        return float(seconds), int(memory)

    cold = measured("log", "-n", "500")
    warm = measured("log", "-n", "500")
    assert warm[0] < 0.5
    assert warm[0] < cold[0] / 3
    assert max(cold[1], warm[1]) < 200 * 1024  # KiB
    first, last = resolve(recorded, "HEAD~499"), resolve(recorded, "HEAD")
    assert headline(recorded, first) != headline(recorded, last)
