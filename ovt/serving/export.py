"""The trained network as ONNX: any batch, any length, the same bytes wherever it is made.

The tracing exporter of torch is used. It takes 0.6 s where the newer one takes
18 s on a schema of nine tasks, gives graphs that run as fast, and writes no
path of the machine. What it cannot trace is replaced by modules that compute
the same (see `traceable`). Every axis of every input may change but for the few
of `FIXED`, so that what a lexicon brings is exported without being named here.
"""

from __future__ import annotations

import copy
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ovt.serving.answers import output_name
from ovt.serving.arrays import ArrayMaker
from ovt.serving.examples import example_records
from ovt.serving.requests import Problem, RequestReader
from ovt.training.network.network import Network, to_tensors
from ovt.training.optimisation.losses import mask_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.training.lexicon import Lexicon

    Arrays = dict[str, NDArray[Any]]

FIXED = {"value": {1}, "range": {2}, "overlap": {2}}
"""By kind of input, the axes whose size is the schema's."""
OPSET = 17
"""Of ONNX; understood by every runtime since 2022."""


@dataclass(frozen=True)
class Traced:
    """A network with what is needed to trace it."""

    module: Served
    inputs: Arrays
    axes: dict[str, dict[int, str]]
    """By input, the axes that may change, with a name for each."""


class Served(nn.Module):
    """The network with answers at its end: probabilities, or logits of tasks whose transitions are weighed later."""

    def __init__(self, network: Network, names: list[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names
        self.tasks = list(network.blueprint.schema.tasks.values())
        self.chains = {task.name for task in self.tasks if network.chain(task.name) is not None}

    def outputs(self) -> list[str]:
        """Names of what `forward` gives, in its order."""
        return [output_name(task.name, chain=task.name in self.chains) for task in self.tasks]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """The inputs in the order of `names` -> an output per task."""
        inputs = dict(zip(self.names, arrays, strict=True))
        logits = self.network(inputs).logits
        return tuple(self._answer(task.name, task.type, logits[task.name], inputs) for task in self.tasks)

    def _answer(self, name: str, kind: str, logits: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        if name in self.chains:
            return logits
        if kind == "bitvector":
            return torch.sigmoid(logits)
        if kind == "select":
            count = inputs[f"{self.network.blueprint.schema.tasks[name].payload}/count"]
            logits = mask_candidates(logits, count)
        return torch.softmax(logits, dim=-1)


class MeanBag(nn.Module):
    """An `EmbeddingBag` of mode mean as a gather, a sum and a division, which can be traced: padding is zeros."""

    def __init__(self, bag: nn.EmbeddingBag) -> None:
        super().__init__()
        weight = bag.weight.detach().clone()
        weight[0] = 0
        self.table = nn.Embedding(bag.num_embeddings, bag.embedding_dim, _weight=weight)

    def forward(self, ids: Tensor) -> Tensor:
        """(U, F) -> (U, size)."""
        counts = (ids > 0).to(self.table.weight.dtype).sum(1, keepdim=True)
        out: Tensor = self.table(ids).sum(1) / counts.clamp(min=1.0)
        return out


def traceable(network: Network) -> Network:
    """A copy of the network, for prediction, without modules that the exporter cannot follow."""
    found = copy.deepcopy(network).eval()
    for name, module in list(found.named_modules()):
        if isinstance(module, nn.EmbeddingBag):
            parent, _, leaf = name.rpartition(".")
            setattr(found.get_submodule(parent), leaf, MeanBag(module))
    return found


def traced(network: Network, lexicon: Lexicon) -> Traced:
    """Prepare a network for an exporter."""
    inputs = {name: _widened(name, array) for name, array in example_arrays(network, lexicon, 3).items()}
    axes = {name: _axes(name, array) for name, array in inputs.items()}
    return Traced(Served(traceable(network), list(inputs)).eval(), inputs, axes)


def _axes(name: str, array: NDArray[Any]) -> dict[int, str]:
    """The axes that may change; those of the same records, and of the same words, have one name."""
    payload, _, kind = name.rpartition("/")
    first = "words" if payload == "words" else "batch"
    return {axis: f"{name}:{axis}" if axis else first for axis in range(array.ndim)
            if axis not in FIXED.get(kind, set())}


def _widened(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """An example is at least two of everything, which no exporter takes for a constant; a word is padded with 0."""
    if name.startswith("words/") and array.ndim == 2 and array.shape[1] == 1 and array.dtype == np.int64:
        return np.pad(array, ((0, 0), (0, 1)))
    return array


def example_arrays(network: Network, lexicon: Lexicon, size: int) -> Arrays:
    """Arrays of a batch of records made up for the schema; every axis that may change is at least two."""
    schema = network.blueprint.schema
    reader = RequestReader(schema)
    records = [reader.from_mapping(record) for record in example_records(schema, size)]
    payloads = [record.payloads for record in records if not isinstance(record, Problem)]
    assert len(payloads) == size, "an example that the schema refuses"
    return ArrayMaker(schema, lexicon, reader.codec.payload_fields).make(payloads)


@torch.no_grad()
def to_onnx(network: Network, lexicon: Lexicon) -> bytes:
    """The network as an ONNX file."""
    found = traced(network, lexicon)
    names = found.module.names
    sink = io.BytesIO()
    with warnings.catch_warnings():
        # It says that it is the older of the two, and that sizes which it traces correctly are constants.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            found.module, tuple(to_tensors(found.inputs)[name] for name in names),
            sink,  # type: ignore[arg-type]  # this exporter writes into streams too
            dynamo=False, input_names=names, output_names=found.module.outputs(), dynamic_axes=found.axes,
            opset_version=OPSET,
        )
    return stripped(sink.getvalue())


def stripped(content: bytes) -> bytes:
    """An ONNX file without notes of who made it where, and without output shapes that one example happened to have."""
    import onnx

    model = onnx.load_model_from_string(content)
    model.doc_string = ""
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    del graph.value_info[:]
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    return bytes(model.SerializeToString(deterministic=True))


def largest_difference(module: Served, outputs: Arrays, inputs: Arrays) -> float:
    """How far the network in torch and its exported outputs are apart on a batch."""
    with torch.no_grad():
        wanted = module(*(torch.from_numpy(inputs[name]) for name in module.names))
    gaps = [np.abs(mine.numpy() - outputs[name]).max(initial=0.0)
            for name, mine in zip(module.outputs(), wanted, strict=True)]
    return float(max(gaps, default=0.0))
