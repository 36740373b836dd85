"""Every format of a check: held against its schema, and against names and texts that would break out of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.errors import UsageError
from ovt.quality.attribution.blame import CONFIRMED, SUSPECTED, Blame, BlameReport
from ovt.quality.changed import ChangedFile, ChangedSource
from ovt.quality.policy.expectations import Answer, Budget, ExamplesResult, budget_finding, example_findings
from ovt.quality.policy.findings import RULES
from ovt.quality.policy.verdict import CheckResult, Context, RowFlips, judge
from ovt.quality.policy.waivers import Waiver, apply_waivers
from ovt.quality.slicediff import Flip, Side, SliceDiff, SliceRow
from ovt.render.checks.formats import FORMATS, Target, render, targets

SCHEMAS = Path(__file__).parents[2] / "schemas"
NASTY = 'a|b`c\n::error::x%0A<script>alert(1)</script> @team &amp; "q" \\ ]]> \x00\x1b'


def result_of(name: str = "nutrition", *, blame: BlameReport | None = None) -> CheckResult:
    """One of everything, under a name."""
    bad = SliceRow(name, name, "accuracy", 200, 0.95, 0.8, -0.15, -0.21, -0.09, 1e-9, "regressed", 30, 0, why=name)
    rows = (bad, replace(bad, slice=None), replace(bad, slice=f"{name}2", verdict="not_comparable", delta=None),
            replace(bad, slice="thin", verdict="thin", n=3))
    diff = SliceDiff(Side(name, "1" * 40, name, "m", "e"), Side("HEAD", "2" * 40, name, "n", "e"), rows, (name,))
    answer = Answer("examples/a.jsonl", 3, name, name, json.dumps(name), '"x"')
    examples = ExamplesResult(1, 2, 2, (answer,))
    budget = Budget("size", 1.0, 2.0, "files")
    waiver = Waiver(None, name, None, name, name, date(2026, 1, 1), "waivers/w.yaml", 4)
    findings = (*judge(diff).findings, *example_findings(examples), budget_finding(budget, "ovt.yaml", 7))
    marked, uses = apply_waivers([finding for finding in findings if finding], [waiver], date(2025, 12, 1))
    flip = Flip(name, name, 0, "broken", name, name, name, 0.9, 0.8, (name,))
    context = Context(
        prefix="products/a b/", slices={name: ("slices/s.yaml", 3)}, tasks={name: ("schema.json", 5)},
        sources=(ChangedSource(name, name, "new", "labelers/x.py", 9, (None, 5), (None, 0.1), (None, 0.9)),
                 ChangedSource("moved", name, "moved")),
        files=(ChangedFile(f"labelers/{name}", "edited"),), flips=(RowFlips(bad, (flip,), {name: name}),), notes=(name,),
    )
    return replace(judge(diff, findings=marked), waivers=uses, examples=examples, budgets=(budget,), context=context,
                   blame=blame)


def blamed(name: str, confidence=CONFIRMED) -> BlameReport:
    blame = Blame(name, "labelers/y.py", 12, "new", ((name, name),), 0.9, confidence, name)
    return BlameReport((blame,), ((name, None),), (name,))


@pytest.fixture(params=["nutrition", NASTY])
def named(request: pytest.FixtureRequest) -> str:
    return request.param


def test_sarif_is_valid_and_points_at_the_slice(named: str) -> None:
    log = json.loads(render(result_of(named), "sarif"))
    jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())).validate(log)
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("products/a%20b/slices/s.yaml", 3)
    assert first["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 9
    assert "changed" in first["relatedLocations"][0]["message"]["text"]
    waived = [found for found in run["results"] if "suppressions" in found]
    assert [found["level"] for found in waived] == ["note"]
    assert len({found["partialFingerprints"]["ovtFinding/v1"] for found in run["results"]}) == len(run["results"])


def test_the_sarif_schema_refuses_what_is_wrong() -> None:
    validator = jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))
    log = json.loads(render(result_of(), "sarif"))
    log["runs"][0]["results"][0]["level"] = "bad"
    assert list(validator.iter_errors(log))


@pytest.mark.parametrize("confidence", [CONFIRMED, SUSPECTED])
def test_blame_is_the_place_and_says_how_sure_it_is(confidence) -> None:
    result = result_of("n", blame=blamed("n", confidence))
    log = json.loads(render(result, "sarif"))
    first = log["runs"][0]["results"][0]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "products/a%20b/labelers/y.py"
    assert confidence in first["message"]["text"]
    assert "file=products/a b/labelers/y.py,line=12," in render(result, "github").splitlines()[0]
    for form in ("md", "text", "json"):
        assert confidence in render(result, form)
        assert "labelers/y.py" in render(result, form)


def test_without_blame_nobody_is_said_to_be_to_blame() -> None:
    text = render(result_of(), "md")
    assert "These *changed*; whether one is to blame is not known" in text
    assert "`labelers/x.py:9`" in text
    notices = [line for line in render(result_of(), "github").splitlines() if "labelers/x.py" in line]
    assert len(notices) == 1
    assert notices[0].startswith("::notice file=products/a b/labelers/x.py,line=9,title=ovt%3A changed::")
    assert notices[0].endswith("it may or may not be to blame")


def test_junit_is_valid(named: str) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    text = render(result_of(named), "junit")
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text)
    suites = ET.fromstring(text)
    assert sum(int(suite.get("failures")) for suite in suites) == len(suites.findall("*/testcase/failure"))
    assert sum(int(suite.get("errors")) for suite in suites) == len(suites.findall("*/testcase/error")) == 1
    assert sum(int(suite.get("skipped")) for suite in suites) == len(suites.findall("*/testcase/skipped")) == 2
    assert sum(int(suite.get("tests")) for suite in suites) == len(suites.findall("*/testcase"))


def test_workflow_commands_stay_one_line_each(named: str) -> None:
    lines = render(result_of(named), "github").splitlines()
    assert all(re.match(r"::(error|warning|notice) file=[^,]+,line=\d+,title=[^,:]+::[^\r]+$", line) for line in lines)
    assert len(lines) == len([line for line in lines if line.count("::") >= 2])
    assert [line.split()[0] for line in lines] == sorted((line.split()[0] for line in lines), key=["::error", "::warning", "::notice"].index)


def test_gitlab_formats(named: str) -> None:
    issues = json.loads(render(result_of(named), "codequality"))
    assert all(set(issue) == {"description", "check_name", "fingerprint", "severity", "location"} for issue in issues)
    assert {issue["severity"] for issue in issues} == {"critical", "major", "info"}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    lines = render(result_of(named), "openmetrics").splitlines()
    assert lines[-1] == "# EOF"
    sample = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\[\\"n])*",?)*\})? -?[0-9.e+-]+$')
    assert all(line.startswith("#") or sample.fullmatch(line) for line in lines)


def test_the_badge_is_a_picture(named: str) -> None:
    root = ET.fromstring(render(result_of(named), "badge"))
    assert root.tag.endswith("svg")
    assert "▼ fail: 4 findings" in "".join(root.itertext())
    passed = judge(SliceDiff(Side("a", None, "", "m", "e"), Side("b", None, "", "m", "e"), (result_of().diff.rows[3],)))
    assert "▲ pass" in render(passed, "badge")


def test_markdown_keeps_names_as_text() -> None:
    text = render(result_of(NASTY, blame=blamed(NASTY)), "md")
    bare = re.sub(r"`[^`]*`", "", text.replace("\\`", ""))
    assert "<script>" not in bare
    assert "@team" not in bare
    assert "\n::error::" not in text
    assert text.count("<details>") == text.count("</details>") > 2
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_text_and_json_hold_it_all() -> None:
    result = result_of()
    text = render(result, "text")
    assert text.startswith("FAIL\n")
    assert "waived by waivers/w.yaml:4" in text
    assert "changed: nutrition at labelers/x.py:9 (new, nutrition)" in text
    value = json.loads(render(result, "json"))
    assert value["waivers"][0]["waiver"]["expires"] == "2026-01-01"
    assert (value["examples"]["failed"][0]["line"], value["budgets"][0]["kept"]) == (3, False)
    assert value["flips"][0]["records"][0]["text"] == "nutrition"


def test_a_drop_of_versions_trained_once_may_be_luck_and_of_three_seeds_is_not() -> None:
    once = result_of()
    assert "the luck of one training: ovt check --confirm" in render(once, "text")
    rows = tuple(replace(row, seeds=(3, 3)) for row in once.diff.rows)
    thrice = replace(once, diff=replace(once.diff, rows=rows))
    assert thrice.diff.regressed()
    for form in ("text", "md"):
        assert "luck" not in render(thrice, form)


@given(st.text(min_size=1, max_size=30))
def test_no_name_breaks_a_format(name: str) -> None:
    result = result_of(name, blame=blamed(name))
    for form in FORMATS:
        text = render(result, form)
        assert text == render(result, form)
        if form in {"json", "sarif", "codequality"}:
            json.loads(text)
        elif form in {"junit", "badge"}:
            ET.fromstring(text)
        elif form == "github":
            assert all(line.startswith("::") for line in text.split("\n")[:-1])


@pytest.mark.parametrize(("forms", "outputs", "found"), [
    ((), (), [("text", "-")]),
    (("md",), (), [("md", "-")]),
    (("md", "sarif"), ("a", "b"), [("md", "a"), ("sarif", "b"), ("text", "-")]),
    ((), ("r.md", "r.sarif", "junit.xml", "b.svg", "m.prom"),
     [("md", "r.md"), ("sarif", "r.sarif"), ("junit", "junit.xml"), ("badge", "b.svg"), ("openmetrics", "m.prom"), ("text", "-")]),
    ((), ("github:-", "codequality:q.json"), [("github", "-"), ("codequality", "q.json")]),
    (("json", "github"), ("out",), [("json", "out"), ("github", "-")]),
    ((), ("x.codequality.json", "x.json"), [("codequality", "x.codequality.json"), ("json", "x.json"), ("text", "-")]),
])
def test_what_goes_where(forms, outputs, found) -> None:
    assert targets(forms, outputs) == tuple(Target(*pair) for pair in found)


@pytest.mark.parametrize(("forms", "outputs", "what"), [
    (("xlm",), (), "no format `xlm`"), ((), ("report",), "which format is `report`?"),
    (("md", "json"), (), "would both go to stdout"), ((), ("a.md", "sarif:a.md"), "would both go to `a.md`"),
])
def test_what_cannot_be_told_is_refused(forms, outputs, what: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what)):
        targets(forms, outputs)
