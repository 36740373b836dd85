"""The word table: a vector per frequent word plus the mean of the vectors of its sub-words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ovt.training.features import FIRST_WORD, PADDING, UNKNOWN, WHOLE_WORD


class WordTable(nn.Module):
    """Vectors of the distinct words of a batch. Gradients are sparse: only rows that were read are updated."""

    def __init__(self, words: int, buckets: int, size: int, word_dropout: float) -> None:
        super().__init__()
        self.word_dropout = word_dropout
        self.words = nn.Embedding(words + FIRST_WORD, size, padding_idx=PADDING, sparse=True)
        self.subwords = nn.EmbeddingBag(buckets + 1, size, padding_idx=PADDING, mode="mean", sparse=True)
        for table in (self.words, self.subwords):
            nn.init.normal_(table.weight, std=size**-0.5)
            with torch.no_grad():
                table.weight[PADDING].zero_()

    def forward(self, ids: Tensor, subwords: Tensor) -> Tensor:
        """(U,), (U, F) -> (U, size); padding is zeros."""
        if self.training and self.word_dropout > 0:
            forget = (torch.rand(ids.shape) < self.word_dropout) & (ids != PADDING)
            ids = torch.where(forget, UNKNOWN, ids)
            # The word as a whole has a bucket of its own: a word forgotten there too looks like one never seen.
            whole = torch.arange(subwords.shape[1]) == WHOLE_WORD
            subwords = torch.where(forget.unsqueeze(1) & whole, PADDING, subwords)
        out: Tensor = self.words(ids) + self.subwords(subwords)
        return out
