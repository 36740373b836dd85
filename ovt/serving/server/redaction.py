"""What is taken out of records before they are written to a log: what names a person or opens a door."""

from __future__ import annotations

import re
from typing import Any

PATTERNS = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"\bhttps?://\S+", re.IGNORECASE), "<link>"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"), "<account>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<address>"),
    (re.compile(r"(?<!\w)\+?\d(?:[ ().-]{0,2}\d){6,}(?!\w)"), "<number>"),
    (re.compile(r"\b(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}\b"), "<key>"),
)
"""Addresses of mail, links, bank accounts, addresses of machines, long numbers (telephone, card, order), keys."""


def redacted(value: Any) -> Any:
    """A JSON value with the strings in it redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return redact_tokens(value) if value and all(isinstance(one, str) for one in value) else [
            redacted(inner) for inner in value]
    if isinstance(value, dict):
        return {key: redacted(inner) for key, inner in value.items()}
    return value


def redact(text: str) -> str:
    """A text without what the patterns find."""
    for pattern, word in PATTERNS:
        text = pattern.sub(word, text)
    return text


def redact_tokens(tokens: list[str]) -> list[str]:
    """Tokens, as many as before: those of a number that is spread over several are all replaced."""
    out = [redact(token) for token in tokens]
    text = " ".join(tokens)
    starts, here = [], 0
    for token in tokens:
        starts.append(here)
        here += len(token) + 1
    for pattern, word in PATTERNS:
        for match in pattern.finditer(text):
            for place, start in enumerate(starts):
                if start < match.end() and start + len(tokens[place]) > match.start():
                    out[place] = word
    return out
