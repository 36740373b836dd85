"""Posting to GitHub, against a server made from GitHub's own description of its API (tests/schemas)."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest

from ovt.quality.policy.verdict import judge
from ovt.quality.slicediff import Side, SliceDiff, SliceRow
from ovt.workflows.checking.github_api import GitHub, GitHubError
from ovt.workflows.checking.post import (
    LONGEST,
    PullRequest,
    comment,
    defused,
    find_pull_request,
    fitted,
    marker,
    post_check,
    post_report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = json.loads((Path(__file__).parents[3] / "schemas/github-openapi.json").read_text())["paths"]
TOKEN = "secret-token-value"
SHA = "a" * 40
ROW = SliceRow("Intent", "n", "accuracy", 200, 0.9, 0.7, -0.2, -0.3, -0.1, 0.001, "regressed", 40, 0, why="p < 0.001")
RESULT = judge(SliceDiff(Side("main", SHA, "", "m", "e"), Side("HEAD", SHA, "", "n", "e"), (ROW,)))


@dataclass
class Hub:
    """What the server knows, has seen and is told to do wrong."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failures: dict[str, list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)
    """By "METHOD operation", answers that come before the right one; status 0 closes the connection."""
    lost: bool = False
    """Whether a POST that fails has been done all the same."""
    url: str = ""

    def operation(self, path: str) -> tuple[str, dict[str, Any]] | None:
        for template, methods in DESCRIPTION.items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return template, methods
        return None

    def answer(self, method: str, raw: str, body: Any, headers: Any) -> tuple[int, dict[str, str], Any]:
        url = urlsplit(raw)
        found = self.operation(url.path)
        if found is None or method.lower() not in found[1]:
            self.problems.append(f"no operation {method} {url.path}")
            return 404, {}, {"message": "Not Found"}
        template, operation = found[0], found[1][method.lower()]
        if headers["Authorization"] != f"Bearer {TOKEN}" or not headers["User-Agent"]:
            self.problems.append("no authorization")
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.problems += [f"unknown query {key}" for key in query if key not in operation["query"]]
        if operation["body"] is not None:
            self.problems += [error.message for error in jsonschema.Draft202012Validator(operation["body"]).iter_errors(body)]
        self.seen.append((method, url.path, body))
        queue = self.failures.get(f"{method} {operation['operationId']}", [])
        if queue:
            status, more, message = queue.pop(0)
            if self.lost and method == "POST":
                self.do(template, method, query, body)
            return status, more, {"message": message}
        return operation["success"], {}, self.do(template, method, query, body)

    def do(self, template: str, method: str, query: dict[str, str], body: Any) -> Any:
        if template.endswith("/comments") and method == "GET":
            size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
            return self.comments[(page - 1) * size:page * size]
        if template.endswith("/comments"):
            self.comments.append({"id": len(self.comments) + 1, "body": body["body"], "user": {"login": "bot"}})
            return self.comments[-1]
        if "{comment_id}" in template:
            number = int(self.seen[-1][1].rpartition("/")[2])
            self.comments[number - 1]["body"] = body["body"]
            return self.comments[number - 1]
        return self.pulls if template.endswith("/pulls") else {"id": 1}


@pytest.fixture
def hub() -> Iterator[Hub]:
    known = Hub()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, headers, value = known.answer(self.command, self.path, body, self.headers)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            content = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = respond  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    thread.join()
    server.server_close()
    assert known.problems == []


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def github(hub: Hub, slept: list[float]) -> GitHub:
    return GitHub("ada/shop", TOKEN, hub.url, slept.append)


PULL = PullRequest(7, SHA)


def test_one_comment_is_written_and_then_kept_up_to_date(hub: Hub, github: GitHub) -> None:
    assert comment(github, PULL, "first") == "commented on pull request #7"
    assert comment(github, PULL, "second") == "the comment on pull request #7 is up to date"
    assert [found["body"] for found in hub.comments] == [f"{marker('')}\nsecond"]


