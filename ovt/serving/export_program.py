"""The network as a `torch.export` program, for those who stay in torch: no code of ovt is needed to run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.export import Dim

from ovt.serving.export import traced
from ovt.training.network.network import to_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network


def write_program(path: Path, network: Network, lexicon: Lexicon) -> None:
    """Write it; inputs and outputs are those of the ONNX network, inputs by position in the order of its names."""
    found = traced(network, lexicon)
    names = found.module.names
    shapes = tuple(dict.fromkeys(found.axes[name], Dim.DYNAMIC) for name in names)
    tensors = to_tensors(found.inputs)
    with torch.no_grad():
        program = torch.export.export(found.module, tuple(tensors[name] for name in names),
                                      dynamic_shapes=(shapes,), strict=False)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine
    torch.export.save(program, path)
