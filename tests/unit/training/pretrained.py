"""Files of vectors and a tiny encoder of the BERT family with random weights: what others download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HIDDEN = 16


def write_vectors(path: Path, names: Sequence[str], length: int, seed: int = 0) -> None:
    """A file in GloVe's form."""
    random = np.random.default_rng(seed)
    lines = (f"{name} {' '.join(f'{value:.4f}' for value in random.normal(size=length))}\n" for name in names)
    path.write_text("".join(lines), encoding="utf-8")


def write_bert(folder: Path, words: Sequence[str]) -> None:
    """A folder as `save_pretrained` leaves it; its vocabulary spells all words letter by letter."""
    transformers = pytest.importorskip("transformers")
    import torch

    letters = sorted({char for word in words for char in word.lower()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{char}" for char in letters), "the", "##ish"]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=len(vocabulary), hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64)
        transformers.BertModel(config).save_pretrained(folder)
