"""A pretrained encoder of the BERT family, from a local Hugging Face folder (package `transformers`).

It reads the pieces of the words of a record (`P/pieces`, ids plus 1, 0 is
padding); a word is the mean of the pieces that `P/owner` gives it. A model
keeps the configuration and the weights, so the folder is needed in training
alone. Attention is written out (`eager`), so that it can be exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ovt.errors import MissingError
from ovt.training.network.attention import length_mask
from ovt.training.network.dropout import RowDropout
from ovt.training.network.payloads import Context, NullVector, Representation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ovt.schema.spec import Payload
    from ovt.training.network.payloads import Representations, Tensors
    from ovt.training.tuning.values import PayloadValues


class PretrainedEncoder(nn.Module):
    """Words in context, projected to the payload's size."""

    def __init__(self, config: dict[str, Any], size: int, dropout: float, fine_tune: bool) -> None:
        super().__init__()
        self.fine_tune = fine_tune
        self.model = _built(config)
        self.model.requires_grad_(fine_tune)
        self.project = nn.Linear(int(config["hidden_size"]), size)
        self.dropout = RowDropout(dropout)

    def load(self, folder: Path) -> None:
        """Take over the folder's weights."""
        own, found = self.model.state_dict(), _weights(folder)
        prefix = next((name.removesuffix("embeddings.word_embeddings.weight") for name in sorted(found)
                       if name.endswith("embeddings.word_embeddings.weight")), "")
        kept = {name: found[prefix + name] for name in own if prefix + name in found}
        missing = sorted(set(own) - set(kept))
        if missing:
            raise MissingError("the pretrained folder lacks weights", at=str(folder), why=f"no `{missing[0]}`",
                               fix="save the encoder whole, as safetensors")
        self.model.load_state_dict(kept, strict=False)

    def forward(self, pieces: Tensor, owner: Tensor, width: int) -> Tensor:
        """(B, S), (B, S) -> (B, width, size)."""
        kept = pieces > 0
        if not self.fine_tune:
            self.model.eval()
        hidden = self.model(input_ids=(pieces - 1).clamp(min=0), attention_mask=kept.long()).last_hidden_state
        weights = (owner.unsqueeze(1) == torch.arange(1, width + 1).view(1, -1, 1)).to(hidden.dtype)  # (B, T, S)
        words = weights @ hidden / weights.sum(2, keepdim=True).clamp(min=1.0)
        out: Tensor = self.dropout(torch.relu(self.project(words)))
        return out


class PretrainedText(nn.Module):
    """Tokens of a payload as a pretrained encoder reads them, and the context of its base."""

    def __init__(
        self, payload: Payload, values: PayloadValues, config: dict[str, Any], base_sizes: list[int], dropout: float,
    ) -> None:
        super().__init__()
        self.name, self.base = payload.name, payload.base
        self.encoder = PretrainedEncoder(config, values.size, dropout, values.fine_tune)
        self.context = Context(base_sizes, values.size) if base_sizes else None
        self.empty = NullVector(values.size)

    def forward(self, inputs: Tensors, words: Tensor, done: Representations) -> Representation:
        """Encode (B, T) words."""
        del words
        width = inputs[f"{self.name}/words"].shape[1]
        x = self.encoder(inputs[f"{self.name}/pieces"], inputs[f"{self.name}/owner"], width)
        if self.context is not None:
            x = x + self.context([done[name] for name in self.base]).unsqueeze(1)
        out: Representation = self.empty(x, length_mask(inputs[f"{self.name}/length"], width))
        return out


def _built(config: dict[str, Any]) -> nn.Module:
    try:
        from transformers import AutoConfig, AutoModel
    except ModuleNotFoundError:
        raise MissingError("`encoder: pretrained` needs the package `transformers`", why="it has the encoder's code",
                           fix="install it", command="pip install 'ovt[pretrained]'") from None
    settings = AutoConfig.for_model(**config)
    build: Callable[..., nn.Module] = AutoModel.from_config
    model = build(settings, attn_implementation="eager")
    if getattr(model, "pooler", None) is not None:
        setattr(model, "pooler", None)  # noqa: B010 - torch's stubs know no module that is None
    return model


def _weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    if not path.is_file():
        raise MissingError("the pretrained folder has no weights", at=str(path), why="the encoder starts from them",
                           fix="save the model as safetensors, or fetch it", command="ovt pull")
    return load_file(path)
