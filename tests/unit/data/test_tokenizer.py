"""Tokens of texts in several scripts, and their offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.data.tokenizer import spans, tokens

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(("text", "expected"), [
    ("how tall is the president?", ["how", "tall", "is", "the", "president", "?"]),
    ("Don't tell Obama's wife", ["Don", "'t", "tell", "Obama", "'s", "wife"]),
    ("the president’s age", ["the", "president", "’s", "age"]),
    ("'quoted' words", ["'", "quoted", "'", "words"]),
    ("$1,000.50 at 10:30, 3.5mm, 7am", ["$", "1,000.50", "at", "10:30", ",", "3.5", "mm", ",", "7am"]),
    ("a_b c-d", ["a", "_", "b", "c", "-", "d"]),
    ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
    ("हिन्दी में लिखो।", ["हिन्दी", "में", "लिखो", "।"]),
    ("東京の高さ", ["東", "京", "の", "高", "さ"]),
    ("ok 👍🏽", ["ok", "👍", "🏽"]),
    (" \u00a0\u3000\t", []),
    ("", []),
])
def test_tokens_are_words_numbers_and_punctuation(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(TEXT)
def test_tokens_are_all_of_the_text_but_the_space(text: str) -> None:
    assert "".join(tokens(text)) == "".join(text.split())


@given(st.lists(TEXT, max_size=5))
def test_spans_cut_the_tokens_out_of_their_texts(texts: list[str]) -> None:
    lists = [tokens(text) for text in texts]
    found = iter(spans(texts, lists).tolist())
    cut = [[text[start:stop] for start, stop in (next(found) for _ in one)] for text, one in zip(texts, lists, strict=True)]
    assert cut == lists


def test_spans_of_lists_cut_short_are_those_of_their_first_tokens() -> None:
    texts = ["one two three", "four five"]
    assert spans(texts, [["one"], ["four", "five"]]).tolist() == [[0, 3], [0, 4], [5, 9]]
