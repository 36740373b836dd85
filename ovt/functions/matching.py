"""Finding phrases and patterns in words and in text: what keyword, dictionary and regex functions are made of.

Phrases match whole words and ignore case; of overlapping phrases the longest
that starts first wins. A regex is taken as written (`(?i)` ignores case) and is
searched in the text, or in the tokens joined by single spaces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORD = re.compile(r"\w+|[^\w\s]")
"""The words of a text."""


@dataclass(frozen=True)
class Match:
    """One find: which words it covers and the label it stands for."""

    start: int
    end: int
    label: Any


class Matcher(Protocol):
    """Finds labelled stretches."""

    def in_words(self, words: Sequence[str]) -> list[Match]:
        """Matches in a token sequence; positions are tokens."""

    def in_text(self, text: str) -> list[Match]:
        """Matches in a text; positions only order them and tell their lengths."""


class PhraseMatcher:
    """Finds phrases, each with its label."""

    def __init__(self, phrases: Mapping[str, Any]) -> None:
        index: dict[str, dict[tuple[str, ...], Any]] = defaultdict(dict)
        for phrase, label in phrases.items():
            folded = phrase.casefold()
            # Tokens may be split at punctuation or not: both spellings are looked for.
            for words in (tuple(folded.split()), tuple(WORD.findall(folded))):
                if words:
                    index[words[0]].setdefault(words, label)
        self._by_first = {
            first: sorted(found.items(), key=lambda item: (-len(item[0]), item[0])) for first, found in index.items()
        }

    def in_words(self, words: Sequence[str]) -> list[Match]:
        """Matches in a token sequence, left to right, none overlapping another."""
        folded = tuple(word.casefold() for word in words)
        found: list[Match] = []
        position = 0
        while position < len(folded):
            match = self._at(folded, position)
            if match is not None:
                found.append(match)
            position = match.end if match is not None else position + 1
        return found

    def in_text(self, text: str) -> list[Match]:
        """Matches in a text, by its words."""
        return self.in_words(WORD.findall(text))

    def _at(self, words: tuple[str, ...], position: int) -> Match | None:
        for phrase, label in self._by_first.get(words[position], ()):
            if words[position:position + len(phrase)] == phrase:
                return Match(position, position + len(phrase), label)
        return None


class PatternMatcher:
    """Finds a regular expression; every match has the same label."""

    def __init__(self, pattern: re.Pattern[str], label: Any) -> None:
        self._pattern = pattern
        self._label = label

    def in_words(self, words: Sequence[str]) -> list[Match]:
        """Matches in the tokens joined by spaces; a token that is touched is covered whole."""
        starts, position = [], 0
        for word in words:
            starts.append(position)
            position += len(word) + 1
        found: list[Match] = []
        for match in self._pattern.finditer(" ".join(words)):
            covered = [
                index for index, start in enumerate(starts)
                if start < match.end() and match.start() < start + len(words[index])
            ]
            if covered and (not found or covered[0] >= found[-1].end):
                found.append(Match(covered[0], covered[-1] + 1, self._label))
        return found

    def in_text(self, text: str) -> list[Match]:
        """Whether the text matches: the first match, or none."""
        match = self._pattern.search(text)
        return [Match(match.start(), match.end(), self._label)] if match else []


def best(matches: Sequence[Match]) -> Match | None:
    """The longest match, of equals the first."""
    return min(matches, key=lambda match: (match.start - match.end, match.start), default=None)
