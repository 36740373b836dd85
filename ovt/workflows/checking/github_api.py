"""GitHub's REST API, as much of it as a verdict needs; the standard library alone.

What may pass is tried again: 5xx, a lost connection, both kinds of rate limit
(waiting as long as GitHub says, within a budget). The token is in one header
and in no message. A redirect is not followed: it could carry the token away.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt import __version__
from ovt.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

API_VERSION = "2022-11-28"
ATTEMPTS = 5
PATIENCE = 120.0
"""Seconds that all waiting together may take."""
TIMEOUT = 30.0
PER_PAGE = 100
MOST_PAGES = 100
PERMISSIONS = {
    "issues": "pull-requests: write", "pulls": "pull-requests: read", "check-runs": "checks: write",
    "statuses": "statuses: write",
}


class GitHubError(MissingError):
    """GitHub said no, or could not be reached."""

    def __init__(self, what: str, *, status: int | None = None, why: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, why=why, fix=fix)
        self.status = status


@dataclass
class GitHub:
    """One repository, through the API."""

    repository: str
    """OWNER/NAME."""
    token: str = field(repr=False)
    api: str = "https://api.github.com"
    sleep: Callable[[float], None] = time.sleep
    waited: float = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> GitHub:
        """As GitHub Actions says.

        Raises:
            GitHubError: there is no token or no repository.
        """
        env = os.environ if environment is None else environment
        token, repository = env.get("GITHUB_TOKEN", ""), env.get("GITHUB_REPOSITORY", "")
        for name, value in (("GITHUB_TOKEN", token), ("GITHUB_REPOSITORY", repository)):
            if not value:
                raise GitHubError(f"{name} is not set", fix="in a workflow: `env: {GITHUB_TOKEN: ${{ github.token }}}`")
        return cls(repository, token, env.get("GITHUB_API_URL") or "https://api.github.com")

    def pages(self, path: str) -> Iterator[Any]:
        """Every element of a list, page by page.

        Raises:
            GitHubError: as for `call`.
        """
        mark = "&" if "?" in path else "?"
        for page in range(1, MOST_PAGES + 1):
            found = self.call("GET", f"{path}{mark}per_page={PER_PAGE}&page={page}")
            yield from found
            if len(found) < PER_PAGE:
                return

    def call(self, method: str, path: str, body: Any = None, *, again: bool = True) -> Any:
        """One request below the repository; the parsed answer.

        Args:
            method: of HTTP.
            path: below `/repos/OWNER/NAME`.
            body: sent as JSON.
            again: whether a request that may have arrived is sent again: not where that would make a second thing.

        Raises:
            GitHubError: GitHub refused, or did not answer in time.
        """
        for attempt in range(1, ATTEMPTS + 1):
            status, headers, content = self._send(method, path, body)
            if 200 <= status < 300:
                return json.loads(content) if content else None
            limited = _is_limit(status, headers, content)
            may_retry = limited or (again and (status >= 500 or status == 0))
            pause = _pause(headers, attempt)
            if not may_retry or attempt == ATTEMPTS or self.waited + pause > PATIENCE:
                raise _refused(method, path, status, content, limited=limited)
            self.waited += pause
            self.sleep(pause)
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, body: Any) -> tuple[int, Mapping[str, str], bytes]:
        """Status (0: no connection), headers in lower case, content."""
        request = urllib.request.Request(  # noqa: S310 - the address is GitHub's, from the runner's environment
            f"{self.api.rstrip('/')}/repos/{self.repository}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json", "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json", "User-Agent": f"ovt/{__version__}",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, {}, str(getattr(error, "reason", error)).encode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the answer comes back as it is."""


def _lower(headers: Any) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


def _is_limit(status: int, headers: Mapping[str, str], content: bytes) -> bool:
    """Whether the primary or the secondary rate limit refused it: then nothing was done."""
    if status == 429:
        return True
    said = content[:2000].lower()
    return status == 403 and (
        "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or b"secondary rate limit" in said
    )


def _pause(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds until the next attempt: what GitHub says, else 1, 2, 4, 8."""
    after = headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return float(2 ** (attempt - 1))


def _refused(method: str, path: str, status: int, content: bytes, *, limited: bool) -> GitHubError:
    what = f"{method} {path.partition('?')[0]}"
    if status == 0:
        return GitHubError(f"GitHub cannot be reached: {what}", status=0, why=content.decode(errors="replace"))
    fix = None
    if limited:
        fix = "the rate limit is used up: run it again later"
    elif status in {401, 403, 404}:
        wanted = next((right for part, right in PERMISSIONS.items() if f"/{part}" in path), None)
        fix = f"give the job `permissions: {{{wanted}}}`" if wanted else "look at the permissions of the token"
    return GitHubError(f"GitHub refused {what}", status=status, why=f"{status} {_message(content)}".strip(), fix=fix)


def _message(content: bytes) -> str:
    try:
        found = json.loads(content)
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""
