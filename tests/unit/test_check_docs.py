"""What docs/check.md shows is what ovt reads."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import msgspec

from ovt.data.examples import read_examples
from ovt.data.records import RecordCodec
from ovt.documents import parse_document
from ovt.quality.policy.findings import ON_ROWS
from ovt.quality.policy.thresholds import Policy
from ovt.quality.policy.waivers import parse_waivers
from ovt.render.checks.formats import FORMATS, SUFFIXES, targets
from ovt.settings import Check, Demands, SlicePolicy, parse_settings
from ovt.workflows.checking.policy import check_names

TEXT = (Path(__file__).parents[2] / "docs/check.md").read_text(encoding="utf-8")


def block(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return found


def test_the_policy_is_read_and_shows_every_setting(bench) -> None:
    text = block("yaml policy")
    bench.write("ovt.yaml", text)
    check = parse_settings(parse_document(text, "ovt.yaml")).check
    check_names(bench.project)
    policy = Policy.of(check)
    assert policy.thresholds("nutrition", "Intent").minimum == 0.8
    assert policy.thresholds(None, "Intent", "accuracy").floor == 0.01
    for kind in (Check, Demands, SlicePolicy):
        for name in msgspec.structs.fields(kind):
            assert re.search(rf"\b{name.encode_name}:", text), name.encode_name


def test_the_waiver_is_read(bench) -> None:
    text = block("yaml waiver")
    (waiver,) = parse_waivers(parse_document(text, "waivers/w.yaml"))
    assert (waiver.slice, waiver.task, waiver.rule) == ("nutrition", "Intent", "regression")
    assert all(rule in text for rule in ON_ROWS)


def test_the_example_is_read(bench) -> None:
    bench.write("examples/a.jsonl", block("json example"))
    (example,) = read_examples(bench.project, RecordCodec(bench.project.schema))
    assert example.expect == {"Intent": "height"}


def test_every_format_and_ending_is_told() -> None:
    table = TEXT.partition("| format | endings | for |")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)[:len(FORMATS)] == list(FORMATS)
    for line in re.findall(r"^\| `\w+` \| (.*?) \|", table, re.MULTILINE)[:len(FORMATS)]:
        assert all(ending in SUFFIXES for ending in line.split() if ending != "–")


def test_the_command_lines_can_be_typed() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].split()[2:] for found in blocks for line in found.splitlines()
             if line.startswith("ovt check")]
    assert len(lines) == 5
    for words in lines:
        forms = [word for before, word in pairwise(words) if before == "--format"]
        outputs = [word for before, word in pairwise(words) if before == "-o"]
        assert targets(forms, outputs)
