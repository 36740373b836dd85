"""A small network and its tight loop as an expert writes them, for what Snorkel's trainer is compared with.

Two questions about a text of 16 words, from one encoder: nothing in it knows of ovt or Snorkel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

WORDS, LENGTH, SIZE, CLASSES, SECOND = 3000, 16, 128, 11, 6
BATCH = 256


class Encoder(nn.Module):
    """Words to one vector: (B, T) -> (B, SIZE)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.words = nn.Embedding(WORDS, 100)
        if kind == "lstm":
            self.layer: nn.Module = nn.LSTM(100, SIZE // 2, batch_first=True, bidirectional=True)
        else:
            self.layer = nn.Conv1d(100, SIZE, 3, padding=1)

    def forward(self, words: Tensor) -> Tensor:
        """The largest value of each component over the words."""
        x = self.words(words)
        found = self.layer(x)[0] if self.kind == "lstm" else torch.relu(self.layer(x.transpose(1, 2))).transpose(1, 2)
        return found.amax(1)


def made_data(records: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Words (n, T), two labels (n,), and membership of three slices (n, 3), at random: speed does not look at them."""
    random = np.random.default_rng(0)
    parts = (random.integers(0, WORDS, (records, LENGTH)), random.integers(0, CLASSES, records),
             random.integers(0, SECOND, records), (random.random((records, 3)) < 0.1).astype(np.int64))
    words, first, second, slices = (torch.from_numpy(part) for part in parts)
    return words, first, second, slices


def tight_loop(kind: str, epochs: int, data: tuple[Tensor, ...]) -> None:
    """Train both heads."""
    words, first, second = data[:3]
    encoder, one, two = Encoder(kind), nn.Linear(SIZE, CLASSES), nn.Linear(SIZE, SECOND)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *one.parameters(), *two.parameters()], lr=1e-3)
    for _ in range(epochs):
        order = torch.randperm(len(words))
        for start in range(0, len(words), BATCH):
            rows = order[start:start + BATCH]
            vector = encoder(words[rows])
            loss = cross_entropy(one(vector), first[rows]) + cross_entropy(two(vector), second[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
