"""Words as pieces (WordPiece): the longest piece that the word begins with, then the longest of the rest.

The vocabulary is that of a pretrained folder, or one found in the train
records (Schuster and Nakajima 2012; see `merging`). Applying it needs no
package: the same pieces as `tokenizers` gives, which tests hold.
Ids are those of the vocabulary plus 1; 0 is padding.
"""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.errors import ProjectError
from ovt.training.embeddings.characters import ragged
from ovt.training.embeddings.merging import INSIDE, merge_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = "[UNK]"
LONGEST = 100
"""Characters of a word beyond which it is unknown, as in BERT."""
MOST_REPEATED = 50
"""Times that a word counts at most when pieces are looked for: frequent words need no pieces."""


class Pieces(msgspec.Struct, frozen=True, tag="pieces"):
    """A vocabulary of pieces and how words are normalised before."""

    vocabulary: tuple[str, ...]
    lower: bool = True
    """Lower case, no accents."""
    split: bool = False
    """Punctuation and ideographs are words of their own, as BERT has it."""

    @property
    def rows(self) -> int:
        """Ids, padding included."""
        return len(self.vocabulary) + 1

    def encode(self, strings: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(v + 1,) offsets and the piece ids of each string."""
        index = {piece: number for number, piece in enumerate(self.vocabulary, 1)}
        return ragged([self._pieces(text, index) for text in strings])

    def number(self, piece: str) -> int:
        """The id of a piece, 0 if it is none."""
        return self.vocabulary.index(piece) + 1 if piece in self.vocabulary else 0

    def _pieces(self, text: str, index: dict[str, int]) -> list[int]:
        found: list[int] = []
        for word in self.words_of(text):
            found.extend(longest_matches(word, index))
        return found

    def words_of(self, text: str) -> list[str]:
        """A text normalised, in the words that are spelled by pieces."""
        plain = _without_accents(text.lower()) if self.lower else text
        return split_marks(plain) if self.split else [plain] if plain else []


def longest_matches(word: str, index: dict[str, int]) -> list[int]:
    """The pieces of a word, the longest first; the unknown piece where it cannot be spelled."""
    unknown = [index[UNKNOWN]] if UNKNOWN in index else []
    if len(word) > LONGEST:
        return unknown
    found, start = [], 0
    while start < len(word):
        for stop in range(len(word), start, -1):
            number = index.get(word[start:stop] if start == 0 else INSIDE + word[start:stop])
            if number is not None:
                found.append(number)
                start = stop
                break
        else:
            return unknown
    return found


def split_marks(text: str) -> list[str]:
    """Words of a text: at white space, and every mark and ideograph by itself."""
    spaced = "".join(f" {char} " if _is_mark(char) else char for char in text if char not in "\0\ufffd")
    return spaced.split()


def _is_mark(char: str) -> bool:
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    ideograph = 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x2FA1F or (
        0xF900 <= code <= 0xFAFF)
    return ideograph or unicodedata.category(char).startswith("P")


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")


def learn_pieces(words: Iterable[tuple[str, int]], size: int) -> Pieces:
    """Find a vocabulary of pieces in words with their counts in train; the same for the same words."""
    counts: dict[str, int] = {}
    for text, count in words:
        for word in Pieces(()).words_of(text):
            counts[word] = min(MOST_REPEATED, counts.get(word, 0) + count)
    return Pieces((UNKNOWN, *_learned(tuple(sorted(counts.items())), size - 1)))


@lru_cache(maxsize=2)
def _learned(words: tuple[tuple[str, int], ...], size: int) -> tuple[str, ...]:
    """Remembered for the trials of a search."""
    return tuple(sorted(merge_pairs(dict(words), size)))


def folder_pieces(folder: Path) -> Pieces:
    """The vocabulary of a Hugging Face folder.

    Raises:
        ProjectError: it has none, or one of another kind than WordPiece.
    """
    tokenizer = _json(folder / "tokenizer.json")
    if tokenizer:
        model = tokenizer.get("model", {})
        if model.get("type", "WordPiece") != "WordPiece" or model.get("continuing_subword_prefix", INSIDE) != INSIDE:
            raise ProjectError("the pretrained folder has a vocabulary of another kind", at=str(folder),
                               why=f"found {model.get('type')}; WordPiece (BERT and its family) is read",
                               fix="take a folder of the BERT family, or export its word vectors to a .txt file")
        vocabulary = tuple(sorted(model["vocab"], key=model["vocab"].__getitem__))
        normalizer = tokenizer.get("normalizer") or {}
        return Pieces(vocabulary, bool(normalizer.get("lowercase", False)), split=True)
    if not (folder / "vocab.txt").is_file():
        raise ProjectError("the pretrained folder has no vocabulary", at=str(folder),
                           why="neither tokenizer.json nor vocab.txt", fix="save the tokenizer into the folder too")
    lower = bool(_json(folder / "tokenizer_config.json").get("do_lower_case", True))
    return Pieces(tuple((folder / "vocab.txt").read_text(encoding="utf-8").splitlines()), lower, split=True)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found
