"""`dvc.lock` and `dvc.yaml` stage by stage, `reports/` whole, search and pins by their meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ovt.functions.pins import Pin, format_pins, parse_pins
from ovt.project import STAGES
from ovt.versions.merging.drivers import attributes, is_derived, kind_of
from ovt.versions.merging.results import merge_pins, merge_report, merge_tuning
from ovt.versions.merging.stages import merge_lock, merge_pipeline


def lock(**stages: str) -> bytes:
    """As DVC writes it; a stage is told apart by the hash of its output."""
    entries = {name: {"cmd": f"ovt stage {name}", "deps": [{"path": "x", "hash": "md5", "md5": digest, "size": 1}],
                      "outs": [{"path": name, "hash": "md5", "md5": f"{digest}.dir", "size": 2, "nfiles": 1}]}
               for name, digest in stages.items()}
    return yaml.safe_dump({"schema": "2.0", "stages": entries}, sort_keys=False).encode()


BASE = lock(compile="c", label="l", train="t", evaluate="e")


def test_what_one_side_changed_comes_from_it_byte_for_byte() -> None:
    ours = lock(compile="c", label="l2", train="t2", evaluate="e2")
    assert merge_lock(BASE, ours, BASE).content == merge_lock(BASE, BASE, ours).content == ours
    theirs = lock(compile="c2", label="l", train="t", evaluate="e")
    merged = merge_lock(BASE, ours, theirs)
    assert merged.content == lock(compile="c2", label="l2", train="t2", evaluate="e2")
    assert merged.notes == ()


def test_what_both_changed_is_ours_and_is_told() -> None:
    ours, theirs = lock(compile="c", label="a", train="t", evaluate="a"), lock(compile="c", label="b", train="t", evaluate="b")
    merged = merge_lock(BASE, ours, theirs)
    assert merged.content == ours
    assert merged.notes == ("dvc.lock: label, evaluate differ on both sides: `ovt run` makes them for the merged inputs",)
    assert not merged.conflicts


def test_locks_that_were_not_there() -> None:
    assert merge_lock(b"", BASE, b"").content == BASE
    assert merge_lock(b"", b"", BASE).content == BASE
    assert merge_lock(b"", lock(compile="c"), lock(compile="c", label="l")).content == lock(compile="c", label="l")
    assert merge_lock(BASE, lock(compile="c"), BASE).content == lock(compile="c")


@settings(max_examples=25)
@given(*[st.dictionaries(st.sampled_from([*STAGES, "mine", "my-stage"]), st.sampled_from("abc"))] * 3)
def test_a_merged_lock_is_a_lock_and_holds_only_facts(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str],
) -> None:
    sides = [yaml.safe_load(lock(**side)).get("stages") or {} for side in (base, ours, theirs)]
    found = yaml.safe_load(merge_lock(*(lock(**side) for side in (base, ours, theirs))).content)["stages"] or {}
    for name in {*base, *ours, *theirs}:
        entries = [side.get(name) for side in sides]
        assert found.get(name) in entries[1:]  # never a mixture, and never what both have left behind
        if entries[1] == entries[2] or entries[2] == entries[0]:
            assert found.get(name) == entries[1]
        elif entries[1] == entries[0]:
            assert found.get(name) == entries[2]
    assert [name for name in found if name in STAGES] == [name for name in STAGES if name in found]


PIPELINE = b"# kept by ovt\nvars:\n- a.yaml\nstages:\n  compile:\n    cmd: ovt stage compile\n    deps: [%s]\n  mine:\n    cmd: %s\nparams: []\n"


def test_a_pipeline_by_stage() -> None:
    base, ours, theirs = PIPELINE % (b"data", b"a"), PIPELINE % (b"data, tags", b"a"), PIPELINE % (b"data, slices", b"b")
    merged = merge_pipeline(base, ours, theirs, None)
    assert merged.content == PIPELINE % (b"data, tags", b"b")
    assert merged.conflicts == ()
    clash = merge_pipeline(base, PIPELINE % (b"data", b"x"), PIPELINE % (b"data", b"y"), None)
    assert [str(found) for found in clash.conflicts] == ["dvc.yaml, stage mine: one text here, another there"]
    assert merge_pipeline(base, PIPELINE % (b"data", b"x"), PIPELINE % (b"data", b"y"), "theirs").content == PIPELINE % (b"data", b"y")


def report(value: int) -> bytes:
    return json.dumps({"format": "ovt.quality/1", "value": value}).encode()


def test_a_report_is_never_mixed() -> None:
    assert merge_report(report(0), report(1), report(0)).content == report(1)
    assert merge_report(report(0), report(0), report(2)).content == report(2)
    assert merge_report(report(0), report(1), report(2)).content == report(1)
    assert merge_report(report(0), b"<<<<<<< ours\n", report(2)).content == report(2)
    assert merge_report(b"", b"", b"").content == b"{}\n"


def search(answers: str, score: float | None, size: int = 1) -> bytes:
    return yaml.safe_dump({"answers": answers, "score": score, "values": {"size": size}}).encode()


def test_two_searches_are_never_mixed() -> None:
    good, bad, base = search("q", 0.9), search("q", 0.8, 2), search("p", 0.5)
    for ours, theirs in ((good, bad), (bad, good)):
        merged = merge_tuning(base, ours, theirs, None)
        assert merged.content == good
        assert "scored 0.9" in merged.notes[0]
    assert merge_tuning(base, good, bad, "theirs").content == bad
    assert merge_tuning(base, base, bad, None).content == bad
    other = search("r", 0.9, 3)
    assert merge_tuning(base, good, other, None).content == merge_tuning(base, other, good, None).content
    assert "searches again" in merge_tuning(base, good, other, None).notes[0]


def test_a_pin_that_both_moved_goes_to_the_later_commit() -> None:
    def pins(**found: str) -> bytes:
        return format_pins({name: Pin(commit, f"{commit}.dir") for name, commit in found.items()}).encode()

    def merged(ours: bytes, theirs: bytes, prefer: Any = None) -> tuple[dict[str, str], tuple[Any, ...]]:
        found = merge_pins(pins(main="1", gone="1"), ours, theirs, prefer, lambda first, second: first < second)
        return {name: pin.commit for name, pin in parse_pins(found.content.decode()).items()}, found.conflicts

    assert merged(pins(main="2", gone="1", new="5"), pins(main="3")) == ({"main": "3", "new": "5"}, ())
    assert merged(pins(main="3"), pins(main="2")) == ({"main": "3"}, ())
    apart = merge_pins(b"", pins(main="2"), pins(main="3"), None, lambda *_: False)
    assert [str(found) for found in apart.conflicts] == [
        "predictions of main: model 2.dir of 2 here, model 3.dir of 3 there"]


@pytest.mark.parametrize(("path", "kind"), [
    ("dvc.lock", "lock"), ("dvc.yaml", "pipeline"), ("reports/quality.json", "report"), ("data.dvc", "pointer"),
    ("supervision/a/b.jsonl", "records"), ("examples/x.jsonl", "records"), ("labelers/predictions.lock", "pins"),
    ("tuning.lock.yaml", "tuning"), ("labelers/a.py", None), ("reports/x.md", None), ("other.dvc", None),
    ("sub/dvc.lock", None), ("ovt.yaml", None),
])
def test_which_file_is_merged_how(path: str, kind: str | None, tmp_path: Any) -> None:
    import subprocess

    assert kind_of(path) == kind
    assert is_derived(path) == (kind in {"lock", "pipeline", "report"})
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitattributes").write_text("\n".join(attributes()) + "\n")
    out = subprocess.run(["git", "check-attr", "merge", "--", path], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert out.stdout.strip().rpartition(" ")[2] == (f"ovt-{kind}" if kind else "unspecified")