def test_it_is_found_on_the_third_page(hub: Hub, github: GitHub) -> None:
    hub.comments = [{"id": n + 1, "body": f"talk {n}", "user": {"login": "eve"}} for n in range(250)]
    comment(github, PULL, "first", "shop")
    assert len(hub.comments) == 251
    comment(github, PULL, "second", "shop")
    assert hub.comments[250]["body"].endswith("second")
    assert len(hub.comments) == 251
    comment(github, PULL, "other project")
    assert len(hub.comments) == 252, "each project has a comment of its own"


def test_somebody_elses_comment_with_the_mark_is_left_alone(hub: Hub, github: GitHub) -> None:
    hub.comments = [{"id": 1, "body": f"{marker('')}\nmine", "user": {"login": "eve"}}]
    hub.failures = {"PATCH issues/update-comment": [(403, {}, "no")]}
    assert comment(github, PULL, "text").startswith("commented")
    assert [found["body"].splitlines()[1] for found in hub.comments] == ["mine", "text"]


@pytest.mark.parametrize(("failure", "pauses"), [
    ((502, {}, "bad gateway"), [1.0]), ((0, {}, ""), [1.0]), ((429, {"Retry-After": "7"}, "slow down"), [7.0]),
    ((403, {"Retry-After": "3"}, "You have exceeded a secondary rate limit"), [3.0]),
    ((403, {}, "You have exceeded a secondary rate limit"), [1.0]),
])
def test_what_may_pass_is_tried_again(hub: Hub, github: GitHub, slept: list[float], failure, pauses: list[float]) -> None:
    hub.failures = {"GET issues/list-comments": [failure]}
    assert comment(github, PULL, "text").startswith("commented")
    assert slept == pauses


def test_the_pauses_grow_and_end(hub: Hub, github: GitHub, slept: list[float]) -> None:
    hub.failures = {"GET issues/list-comments": [(503, {}, "no")] * 9}
    with pytest.raises(GitHubError, match="GitHub refused GET") as caught:
        comment(github, PULL, "text")
    assert slept == [1, 2, 4, 8]
    assert caught.value.why == "503 no"


def test_a_limit_that_lasts_longer_than_the_patience_is_told_at_once(hub: Hub, github: GitHub, slept: list[float]) -> None:
    hub.failures = {"GET issues/list-comments": [(429, {"Retry-After": "3600"}, "no")]}
    with pytest.raises(GitHubError) as caught:
        comment(github, PULL, "text")
    assert slept == []
    assert "rate limit" in (caught.value.fix or "")


def test_a_comment_whose_answer_was_lost_is_not_written_twice(hub: Hub, github: GitHub) -> None:
    hub.lost = True
    hub.failures = {"POST issues/create-comment": [(502, {}, "lost")]}
    comment(github, PULL, "text")
    assert len(hub.comments) == 1


def test_a_redirect_is_not_followed_with_the_token(hub: Hub, github: GitHub) -> None:
    hub.failures = {"GET issues/list-comments": [(301, {"Location": "http://127.0.0.1:9/"}, "Moved")]}
    with pytest.raises(GitHubError, match="refused"):
        comment(github, PULL, "text")


def test_no_message_holds_the_token(hub: Hub, github: GitHub) -> None:
    hub.failures = {"GET issues/list-comments": [(401, {}, "Bad credentials")]}
    with pytest.raises(GitHubError) as caught:
        comment(github, PULL, "text")
    assert "pull-requests: write" in (caught.value.fix or "")
    assert TOKEN not in f"{caught.value} {github!r}"


def _event(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: dict[str, Any]) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(value))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
    return {"GITHUB_EVENT_PATH": str(path)}


