"""A verdict on a pull request: one comment that is kept up to date, and a check run.

Nothing here decides anything: whatever goes wrong is told in a line, and the
exit code stays the verdict's.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ovt.workflows.checking.github_api import GitHub, GitHubError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ovt.project import Project
    from ovt.quality.policy.verdict import CheckResult, CheckVerdict

LONGEST = 65_000
"""Characters of a comment; GitHub takes 65,536."""
MOST_ANNOTATIONS = 50
NAME = "ovt check"
CUT = "\n\n… cut: the whole report is in the job's files."
CONCLUSIONS: dict[CheckVerdict, str] = {
    "pass": "success", "fail": "failure", "cannot compare": "action_required", "advisory": "neutral",
}
STATES: dict[CheckVerdict, str] = {"pass": "success", "fail": "failure", "cannot compare": "error",
                                   "advisory": "success"}
OUR_TAGS = re.compile(r"<(?!/?(?:details|summary)>)")
"""Every `<` that does not begin a tag of a folded section."""


@dataclass(frozen=True)
class PullRequest:
    """Where to post."""

    number: int
    sha: str
    """Its newest commit."""


def post_check(project: Project, result: CheckResult, github: GitHub | None = None) -> list[str]:
    """Comment and set a check run (else a commit status); what was done, and what was not and why, in lines."""
    from ovt.render.markdown import check_markdown
    from ovt.storage.git import git_of

    key = git_of(project.root).layout.prefix.rstrip("/")
    try:
        hub = github or GitHub.from_environment()
        pull = find_pull_request(hub, os.environ)
    except GitHubError as error:
        return [_told(error)]
    return [*_attempt(lambda: comment(hub, pull, check_markdown(result), key)),
            *_attempt(lambda: _set_check(hub, pull, result))]


def post_report(path: Path, key: str = "", github: GitHub | None = None) -> list[str]:
    """Comment with a report that another job wrote, whose content is not trusted; what was done, in lines."""
    try:
        text = defused(path.read_text(encoding="utf-8", errors="replace"))
        hub = github or GitHub.from_environment()
        pull = find_pull_request(hub, os.environ)
    except OSError as error:
        return [f"not posted: {path}: {error.strerror}"]
    except GitHubError as error:
        return [_told(error)]
    return _attempt(lambda: comment(hub, pull, text, key))


def find_pull_request(hub: GitHub, environment: Mapping[str, str]) -> PullRequest:
    """The pull request that the run is about, from what GitHub itself says, never from a job's files.

    Raises:
        GitHubError: there is none, or GitHub cannot be asked.
    """
    event = _event(environment)
    pull = event.get("pull_request")
    if isinstance(pull, dict) and "number" in pull:
        sha = str(pull.get("head", {}).get("sha") or environment.get("GITHUB_SHA", ""))
        return PullRequest(int(pull["number"]), sha)
    run = event.get("workflow_run")
    if isinstance(run, dict):
        return _of_run(hub, run)
    sha = environment.get("GITHUB_SHA", "")
    found = [PullRequest(entry["number"], entry["head"]["sha"])
             for entry in (hub.call("GET", f"/commits/{quote(sha)}/pulls") if sha else []) if entry["state"] == "open"]
    if not found:
        raise GitHubError("this run belongs to no open pull request", fix="run it `on: pull_request`")
    return found[0]


def comment(hub: GitHub, pull: PullRequest, text: str, key: str = "") -> str:
    """Write ovt's comment, or bring the one that is there up to date; what was done.

    Raises:
        GitHubError: GitHub refused.
    """
    mark = marker(key)
    body = f"{mark}\n{fitted(text)}"
    for _ in range(2):
        if _updated(hub, pull, mark, body):
            return f"the comment on pull request #{pull.number} is up to date"
        try:
            hub.call("POST", f"/issues/{pull.number}/comments", {"body": body}, again=False)
        except GitHubError as error:
            if error.status is not None and 0 < error.status < 500:
                raise
            continue  # it may have arrived: look again before a second one is written
        return f"commented on pull request #{pull.number}"
    if _updated(hub, pull, mark, body):
        return f"the comment on pull request #{pull.number} is up to date"
    raise GitHubError(f"the comment on pull request #{pull.number} was not written", why="GitHub failed twice")


def marker(key: str) -> str:
    """What tells ovt's comment from others, invisible on the page; one for each project of a repository."""
    return f"<!-- ovt:check {quote(key, safe='/')} -->".replace("  ", " ")


