"""How many threads compute, set before torch is imported where that matters."""

from __future__ import annotations

import os


def use_threads(count: int) -> None:
    """Let torch compute on this many threads.

    One thread gives the same bytes every time. More do only as far as MKL
    divides its work the same way each time, which it is told here; it listens
    only before it is loaded, so this comes before any import of torch.
    """
    if count > 1:
        os.environ.setdefault("MKL_CBWR", "COMPATIBLE")
    import torch

    torch.set_num_threads(count)