def test_the_pull_request_is_found(hub: Hub, github: GitHub, monkeypatch, tmp_path: Path) -> None:
    env = _event(monkeypatch, tmp_path, {"pull_request": {"number": 9, "head": {"sha": SHA}}})
    assert find_pull_request(github, env) == PullRequest(9, SHA)
    run = {"head_sha": SHA, "head_branch": "a/b c", "head_repository": {"owner": {"login": "eve"}}}
    hub.pulls = [{"number": 3, "state": "open", "head": {"sha": "b" * 40}}, {"number": 4, "state": "open", "head": {"sha": SHA}}]
    assert find_pull_request(github, _event(monkeypatch, tmp_path, {"workflow_run": run})) == PullRequest(4, SHA)
    assert find_pull_request(github, {"GITHUB_SHA": SHA}).number == 3
    with pytest.raises(GitHubError, match="no open pull request"):
        find_pull_request(github, _event(monkeypatch, tmp_path, {"workflow_run": {**run, "head_sha": "c" * 40}}))


class Bare:
    """As much of a project as posting looks at."""

    def __init__(self, root: Path) -> None:
        self.root = root


@pytest.fixture
def repository(tmp_path: Path) -> Any:
    import subprocess

    subprocess.run(["git", "init", "-q", str(tmp_path / "r")], check=True)
    return Bare(tmp_path / "r")


def test_a_check_makes_a_comment_and_a_check_run(hub: Hub, github: GitHub, repository, monkeypatch, tmp_path: Path) -> None:
    _event(monkeypatch, tmp_path, {"pull_request": {"number": 7, "head": {"sha": SHA}}})
    assert post_check(repository, RESULT, github) == ["commented on pull request #7", f"check run on {SHA[:12]} made"]
    run = next(body for _, path, body in hub.seen if path.endswith("/check-runs"))
    assert (run["conclusion"], run["output"]["annotations"][0]["annotation_level"]) == ("failure", "failure")


def test_without_the_right_to_check_runs_a_status_is_set(hub: Hub, github: GitHub, repository, monkeypatch, tmp_path: Path) -> None:
    _event(monkeypatch, tmp_path, {"pull_request": {"number": 7, "head": {"sha": SHA}}})
    hub.failures = {"POST checks/create": [(403, {}, "Resource not accessible by integration")] * 2}
    assert post_check(repository, RESULT, github)[1] == f"commit status of {SHA[:12]} set"
    hub.failures["POST repos/create-commit-status"] = [(403, {}, "no")]
    lines = post_check(repository, RESULT, github)
    assert lines[1].startswith("not posted: GitHub refused POST /statuses/")
    assert "statuses: write" in lines[1]


def test_posting_without_a_token_is_told_and_no_more(repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert "GITHUB_TOKEN is not set" in post_check(repository, RESULT)[0]


def test_nobody_listens(slept: list[float]) -> None:
    github = GitHub("ada/shop", TOKEN, "http://127.0.0.1:9", slept.append)
    with pytest.raises(GitHubError, match="cannot be reached"):
        comment(github, PULL, "text")


def test_a_report_of_another_job_brings_nothing_with_it(hub: Hub, github: GitHub, monkeypatch, tmp_path: Path) -> None:
    _event(monkeypatch, tmp_path, {"pull_request": {"number": 7, "head": {"sha": SHA}}})
    report = tmp_path / "report.md"
    report.write_text("@team ![x](http://e/y.png) <img src=x> <details><summary>s</summary>t</details> <!-- x -->")
    assert post_report(report, "a b", github) == ["commented on pull request #7"]
    body = hub.comments[0]["body"]
    assert body.startswith("<!-- ovt:check a%20b -->\n")
    rest = body.split("\n", 1)[1]
    assert "@" not in rest
    assert "![" not in rest
    assert re.findall(r"<[^>]*>", rest) == ["<details>", "<summary>", "</summary>", "</details>"]
    assert post_report(tmp_path / "none.md", "", github)[0].startswith("not posted: ")


def test_a_long_report_is_cut_between_sections() -> None:
    text = "head\n\n<details><summary>x</summary>\n\n" + "\n\n".join(["row " * 50] * 1000) + "\n\n</details>"
    cut = fitted(text)
    assert len(cut) <= LONGEST
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert fitted("short") == "short"
    assert defused("a < b") == "a &lt; b"
