"""Keeping secrets out of messages and logs: what libraries put into their errors is looked through first.

Two nets: values that are known (this project's `config.local`, the
environment) and shapes that are always secrets (a password in a URL, a signed
query, an AWS key id).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"
NAMED = re.compile(
    r"(?i)pass(word|phrase)|secret|token|access_?key|account_?key|credential|connection_string|\bsas\b|_sas")
"""Names of settings and variables whose values are secrets."""
SHORTEST = 6
"""Shorter values would hide half of any message; nobody's real secret is that short."""
_SHAPES = (
    (re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://)[^/\s@'\"]+@"), rf"\g<head>{HIDDEN}@"),
    (re.compile(r"(?i)(?P<head>[?&;](?:[a-z-]*(?:signature|credential|token|secret|password|key)|sig)=)[^&\s'\"]+"),
     rf"\g<head>{HIDDEN}"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b"), HIDDEN),
    (re.compile(r"(?i)(?P<head>\b(?:password|secret(?:_access)?_?key|token|authorization)['\"]?\s*[:=]\s*['\"]?)[^\s'\",]+"),
     rf"\g<head>{HIDDEN}"),
)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """A text without the secrets that are known, in the environment, or recognisable by their shape."""
    for value in sorted({*known, *_environment()}, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def secret_in_url(url: str) -> str | None:
    """What is secret in an address, in words; None if nothing is."""
    parts = urlsplit(url)
    if parts.password:
        return "a password in the URL"
    if parts.username and parts.scheme not in {"", "ssh", "git", "git+ssh", "hdfs"}:
        return "an account in the URL"
    if redacted(parts.query and f"?{parts.query}") != (parts.query and f"?{parts.query}"):
        return "a key in the URL"
    return None


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    return NAMED.search(name) is not None


def _environment() -> list[str]:
    return [value for name, value in os.environ.items() if NAMED.search(name)]
