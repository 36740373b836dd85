"""What a YAML entry looks for: words, a regex, a dictionary, a pattern over tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ovt.errors import ProjectError
from ovt.functions.dictionary import read_dictionary
from ovt.functions.matching import Matcher, PatternMatcher, PhraseMatcher
from ovt.functions.token_patterns import PatternError, TokenMatcher, read_patterns

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.documents import Document
    from ovt.project import Project

MATCHERS = ("keyword", "regex", "dictionary", "tokens")
"""Keys that say what is looked for."""


@dataclass(frozen=True)
class Entry:
    """One entry as it stands in the file."""

    document: Document
    path: tuple[str | int, ...]
    value: dict[str, Any]
    name: str
    project: Project
    folder: Path
    files: list[Path] = field(default_factory=list)

    def error(self, key: str, what: str, why: str, fix: str) -> ProjectError:
        """An error at one key of the entry."""
        return ProjectError(what, at=self.document.at(*self.path, key), why=why, fix=fix)


def matcher_of(entry: Entry, label: Any) -> tuple[Matcher, dict[str, Any]]:
    """The matcher of an entry, and its settings as plain values.

    Args:
        entry: with exactly one of MATCHERS.
        label: that a match stands for; None where a dictionary gives it.

    Raises:
        ProjectError: what it looks for cannot be understood.
    """
    if "tokens" in entry.value:
        try:
            return TokenMatcher(read_patterns(entry.value["tokens"]), label), {
                "tokens": entry.value["tokens"], "label": label}
        except PatternError as error:
            raise entry.error("tokens", f"`tokens` of `{entry.name}` is no pattern", str(error),
                              'e.g. [{lower: how}, {in: [tall, high]}, {op: "*"}]') from None
    if "regex" in entry.value:
        text = entry.value["regex"]
        try:
            pattern = re.compile(text)
        except (re.error, TypeError) as error:
            raise entry.error("regex", f"`regex` of `{entry.name}` does not compile", f"{error}: {text!r}",
                              "mend the pattern") from None
        return PatternMatcher(pattern, label), {"regex": text, "label": label}
    if "keyword" in entry.value:
        words = entry.value["keyword"]
        listed = [words] if isinstance(words, str) else words
        if not isinstance(listed, list) or not listed or not all(_is_word(word) for word in listed):
            raise entry.error("keyword", f"`keyword` of `{entry.name}` is no list of words", f"found {words!r}",
                              "e.g. [tall, height]")
        phrases = {str(word): label for word in listed}
    else:
        phrases = _phrases(entry, label)
    return PhraseMatcher(phrases), {"phrases": phrases}


def _phrases(entry: Entry, label: Any) -> dict[str, Any]:
    value = entry.value["dictionary"]
    if isinstance(value, str):
        file = next((path for path in (entry.folder / value, entry.project.root / value) if path.is_file()), None)
        if file is None:
            raise entry.error("dictionary", f"the dictionary of `{entry.name}` is missing", f"no file `{value}`",
                              "a path from the project or from the YAML file")
        entry.files.append(file)
        value = read_dictionary(file, entry.project.shown(file))
    if isinstance(value, list):
        value = dict.fromkeys(value)
    if not isinstance(value, dict) or not value or not all(_is_word(word) for word in value):
        raise entry.error("dictionary", f"the dictionary of `{entry.name}` is no mapping", "it maps phrases to labels",
                          "e.g. {tall: height, old: age}")
    phrases = {str(phrase): label if found is None else found for phrase, found in value.items()}
    bare = next((phrase for phrase, found in phrases.items() if found is None), None)
    if bare is not None:
        raise entry.error("dictionary", f"the dictionary of `{entry.name}` has no label for `{bare}`",
                          "neither the dictionary nor `label` gives one", "add `label:`")
    return phrases


def _is_word(value: object) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (isinstance(value, int) and not isinstance(value, bool))