def fitted(text: str) -> str:
    """Text that a comment can hold, cut between two sections; folded sections are closed."""
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST - 200]
    kept = kept[:kept.rfind("\n\n")] if "\n\n" in kept else kept
    return kept + "\n\n</details>" * (kept.count("<details>") - kept.count("</details>")) + CUT


def defused(text: str) -> str:
    """A report from code that nobody has reviewed: it mentions nobody, loads no picture, brings no markup."""
    return OUR_TAGS.sub("&lt;", text).replace("@", "&#64;").replace("![", "!\\[")


def _attempt(action: Any) -> list[str]:
    try:
        return [action()]
    except GitHubError as error:
        return [_told(error)]


def _told(error: GitHubError) -> str:
    parts = [f"not posted: {error.what}", *(part for part in (error.why, error.fix) if part)]
    return "; ".join(parts)


def _event(environment: Mapping[str, str]) -> dict[str, Any]:
    path = environment.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_run(hub: GitHub, run: Mapping[str, Any]) -> PullRequest:
    """The open pull request whose newest commit is the one that the other workflow ran on."""
    sha = str(run.get("head_sha", ""))
    owner = ((run.get("head_repository") or {}).get("owner") or {}).get("login", "")
    head = quote(f"{owner}:{run.get('head_branch', '')}", safe="")
    for entry in hub.pages(f"/pulls?state=open&head={head}"):
        if entry["head"]["sha"] == sha:
            return PullRequest(int(entry["number"]), sha)
    raise GitHubError(f"no open pull request is at {sha[:12]}", why="it was closed, or has newer commits by now")


def _updated(hub: GitHub, pull: PullRequest, mark: str, body: str) -> bool:
    for found in hub.pages(f"/issues/{pull.number}/comments"):
        if not str(found.get("body") or "").startswith(mark):
            continue
        try:
            hub.call("PATCH", f"/issues/comments/{found['id']}", {"body": body})
        except GitHubError as error:
            if error.status in {403, 404}:
                continue  # somebody else's, who copied the mark
            raise
        return True
    return False


def _set_check(hub: GitHub, pull: PullRequest, result: CheckResult) -> str:
    from ovt.render.checks.badge import words
    from ovt.render.markdown import check_markdown, headline

    run = {
        "name": NAME, "head_sha": pull.sha, "status": "completed", "conclusion": CONCLUSIONS[result.verdict],
        "output": {"title": headline(result), "summary": fitted(check_markdown(result)),
                   "annotations": _annotations(result)},
    }
    try:
        hub.call("POST", "/check-runs", run)
    except GitHubError as error:
        if error.status not in {401, 403, 404}:
            raise
        state = {"state": STATES[result.verdict], "context": NAME, "description": words(result)[:140]}
        hub.call("POST", f"/statuses/{pull.sha}", state)
        return f"commit status of {pull.sha[:12]} set"
    return f"check run on {pull.sha[:12]} made"


def _annotations(result: CheckResult) -> list[dict[str, Any]]:
    from ovt.render.checks.problems import problems

    levels = {"error": "failure", "warning": "warning", "note": "notice"}
    return [
        {"path": problem.spot.path, "start_line": problem.spot.line, "end_line": problem.spot.line,
         "annotation_level": levels[problem.level], "title": f"ovt: {problem.rule}", "message": problem.message}
        for problem in problems(result)[:MOST_ANNOTATIONS]
    ]
