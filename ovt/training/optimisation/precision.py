"""In which numbers the products of training are computed: float32, or bfloat16 where that is faster."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["auto", "bfloat16", "float32"]


def autocast(precision: Precision) -> AbstractContextManager[object]:
    """Compute what is inside in this precision; weights, losses and gradients of weights stay float32."""
    if precision == "float32" or (precision == "auto" and not native_bfloat16()):
        return nullcontext()
    return torch.autocast("cpu", torch.bfloat16)


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; others imitate it, and are slower than with float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
