"""Pieces of words found in counted words: the most frequent pair of neighbouring pieces is joined, again and again.

Byte-pair encoding (Sennrich et al. 2016) with WordPiece's spelling. The
package `tokenizers` does the same, but what it finds differs from run to run
where pairs are equally frequent, and a model must have the same bytes each
time; here the first in the alphabet goes first.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict

Pair = tuple[str, str]
FEWEST = 2
"""Pairs rarer than this are not joined."""
INSIDE = "##"
"""Begins a piece that does not begin a word."""


def merge_pairs(words: dict[str, int], size: int) -> set[str]:
    """Letters and joined pieces, at most `size` of them (all letters stay).

    Args:
        words: counts by word.
        size: pieces wanted.
    """
    return _Merger(words).run(size)


class _Merger:
    """Words as lists of pieces, and where each pair of neighbours occurs."""

    def __init__(self, words: dict[str, int]) -> None:
        ordered = sorted(words)
        self.counts = [words[word] for word in ordered]
        self.words = [[word[0], *(INSIDE + char for char in word[1:])] for word in ordered]
        self.pairs: Counter[Pair] = Counter()
        self.places: defaultdict[Pair, set[int]] = defaultdict(set)
        for number, pieces in enumerate(self.words):
            self._note(number, pieces, 1)
        self.heap = [(-count, pair) for pair, count in self.pairs.items()]
        heapq.heapify(self.heap)

    def run(self, size: int) -> set[str]:
        """Join until there are enough pieces or no pair is frequent."""
        found = {piece for pieces in self.words for piece in pieces}
        while len(found) < size and self.heap:
            count, pair = heapq.heappop(self.heap)
            if -count != self.pairs[pair]:
                continue  # its count has changed since; the right one is further down
            if -count < FEWEST:
                break
            found.add(self._join(pair))
        return found

    def _join(self, pair: Pair) -> str:
        joined = pair[0] + pair[1].removeprefix(INSIDE)
        changed: set[Pair] = set()
        for number in sorted(self.places.pop(pair, ())):
            before = self.words[number]
            after = _joined(before, pair, joined)
            changed |= self._note(number, before, -1) | self._note(number, after, 1)
            self.words[number] = after
        self.pairs.pop(pair, None)
        for other in changed - {pair}:
            if self.pairs[other] > 0:
                heapq.heappush(self.heap, (-self.pairs[other], other))
        return joined

    def _note(self, number: int, pieces: list[str], sign: int) -> set[Pair]:
        """Count a word's pairs in, or out."""
        pairs = list(itertools.pairwise(pieces))
        for pair in pairs:
            self.pairs[pair] += sign * self.counts[number]
            if sign > 0:
                self.places[pair].add(number)
        return set(pairs)


def _joined(pieces: list[str], pair: Pair, joined: str) -> list[str]:
    found: list[str] = []
    place = 0
    while place < len(pieces):
        if tuple(pieces[place:place + 2]) == pair:
            found.append(joined)
            place += 2
        else:
            found.append(pieces[place])
            place += 1
    return found
