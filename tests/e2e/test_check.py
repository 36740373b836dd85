"""`ovt check` as a person types it: the policy, examples, waivers, formats, and a pull request's whole CI job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from person import FOOD, Person

REASON = "{slice: %s, reason: no food for now, owner: ada, expires: 2026-03-01}\n"
BEFORE, AFTER = {"OVT_TODAY": "2026-02-01"}, {"OVT_TODAY": "2026-03-02"}
FILES = ("ovt.yaml", "examples", "waivers")


@pytest.fixture(scope="module")
def dropped(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """A version that labels food, and one that no longer does: worse on everything that is about food."""
    folder = tmp_path_factory.mktemp("dropped") / "project"
    shutil.copytree(trained_template, folder, symlinks=True)
    person = Person(folder)
    person.write("labelers/food.yaml", FOOD)
    person.types("ovt", "commit", "-m", "label food")
    person.types("git", "branch", "good")
    (folder / "labelers/food.yaml").unlink()
    person.types("ovt", "commit", "-m", "drop food")
    return person


@pytest.fixture
def person(dropped: Person) -> Any:
    """The same, with policy files that are put back."""
    yield dropped
    dropped.types("git", "checkout", "-q", "--", "ovt.yaml")
    for name in FILES[1:]:
        shutil.rmtree(dropped.folder / name, ignore_errors=True)


def settings(person: Person, check: str) -> None:
    lines = [line for line in (person.folder / "ovt.yaml").read_text().splitlines() if not line.startswith("check:")]
    person.write("ovt.yaml", "\n".join([*lines, f"check: {check}", ""]))


def test_a_regression_in_every_format_at_once(person: Person, tmp_path: Path) -> None:
    names = ("r.md", "r.json", "r.sarif", "r.xml", "r.svg", "r.prom", "codequality:q.json")
    outputs = [word for name in names for word in ("-o", name)]
    done = person.sees("ovt", "check", "good", *outputs, "-o", "github:-", code=1, GITHUB_STEP_SUMMARY=str(tmp_path / "s"))
    assert done.stdout.startswith("::error file=s")
    for name in ("r.md", "r.json", "r.sarif", "r.xml", "r.svg", "r.prom", "q.json"):
        assert (person.folder / name).stat().st_size > 100
        (person.folder / name).unlink() if name != "r.json" else None
    assert (tmp_path / "s").read_text().startswith("## ovt check: ▼ fail")
    value = json.loads((person.folder / "r.json").read_text())
    (person.folder / "r.json").unlink()
    assert ("eat_words", "gone", "labelers/food.yaml") in {
        (source["source"], source["kind"], source["path"]) for source in value["sources"]}
    assert {"path": "labelers/food.yaml", "kind": "gone"} in value["files"]
    assert value["flips"][0]["records"][0]["kind"] == "broken"
    assert "text" not in value["flips"][0]["records"][0]


def test_text_of_records_only_where_it_is_allowed(person: Person) -> None:
    assert "calories" not in person.types("ovt", "check", "good", "--format", "md", code=1)
    text = (person.folder / "ovt.yaml").read_text()
    person.write("ovt.yaml", text.replace("text_in_reports: false", "text_in_reports: true"))
    shown = person.types("ovt", "check", "good", "--format", "md", code=1)
    assert any(word in shown for word in ("calories", "eat", "cook"))


def test_a_waiver_until_its_day(person: Person) -> None:
    for slice_ in ('"(all)"', "salads"):
        person.write(f"waivers/{slice_.strip(chr(34)).strip('()')}.yaml", REASON % slice_)
    person.write("waivers/typo.yaml", REASON % "salad")
    before = person.types("ovt", "check", "good", **BEFORE)
    assert before.startswith("PASS")
    assert "waived by waivers/all.yaml:1" in before
    assert "the waiver waivers/typo.yaml:1 (slice salad) matches nothing" in before
    after = person.types("ovt", "check", "good", code=1, **AFTER)
    assert "the waiver for all test records ended on 2026-03-01 (owner ada: no food for now)" in after
    person.write("waivers/all.yaml", "slice: salads\nreasn: x\n")
    wrong = person.sees("ovt", "check", "good", code=3)
    assert "waivers/all.yaml:2" in wrong.stderr
    assert "did you mean `reason`?" in wrong.stderr


def test_examples_that_must_pass(person: Person) -> None:
    good = {"payloads": {"query": "how tall is the tower"}, "expect": {"Intent": "height"}}
    person.write("examples/a.jsonl", json.dumps(good) + "\n\n" + json.dumps({**good, "expect": {"Intent": "age"}}) + "\n")
    value = json.loads(person.types("ovt", "check", "HEAD~2", "--format", "json", code=1))
    assert value["examples"]["expectations"] == 2
    (failed,) = value["examples"]["failed"]
    assert (failed["path"], failed["line"], failed["expected"], failed["found"]) == ("examples/a.jsonl", 3, '"age"', '"height"')
    assert 'examples/a.jsonl:3: Intent should be "age", and is "height"' in " ".join(value["reasons"])
    kept = list((person.folder / ".ovt/cache/examples").glob("*.json"))
    assert len(kept) == 1, "asked once for this model and these files"
    person.types("ovt", "check", "HEAD~2", code=1)
    assert list((person.folder / ".ovt/cache/examples").glob("*.json")) == kept
    annotations = person.types("ovt", "check", "HEAD~2", "--format", "github", code=1)
    assert "::error file=examples/a.jsonl,line=3,title=ovt%3A example::" in annotations


@pytest.mark.parametrize(("line", "at", "says"), [
    ('{"payloads": {"query": "x"}}', 1, "expects nothing"), ("{", 1, "no JSON"), ("[]", 1, "no object"),
    ('\n{"payloads": {"query": "x"}, "expect": {"Intnt": "age"}}', 2, "did you mean `Intent`?"),
    ('{"payloads": {"query": 3}, "expect": {"Intent": "age"}}', 1, "payloads.query"),
    ('{"payloads": {"query": "x"}, "expect": {"Intent": 3}}', 1, "expect.Intent"),
])
def test_a_wrong_example_is_named_with_its_line(person: Person, line: str, at: int, says: str) -> None:
    person.write("examples/a.jsonl", line + "\n")
    done = person.sees("ovt", "check", "good", code=3)
    assert f"examples/a.jsonl:{at}" in done.stderr
    assert says in done.stderr


def test_budgets(person: Person) -> None:
    settings(person, "{size_mb: 500, latency_ms: 10000}")
    assert "size: " in person.types("ovt", "check", "HEAD~2")
    settings(person, "{size_mb: 0.001, latency_ms: 0.001}")
    value = json.loads(person.types("ovt", "check", "HEAD~2", "--format", "json", code=1))
    assert [(budget["name"], budget["kept"]) for budget in value["budgets"]] == [("size", False), ("latency", False)]
    assert {(finding["rule"], finding["path"]) for finding in value["findings"]} == {("size", "ovt.yaml"), ("latency", "ovt.yaml")}
    weights = sum(path.stat().st_size for path in (person.folder / "model").rglob("*") if path.is_file())
    assert value["budgets"][0]["value"] == pytest.approx(weights / 1e6)


def test_the_policy_names_what_is_there(person: Person) -> None:
    for check, says in (("{tasks: {Intnt: {floor: 0.1}}}", "did you mean `Intent`?"),
                        ("{tasks: {Intent: {minimum: {acuracy: 0.1}}}}", "did you mean `accuracy`?"),
                        ("{tasks: {Intent: {minimum: {log_loss: 0.1}}}}", "`maximum:`")):
        settings(person, check)
        assert says in person.sees("ovt", "check", "good", code=3).stderr
    settings(person, "{slices: {towers: {required: true, min_support: 4000}, towrs: {required: true}}}")
    shown = person.types("ovt", "check", "HEAD~2", code=1)
    assert "slice towers is required, and has" in shown
    assert "slice towrs is required, and neither version has it" in shown
    assert "did you mean `towers`?" in shown


def test_a_changed_policy_says_so(person: Person) -> None:
    settings(person, "{base: main, min_support: 29}")
    person.write("examples/a.jsonl", '{"payloads": {"query": "how tall"}, "expect": {"Intent": "height"}}\n')
    shown = person.types("ovt", "check", "good", "--head", "workspace", code=1)
    assert "the policy changed with this version: check.min_support 30 → 29" in shown
    assert "examples/a.jsonl is new with this version" in shown


def test_posting_that_fails_changes_no_verdict(person: Person) -> None:
    env = {"GITHUB_TOKEN": "hidden-token", "GITHUB_REPOSITORY": "a/b", "GITHUB_API_URL": "http://127.0.0.1:9",
           "GITHUB_EVENT_PATH": "", "GITHUB_SHA": ""}
    done = person.sees("ovt", "check", "good", "--post", "github", code=1, **env)
    assert "not posted" in done.stderr
    assert "hidden-token" not in done.stdout + done.stderr
    assert person.sees("ovt", "check", "HEAD~2", "--post", "github", code=0, **env).stdout.startswith("PASS")


class Runner:
    """GitHub's runner, as far as the `run:` steps of a job need it."""

    def __init__(self, clone: Path, workflow: Path, outside: Path) -> None:
        (self.job,) = yaml.safe_load(workflow.read_text())["jobs"].values()
        self.clone, self.outside = clone, outside
        self.outputs: dict[str, str] = {}
        self.log = ""

    def value(self, text: str) -> str:
        known = {"${{ github.token }}": "t", "${{ github.server_url }}": "https://github.com",
                 "${{ steps.check.outputs.code }}": self.outputs.get("code", "")}
        return known.get(text, text)

    def run(self) -> int:
        """Every `run:` step in order, in the shell that GitHub uses; the job's result."""
        output, summary = self.outside / "output", self.outside / "summary"
        for step in self.job["steps"]:
            if "run" not in step:
                continue
            env = {name: self.value(value) for name, value in {**self.job["env"], **step.get("env", {})}.items()}
            output.write_text("")
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], capture_output=True, text=True,
                check=False, cwd=self.clone / self.job["defaults"]["run"]["working-directory"],
                env={**os.environ, **env, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "CI": "true",
                     "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
            )
            self.log += f"--- {step['name']}\n{done.stdout}{done.stderr}"
            self.outputs |= dict(line.split("=", 1) for line in output.read_text().splitlines())
            if done.returncode:
                return done.returncode
        return 0


