"""Encoders: from one vector per element to one vector per element that knows its neighbours.

Each is a module `Encoder(inputs, size, dropout)` with
`forward(x (B, T, inputs), lengths (B,)) -> (B, T, size)`. A package can add
one under the entry-point group `ovt.encoders`. All are written to be exported:
no packed sequences, no loop over data, masks instead of lengths in Python.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ovt.training.extensions import find_extension
from ovt.training.network.attention import Attention, length_mask
from ovt.training.network.dropout import RowDropout

GROUP = "ovt.encoders"


def build_encoder(name: str, inputs: int, size: int, dropout: float) -> nn.Module:
    """The encoder of that name, built in or installed under `ovt.encoders`."""
    kind = find_extension(GROUP, ENCODERS, name)
    module: nn.Module = kind(inputs, size, dropout)
    return module


class Bag(nn.Module):
    """No encoder: each element is transformed on its own."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, size)
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, size)."""
        del lengths
        out: Tensor = self.dropout(torch.relu(self.project(x)))
        return out


class Cnn(nn.Module):
    """Two gated convolutions, the second dilated, each added to its input: seven words see each other."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, size)
        self.layers = nn.ModuleList(nn.Conv1d(size, 2 * size, 3, padding=gap, dilation=gap) for gap in (1, 2))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in self.layers)
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, size)."""
        mask = length_mask(lengths, x.shape[1]).unsqueeze(2)  # (B, T, 1)
        x = self.project(x)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            seen = (norm(x) * mask).transpose(1, 2)  # (B, size, T), zero beyond the end as at the border
            value, gate = layer(seen).split(self.project.out_features, dim=1)
            x = x + self.dropout((value * torch.sigmoid(gate)).transpose(1, 2))
        return x


class Lstm(nn.Module):
    """A bidirectional LSTM over each element and what a convolution sees around it (as Ma and Hovy 2016 over letters).

    The convolution names phrases of three words at once, which the LSTM would have to learn to remember: on public sets
    of intents and slots it is worth half a point to a point. Two LSTMs, the second on the elements in reverse, found by
    a length-aware gather: one that is bidirectional would read the padding first.
    """

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.near = nn.Conv1d(inputs, size, 3, padding=1)
        self.ahead = nn.LSTM(inputs + size, size // 2, batch_first=True)
        self.back = nn.LSTM(inputs + size, size - size // 2, batch_first=True)
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, size)."""
        mask = length_mask(lengths, x.shape[1]).unsqueeze(2)  # (B, T, 1)
        around = torch.relu(self.near((x * mask).transpose(1, 2))).transpose(1, 2)  # (B, T, size)
        x = torch.cat([x, self.dropout(around)], dim=2)
        order = reversal(lengths, x.shape[1])  # (B, T)
        ahead, _ = self.ahead(x)
        back, _ = self.back(gather_elements(x, order))
        out: Tensor = self.dropout(torch.cat([ahead, gather_elements(back, order)], dim=2))
        return out


class Transformer(nn.Module):
    """Two pre-norm self-attention layers over elements with sinusoidal positions."""

    def __init__(self, inputs: int, size: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, size)
        heads = max(1, size // 32)
        self.layers = nn.ModuleList(TransformerLayer(size, heads, size // heads, dropout) for _ in range(2))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, size)."""
        mask = length_mask(lengths, x.shape[1])
        x = self.project(x)
        x = x + sinusoids(x.shape[1], x.shape[2])
        for layer in self.layers:
            x = layer(x, mask)
        return x


class TransformerLayer(nn.Module):
    """Self-attention and a feed-forward step, each added to its input; also what set members use on each other."""

    def __init__(self, size: int, heads: int, head_size: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(size, size, heads, head_size)
        self.forward_step = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.norms = nn.ModuleList([nn.LayerNorm(size), nn.LayerNorm(size)])
        self.dropout = RowDropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, size), (B, T) -> (B, T, size)."""
        seen = self.norms[0](x)
        x = x + self.dropout(self.attention(seen, seen, mask))
        out: Tensor = x + self.dropout(self.forward_step(self.norms[1](x)))
        return out


def reversal(lengths: Tensor, width: int) -> Tensor:
    """(B, T) positions that reverse the first `length` elements of each row and leave the padding in place."""
    steps = torch.arange(width, device=lengths.device).unsqueeze(0)
    last = lengths.unsqueeze(1) - 1
    return torch.where(steps <= last, last - steps, steps)


def gather_elements(x: Tensor, order: Tensor) -> Tensor:
    """(B, T, D) with the elements of each row in the given order (B, T)."""
    return x.gather(1, order.unsqueeze(2).expand(-1, -1, x.shape[2]))


def sinusoids(width: int, size: int) -> Tensor:
    """(T, size) positions as sines and cosines of growing wavelength."""
    steps = torch.arange(width, dtype=torch.float32).unsqueeze(1)
    waves = torch.exp(torch.arange(0, size, 2, dtype=torch.float32) * (-9.21 / size))
    angles = steps * waves
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)[:, :size]


ENCODERS: dict[str, type[nn.Module]] = {"bag": Bag, "cnn": Cnn, "lstm": Lstm, "transformer": Transformer}
