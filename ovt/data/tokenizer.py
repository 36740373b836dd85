"""Text to tokens: words, numbers and punctuation, with the offsets of each in the text.

One rule for every script, and no table that a newer Unicode version would
change: what is neither space nor symbol belongs to a word, so that combining
marks stay with their letters. Scripts written without spaces give one token per
character. Case is kept: whether it matters is the model's business.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NAME = "unicode/1"
"""Name and format number, kept with the store: other tokens would need another number."""

_SYMBOLS = (
    r"!-/:-@\[-`{-~"  # ASCII
    r"\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    r"\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965"
    r"\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f"
    r"\u3001-\u3004\u3008-\u3020\u3030\u303d\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffee"
    r"\U0001f000-\U0001faff"
)
_UNSPACED = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_WORD = rf"[^\s{_SYMBOLS}{_UNSPACED}]"

_TOKEN = re.compile(
    rf"\d+(?:[.,:]\d+)+"  # 3.5 and 1,000 and 10:30
    rf"|{_WORD}+"
    rf"|(?<={_WORD})['’](?:[sS]|[tT]|[dD]|[mM]|[rR][eE]|[vV][eE]|[lL][lL])(?!{_WORD})"  # Obama | 's, don | 't
    rf"|[{_SYMBOLS}{_UNSPACED}]"
)

tokens = _TOKEN.findall
"""``tokens(text) -> list[str]``: the tokens of a text, in order. The bound method: it is called a million times."""


_SPACE = np.array([chr(code).isspace() for code in range(0x3002)])
"""Which code points are space; none is beyond U+3000."""


def spans(texts: Sequence[str], token_lists: Sequence[Sequence[str]]) -> NDArray[np.int32]:
    """Half-open character offsets of tokens in their texts, for many texts at once.

    The tokens of a text are its characters but for the space, in order: the
    token that comes after `k` characters of tokens starts at the `k`-th
    character that is no space. A token list may be cut short at its end.

    Returns:
        (tokens, 2) offsets, text after text.
    """
    letters = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    solid = np.flatnonzero(~_SPACE[np.minimum(letters, len(_SPACE) - 1)])
    counts = np.fromiter(map(len, token_lists), np.int64, len(token_lists))
    sizes = np.fromiter(map(len, chain.from_iterable(token_lists)), np.int64, int(counts.sum()))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.cumsum(lengths) - lengths
    before = np.concatenate(([0], np.cumsum(sizes)))
    of_text = before[np.cumsum(counts) - counts]
    first = np.searchsorted(solid, begins)
    starts = solid[before[:-1] + np.repeat(first - of_text, counts)] - np.repeat(begins, counts)
    return np.stack((starts, starts + sizes), 1).astype(np.int32)