@pytest.fixture
def hosted(dropped: Person, tmp_path: Path) -> Person:
    """Somebody's clone, whose main is on a bare origin and whose model is on a remote."""
    folder = tmp_path / "mine"
    shutil.copytree(dropped.folder, folder, symlinks=True)
    me = Person(folder)
    me.types("git", "checkout", "-q", "-B", "main", "good")
    me.types("ovt", "checkout", "HEAD")
    me.types("git", "init", "-q", "--bare", "--initial-branch=main", str(tmp_path / "origin.git"))
    me.types("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    me.types("ovt", "remote", "add", str(tmp_path / "storage"))
    return me


def pull_request(me: Person, tmp_path: Path, name: str) -> Path:
    """Push main and a branch; a fresh clone at the merge of the two, as `actions/checkout` makes it."""
    me.types("git", "push", "-q", "origin", "main", "work", OVT_SKIP="1")
    clone = Person(tmp_path / name)
    me.types("git", "clone", "-q", str(tmp_path / "origin.git"), str(clone.folder))
    clone.types("git", "merge", "-q", "--no-ff", "-m", "merge", "origin/work")
    return clone.folder


def test_the_whole_github_job(hosted: Person, tmp_path: Path) -> None:
    hosted.types("ovt", "ci", "init", "github", "--install", "true")
    hosted.types("git", "add", ".")
    hosted.types("git", "commit", "-q", "-m", "check pull requests", OVT_SKIP="1")
    hosted.types("ovt", "push")
    hosted.types("git", "checkout", "-q", "-b", "work")
    (hosted.folder / "labelers/food.yaml").unlink()
    hosted.types("git", "commit", "-q", "-a", "-m", "drop food, and push no model", OVT_SKIP="1")

    # Nobody pushed the model of the branch: CI trains it, and finds what is wrong.
    clone = pull_request(hosted, tmp_path, "clone")
    runner = Runner(clone, clone / ".github/workflows/ovt-check.yml", tmp_path)
    assert runner.run() == 1, runner.log
    report = clone / ".ovt/report"
    assert (report / "report.md").read_text().startswith("## ovt check: ▼ fail")
    assert {path.name for path in report.iterdir()} == {
        "report.md", "report.json", "report.sarif", "junit.xml", "badge.svg", "log.txt"}
    assert "::error file=" in runner.log
    assert (tmp_path / "summary").read_text().startswith("## ovt check")

    # A change that is no input of the model passes, and trains nothing.
    hosted.types("git", "checkout", "-q", "-B", "work", "main")
    hosted.write("README.md", "# Shop\n")
    hosted.types("git", "add", ".")
    hosted.types("git", "commit", "-q", "-m", "words", OVT_SKIP="1")
    hosted.types("git", "push", "-q", "-f", "origin", "work", OVT_SKIP="1")
    clone = pull_request(hosted, tmp_path, "clone2")
    runner = Runner(clone, clone / ".github/workflows/ovt-check.yml", tmp_path)
    assert runner.run() == 0, runner.log
    assert "so it is trained" not in runner.log

    # The team that trains at its desks is told what to type; main's own job runs too.
    hosted.types("git", "checkout", "-q", "main")
    hosted.types("ovt", "ci", "init", "github", "--install", "true", "--on-missing", "fail", "--force")
    hosted.types("git", "commit", "-q", "-a", "-m", "models are pushed by their authors", OVT_SKIP="1")
    hosted.types("git", "checkout", "-q", "-B", "work")
    (hosted.folder / "labelers/food.yaml").unlink()
    hosted.types("git", "commit", "-q", "-a", "-m", "drop food", OVT_SKIP="1")
    hosted.types("git", "push", "-q", "-f", "origin", "work", OVT_SKIP="1")
    clone = pull_request(hosted, tmp_path, "clone3")
    runner = Runner(clone, clone / ".github/workflows/ovt-check.yml", tmp_path)
    assert runner.run() == 4, runner.log
    assert "ovt run && ovt push" in (clone / ".ovt/report/report.md").read_text()
    Person(clone).types("git", "checkout", "-q", "origin/main")
    runner = Runner(clone, clone / ".github/workflows/ovt-main.yml", tmp_path)
    assert runner.run() == 0, runner.log
