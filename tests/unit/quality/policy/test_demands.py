"""What the policy asks beside "nothing regressed"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.quality.policy.demands import flips_command, negative_flips, row_findings
from ovt.quality.policy.thresholds import Policy
from ovt.quality.policy.verdict import judge
from ovt.quality.slicediff import Side, SliceDiff, SliceRow
from ovt.settings import parse_settings

A, B = Side("main", "1" * 40, "", "old", "e"), Side("HEAD", "2" * 40, "", "new", "e")
ROW = SliceRow("Intent", "n", "accuracy", 200, 0.9, 0.89, -0.01, -0.03, 0.01, 0.4, "unclear", 6, 4)
REPORT = {"tasks": {"Intent": {"primary": "accuracy", "splits": {"test": {
    "overall": {"n": 900, "f1_macro": {"value": 0.7}, "log_loss": {"value": 0.6}},
    "slices": {"n": {"n": 200, "f1_macro": {"value": 0.5}}},
}}}}}


def policy(text: str) -> Policy:
    return Policy.of(parse_settings(parse_document(f"check: {text}", "ovt.yaml")).check)


def rules(text: str, *rows: SliceRow, report=None) -> list[str]:
    return [finding.rule for finding in row_findings(SliceDiff(A, B, rows), policy(text), report)]


def test_nothing_asked_nothing_found() -> None:
    assert rules("{}", ROW, replace(ROW, slice=None)) == []


@pytest.mark.parametrize(("low", "found"), [(-0.03, []), (-0.051, ["non-inferiority"]), (-0.05, ["non-inferiority"]),
                                            (None, ["non-inferiority"])])
def test_the_drop_must_be_shown_to_be_smaller_than_the_margin(low, found: list[str]) -> None:
    assert rules("{slices: {n: {critical: true, margin: 0.05}}}", replace(ROW, low=low)) == found


def test_a_margin_says_how_many_records_would_show_it() -> None:
    row = replace(ROW, delta=0.0, low=-0.04)
    (finding,) = row_findings(SliceDiff(A, B, (row,)), policy("{slices: {n: {margin: 0.02}}}"))
    assert "about 800 instead of 200" in finding.fix
    assert (finding.task, finding.slice) == ("Intent", "n")
    lost = replace(ROW, delta=-0.03, low=-0.06)
    assert "the drop itself" in row_findings(SliceDiff(A, B, (lost,)), policy("{slices: {n: {margin: 0.02}}}"))[0].fix


def test_the_same_model_lost_nothing() -> None:
    diff = SliceDiff(A, replace(B, model="old"), (replace(ROW, low=-0.2),))
    assert row_findings(diff, policy("{slices: {n: {margin: 0.01}}}")) == ()


def test_a_regression_is_told_once() -> None:
    bad = replace(ROW, verdict="regressed", why="p 0.001 after correction", low=-0.2, delta=-0.1)
    assert rules("{slices: {n: {margin: 0.01}}}", bad) == ["regression"]
    assert rules("{slices: {n: {minimum: 0.95}}}", bad) == ["minimum"]


@pytest.mark.parametrize(("budget", "found"), [(0.02, ["negative-flips"]), (0.03, []), (0.5, [])])
def test_negative_flips_have_a_budget(budget: float, found: list[str]) -> None:
    assert rules(f"{{slices: {{n: {{negative_flips: {budget}}}}}}}", ROW) == found
    assert rules(f"{{negative_flips: {budget}}}", replace(ROW, slice=None)) == found
    assert rules(f"{{negative_flips: {budget}}}", ROW) == [], "what is asked of all records is not asked of a slice"
    assert rules(f"{{negative_flips: {budget}}}", replace(ROW, slice=None, n=5)) == []


def test_the_rate_of_several_seeds_is_the_one_that_was_measured() -> None:
    assert negative_flips(ROW) == 0.03
    assert negative_flips(replace(ROW, negative_flip_rate=0.2)) == 0.2
    assert negative_flips(replace(ROW, delta=None)) is None


def test_values_of_other_metrics() -> None:
    text = "{tasks: {Intent: {minimum: {f1_macro: 0.8}, maximum: {log_loss: 0.5}}}}"
    assert rules(text, replace(ROW, slice=None), report=REPORT) == ["minimum", "maximum"]
    assert rules(text, ROW, report=REPORT) == []
    assert rules("{slices: {n: {minimum: {f1_macro: 0.6}}}}", ROW, report=REPORT) == ["minimum"]
    assert rules("{slices: {n: {minimum: {f1_macro: 0.4}}}}", ROW, report=REPORT) == []
    assert rules("{slices: {n: {minimum: {f1_macro: 0.6}, min_support: 500}}}", ROW, report=REPORT) == []
    assert rules("{slices: {n: {minimum: {span_f1: 0.6}}}}", ROW, report=REPORT) == ["minimum"]


def test_required_slices() -> None:
    asked = "{slices: {n: {required: true}, m: {required: true, min_support: 100}}}"
    thin = replace(ROW, slice="m", n=40, verdict="thin")
    found = row_findings(SliceDiff(A, B, (thin,)), policy(asked))
    assert [(finding.rule, finding.slice) for finding in found] == [("required-slice", "m"), ("required-slice", "n")]
    assert found[0].fix == "label 60 more of its test records"
    assert "neither version has it" in found[1].message
    assert rules(asked, ROW, replace(thin, verdict="unclear")) == []
    assert rules(asked, ROW, thin, replace(thin, task="Other", verdict="unclear", n=150)) == []


def test_floor_and_support_go_down_and_values_do_not() -> None:
    found = policy(
        "{floor: {accuracy: 0.02}, negative_flips: 0.1, tasks: {T: {floor: 0.03, minimum: 0.9}},"
        " slices: {n: {minimum: 0.8, tasks: {T: {min_support: 7}}}}}",
    )
    assert found.thresholds("other", "U", "accuracy").floor == 0.02
    assert found.thresholds("other", "U", "span_f1").floor == 0.005
    assert found.thresholds("other", "T", "accuracy").floor == 0.03
    assert found.thresholds(None, "T").minimum == 0.9
    assert found.thresholds("other", "T").minimum is None
    assert (found.thresholds("n", "T").minimum, found.thresholds("n", "T").min_support) == (0.8, 7)
    assert (found.thresholds("n", "U").minimum, found.thresholds("n", "U").min_support) == (0.8, 30)
    assert found.thresholds(None, "T").negative_flips == 0.1
    assert found.thresholds("n", "T").negative_flips is None


@given(st.floats(0, 1), st.integers(0, 200), st.sampled_from([None, "n"]), st.sampled_from([None, "T", "U"]))
def test_a_task_that_says_nothing_changes_nothing(floor: float, support: int, slice_, task) -> None:
    plain = policy(f"{{floor: {floor!r}, min_support: {support}, slices: {{n: {{critical: true}}}}}}")
    named = policy(f"{{floor: {floor!r}, min_support: {support}, tasks: {{T: {{}}}}, slices: {{n: {{critical: true}}}}}}")
    assert plain.thresholds(slice_, task) == named.thresholds(slice_, task)


def test_what_is_waived_stands_no_more() -> None:
    bad = replace(ROW, verdict="regressed", why="w")
    diff = SliceDiff(A, B, (bad,))
    waived = tuple(replace(finding, waiver="waivers/a.yaml:1") for finding in row_findings(diff, Policy()))
    assert judge(diff).verdict == "fail"
    result = judge(diff, findings=waived)
    assert (result.verdict, result.standing, len(result.waived)) == ("pass", (), 1)


def test_commands_are_ready_for_a_shell() -> None:
    row = replace(ROW, slice="it's; rm -rf $HOME")
    assert flips_command(SliceDiff(A, B, ()), row) == "ovt diff main HEAD --task Intent --slice 'it'\"'\"'s; rm -rf $HOME'"


@pytest.mark.parametrize(("text", "at"), [
    ("check:\n  floor: 2", 2), ("check:\n  slices:\n    n: {margin: -1}", 3), ("check:\n  confidence: 1", 2),
    ("check:\n  size_mb: 0", 2), ("check:\n  tasks:\n    T:\n      minimum: {accuracy: 3}", 4),
])
def test_numbers_out_of_range_are_named_with_their_line(text: str, at: int) -> None:
    with pytest.raises(ProjectError, match="wrong value") as caught:
        parse_settings(parse_document(text, "ovt.yaml"))
    assert caught.value.at == f"ovt.yaml:{at}"


@pytest.mark.parametrize(("text", "hint"), [
    ("check:\n  negative_flip: 0.1", "`negative_flips`"), ("check:\n  tasks: {T: {marginn: 0.1}}", "`margin`"),
    ("check:\n  slices: {n: {tasks: {T: {floorr: 0.1}}}}", "`floor`"),
])
def test_unknown_keys_suggest_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(ProjectError, match="unknown setting") as caught:
        parse_settings(parse_document(text, "ovt.yaml"))
    assert hint in (caught.value.fix or "")
    assert caught.value.at == "ovt.yaml:2"
