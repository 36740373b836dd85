"""Patterns over tokens, written as spaCy's Matcher writes them: a list of tests, one per token.

    tokens: [{lower: how}, {in: [tall, high]}, {op: "*"}, {shape: dddd, group: true}]

A test holds for a token where all of its keys do; one without keys (`{}`) holds
for every token. `op` says how many tokens in a row it takes: `?` none or one,
`*` any number, `+` one or more, `{2}`, `{1,3}`; `!` says that the token here is
not such a one. As many as possible are taken, as in a regular expression.
Tests with `group: true` mark the part of the match that gets the label; without
any it is all of it. A list of patterns matches where one of them does.

Matching takes at most quadratic time in the tokens, whatever the pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.functions.matching import WORD, Match

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MANY = 1 << 30
_OPS = {"?": (0, 1), "*": (0, MANY), "+": (1, MANY)}
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_SHAPE_RUN = 4
"""A shape shows at most so many of the same sort in a row, as spaCy's does."""


class PatternError(ValueError):
    """A pattern cannot be understood; the message says why."""


@dataclass(frozen=True)
class Test:
    """One test with how many tokens it takes."""

    holds: Callable[[str], bool]
    least: int = 1
    most: int = 1
    group: bool = False


def shape_of(word: str) -> str:
    """The shape of a token: `Xxxxx` for `President`, `dddd` for `2019`."""
    found: list[str] = []
    for letter in word:
        kind = "d" if letter.isdigit() else "X" if letter.isupper() else "x" if letter.isalpha() else letter
        if found[-_SHAPE_RUN:] != [kind] * _SHAPE_RUN:
            found.append(kind)
    return "".join(found)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PatternError(f"{value!r} is no text; quote it")
    return str(value)


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise PatternError(f"{value!r} is no list of texts")
    return frozenset(_text(item) for item in value)


def _lower(value: object) -> Callable[[str], bool]:
    wanted = _text(value).casefold()
    return lambda word: word.casefold() == wanted


def _exactly(value: object) -> Callable[[str], bool]:
    return _text(value).__eq__


def _in(value: object) -> Callable[[str], bool]:
    wanted = frozenset(text.casefold() for text in _texts(value))
    return lambda word: word.casefold() in wanted


def _not_in(value: object) -> Callable[[str], bool]:
    within = _in(value)
    return lambda word: not within(word)


def _regex(value: object) -> Callable[[str], bool]:
    try:
        pattern = re.compile(_text(value))
    except re.error as error:
        raise PatternError(f"{value!r} does not compile: {error}") from None
    return lambda word: pattern.search(word) is not None


def _shape(value: object) -> Callable[[str], bool]:
    wanted = _text(value)
    if shape_of(wanted.replace("d", "0")) != wanted:
        raise PatternError(f"{value!r} is no shape; that of `President` is `Xxxxx`, of `2019` `dddd`, "
                           f"with at most {_SHAPE_RUN} in a row")
    return lambda word: shape_of(word) == wanted


TESTS: Mapping[str, Callable[[object], Callable[[str], bool]]] = {
    "lower": _lower, "text": _exactly, "in": _in, "not_in": _not_in, "regex": _regex, "shape": _shape,
}
KEYS = (*TESTS, "op", "group")


def read_patterns(value: object) -> list[list[Test]]:
    """The patterns of a YAML value: one list of tests, or a list of such lists.

    Raises:
        PatternError: a key, an operator or a value is wrong, or a pattern matches nothing at all.
    """
    if not isinstance(value, list) or not value:
        raise PatternError(f"{value!r} is no list of tests")
    listed = value if all(isinstance(part, list) for part in value) else [value]
    return [_read_pattern(part) for part in listed]


def _read_pattern(tests: Sequence[object]) -> list[Test]:
    pattern = [_read_test(test) for test in tests]
    if not any(test.least for test in pattern):
        raise PatternError("every test may be left out, so it would match nothing; give one without `?` and `*`")
    return pattern


