"""Phrases and patterns are found where they are."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ovt.functions.matching import Match, PatternMatcher, PhraseMatcher, best

WORDS = st.lists(st.sampled_from(["a", "B", "c"]), max_size=8)
PHRASES = st.dictionaries(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(" ".join),
                          st.integers(0, 3), min_size=1, max_size=5)


@given(WORDS, PHRASES)
def test_the_longest_phrase_wins_from_left_to_right(words, phrases):
    expected, position = [], 0
    while position < len(words):
        fits = [phrase for phrase in phrases
                if [word.lower() for word in words[position:position + len(phrase.split())]] == phrase.split()]
        if fits:
            chosen = max(fits, key=lambda phrase: len(phrase.split()))
            expected.append(Match(position, position + len(chosen.split()), phrases[chosen]))
        position = expected[-1].end if fits else position + 1
    assert PhraseMatcher(phrases).in_words(words) == expected


@given(WORDS, PHRASES)
def test_text_and_tokens_agree(words, phrases):
    matcher = PhraseMatcher(phrases)
    assert matcher.in_text(" ".join(words)) == matcher.in_words(words)


def test_punctuation_may_be_split_off_or_not():
    matcher = PhraseMatcher({"U.S. president": 1})
    assert matcher.in_words(["the", "U.S.", "president"]) == [Match(1, 3, 1)]
    assert matcher.in_words(["the", "U", ".", "S", ".", "president"]) == [Match(1, 6, 1)]
    assert len(matcher.in_text("the U.S. President?")) == 1


@given(st.lists(st.text("ab ", min_size=1, max_size=3), max_size=6), st.sampled_from(["a", "ab", "b a", "a+", "^a", "b$"]))
def test_a_pattern_covers_every_token_it_touches(words, pattern):
    matches = PatternMatcher(re.compile(pattern), "x").in_words(words)
    joined = " ".join(words)
    touched = set()
    for match in re.finditer(pattern, joined):
        start = 0
        for position, word in enumerate(words):
            if start < match.end() and match.start() < start + len(word):
                touched.add(position)
            start += len(word) + 1
    covered = [position for match in matches for position in range(match.start, match.end)]
    assert len(covered) == len(set(covered))
    assert set(covered) <= touched
    assert bool(covered) == bool(touched)


def test_an_empty_match_covers_nothing():
    assert PatternMatcher(re.compile("x*"), "l").in_words(["a", "b"]) == []


def test_the_best_match_is_the_longest_then_the_first():
    matches = [Match(4, 5, "c"), Match(0, 2, "a"), Match(2, 4, "b")]
    assert best(matches) == Match(0, 2, "a")
    assert best([]) is None
