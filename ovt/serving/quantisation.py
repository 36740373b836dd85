"""int8 weights for matrix products and recurrent steps: half the work where the processor has instructions for it.

Dynamic quantisation (Jacob et al. 2018): weights are int8 per channel,
activations are quantised as they come, so no records are needed to calibrate.
Tables of words stay as they are: they are gathered, never multiplied.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

OPERATORS = ["MatMul", "Gemm", "LSTM"]
"""Convolutions are left out: their int8 form is slower in onnxruntime."""


def to_int8(content: bytes) -> bytes:
    """An ONNX network with int8 weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from ovt.serving.export import stripped

    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises to optimise the graph first, which sessions do
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.onnx"), Path(folder, "out.onnx")
            source.write_bytes(content)
            quantize_dynamic(source, target, op_types_to_quantize=OPERATORS, per_channel=True,
                             weight_type=QuantType.QInt8)
            return stripped(target.read_bytes())
    finally:
        logger.setLevel(level)