def _read_test(value: object) -> Test:
    if isinstance(value, str):
        return Test(_lower(value))
    if not isinstance(value, dict):
        raise PatternError(f"{value!r} is no test; e.g. {{lower: tall}}")
    for key in value:
        if key not in KEYS:
            from ovt.errors import nearest

            raise PatternError(f"unknown key `{key}`; {nearest(str(key), KEYS)}")
    checks = [TESTS[key](wanted) for key, wanted in value.items() if key in TESTS]
    group = value.get("group", False)
    if not isinstance(group, bool):
        raise PatternError(f"`group` is true or false, found {group!r}")
    operator = value.get("op", "{1}")
    if operator == "!":
        return Test(lambda word: not all(check(word) for check in checks), 1, 1, group)
    least, most = _counts(operator)
    holds = checks[0] if len(checks) == 1 else lambda word: all(check(word) for check in checks)
    return Test(holds, least, most, group)


def _counts(operator: object) -> tuple[int, int]:
    if operator in _OPS:
        return _OPS[str(operator)]
    found = _COUNT.fullmatch(str(operator))
    if found is None:
        raise PatternError(f'unknown `op` {operator!r}; one of "?", "*", "+", "!", "{{2}}", "{{1,3}}"')
    least = int(found[1])
    most = least if found[2] is None else int(found[3]) if found[3] else MANY
    if most < max(least, 1):
        raise PatternError(f"`op` {operator!r} takes no token")
    return least, most


class TokenMatcher:
    """Finds patterns over tokens; every match has the same label."""

    def __init__(self, patterns: Sequence[Sequence[Test]], label: Any) -> None:
        self._patterns = patterns
        self._label = label

    def in_words(self, words: Sequence[str]) -> list[Match]:
        """Matches in a token sequence, left to right, none overlapping another; of several at a start the longest."""
        found: list[Match] = []
        searches = [_Search(pattern, words) for pattern in self._patterns]
        start = 0
        while start < len(words):
            ends = [(end, search) for search in searches if (end := search.end(start)) is not None and end > start]
            if not ends:
                start += 1
                continue
            end, search = max(ends, key=lambda item: item[0])
            low, high = search.group(start)
            if high > low:
                found.append(Match(low, high, self._label))
            start = end
        return found

    def in_text(self, text: str) -> list[Match]:
        """Matches in a text, by its words."""
        return self.in_words(WORD.findall(text))


class _Search:
    """One pattern on one sequence: which test takes which tokens."""

    def __init__(self, pattern: Sequence[Test], words: Sequence[str]) -> None:
        self._pattern = pattern
        self._words = words
        self._known: dict[tuple[int, int], int | None] = {}
        """By (test, position), how many tokens the test takes there; None: no match from there."""

    def end(self, start: int) -> int | None:
        """Where the match that begins at a token ends; None if there is none."""
        if self._taken(0, start) is None:
            return None
        return self._walk(start)[-1]

    def group(self, start: int) -> tuple[int, int]:
        """The labelled part of the match that begins at a token."""
        bounds = self._walk(start)
        marked = [at for at, test in enumerate(self._pattern) if test.group]
        if not marked:
            return start, bounds[-1]
        return bounds[marked[0]], bounds[marked[-1] + 1]

    def _walk(self, start: int) -> list[int]:
        bounds = [start]
        for at in range(len(self._pattern)):
            bounds.append(bounds[-1] + int(self._known[at, bounds[-1]] or 0))
        return bounds

    def _taken(self, at: int, position: int) -> int | None:
        if at == len(self._pattern):
            return 0
        if (at, position) not in self._known:
            self._known[at, position] = self._longest(at, position)
        return self._known[at, position]

    def _longest(self, at: int, position: int) -> int | None:
        test, words = self._pattern[at], self._words
        most = 0
        while most < test.most and position + most < len(words) and test.holds(words[position + most]):
            most += 1
        return next(
            (count for count in range(most, test.least - 1, -1) if self._taken(at + 1, position + count) is not None),
            None,
        )
