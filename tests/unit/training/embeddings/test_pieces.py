from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.errors import ProjectError
from ovt.training.embeddings.characters import LONGEST, Characters, alphabet_of
from ovt.training.embeddings.merging import merge_pairs
from ovt.training.embeddings.pieces import UNKNOWN, Pieces, folder_pieces, learn_pieces

if TYPE_CHECKING:
    from pathlib import Path

tokenizers = pytest.importorskip("tokenizers")
VOCABULARY = ("[PAD]", UNKNOWN, "un", "##aff", "##able", "##a", "##f", "a", "##b", "b", "##le", "l", "##l", "'", "中", "e")
WORDS = [("redish", 9), ("blueish", 7), ("greenish", 5), ("Red", 4), ("blue", 4), ("rebuild", 3), ("once", 1)]


def reference(pieces: Pieces) -> Any:
    """The same vocabulary in the package `tokenizers`."""
    index = {piece: number for number, piece in enumerate(pieces.vocabulary)}
    found = tokenizers.Tokenizer(tokenizers.models.WordPiece(index, unk_token=UNKNOWN, max_input_chars_per_word=100))
    found.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=pieces.lower, clean_text=False)
    found.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return found


def ids(pieces: Pieces, text: str) -> list[int]:
    offsets, values = pieces.encode([text])
    assert offsets.tolist() == [0, len(values)]
    return (values - 1).tolist()


@given(st.text(st.sampled_from("abeflun'Áé中-B"), max_size=12))
def test_pieces_are_those_of_tokenizers(text: str) -> None:
    pieces = Pieces(VOCABULARY, split=True)
    assert ids(pieces, text) == reference(pieces).encode(text).ids


def test_a_word_too_long_is_unknown() -> None:
    assert ids(Pieces(VOCABULARY), "a" * 101) == [1]
    assert len(ids(Pieces(VOCABULARY), "a" * 100)) == 100


def test_learned_pieces_are_the_same_each_time_and_spell_new_words() -> None:
    found = learn_pieces(WORDS, 40)
    assert found == learn_pieces(list(reversed(WORDS)), 40)
    assert len(found.vocabulary) <= 40
    new = ids(found, "greenblue")
    assert 0 not in new
    assert "".join(found.vocabulary[number].removeprefix("##") for number in new) == "greenblue"


@pytest.mark.parametrize("form", ["vocab.txt", "tokenizer.json"])
def test_a_folder_s_vocabulary(form: str, tmp_path: Path) -> None:
    if form == "vocab.txt":
        (tmp_path / form).write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    else:
        reference(Pieces(VOCABULARY)).save(str(tmp_path / form))
    found = folder_pieces(tmp_path)
    assert found == Pieces(VOCABULARY, lower=True, split=True)
    assert found.number("a") == VOCABULARY.index("a") + 1


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no vocabulary"):
        folder_pieces(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE", "vocab": {"a": 0}}}))
    with pytest.raises(ProjectError, match="another kind"):
        folder_pieces(tmp_path)


def test_characters_of_train_and_the_ends_of_long_words() -> None:
    found = alphabet_of(WORDS)
    assert "o" not in found.alphabet  # of a word seen once
    offsets, values = found.encode(["red", "", "x" * 90 + "ish"])
    assert np.diff(offsets).tolist() == [5, 2, LONGEST + 2]
    assert values[:2].tolist() == [2, found.alphabet.index("r") + 4]
    assert values[-4:].tolist() == [*(found.alphabet.index(char) + 4 for char in "ish"), 3]
    assert msgspec.convert(msgspec.to_builtins(found), Characters | Pieces) == found


@given(st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 30))
def test_pairs_are_joined_as_counting_them_anew_each_time_says(words: dict[str, int], size: int) -> None:
    assert merge_pairs(words, size) == slow_merge(words, size)


def slow_merge(words: dict[str, int], size: int) -> set[str]:
    split = {word: [word[0], *("##" + char for char in word[1:])] for word in words}
    found = {piece for pieces in split.values() for piece in pieces}
    while len(found) < size:
        counts: Counter[tuple[str, str]] = Counter()
        for word, pieces in split.items():
            for pair in itertools.pairwise(pieces):
                counts[pair] += words[word]
        frequent = [(-count, pair) for pair, count in counts.items() if count >= 2]
        if not frequent:
            break
        first, second = min(frequent)[1]
        found.add(first + second[2:])
        for pieces in split.values():
            for place in range(len(pieces) - 1):
                if pieces[place:place + 2] == [first, second]:
                    pieces[place:place + 2] = [first + second[2:]]
    return found
