"""The exported network in onnxruntime: arrays in, arrays out, one thread unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

QUIET = 3
"""onnxruntime's level of errors: what it warns of is about graphs, which users do not write."""


class Session:
    """One network, ready to run; it may be run by several threads at once."""

    def __init__(self, source: Path | bytes, threads: int = 1) -> None:
        """Read a model file, or its bytes.

        Raises:
            MissingError: onnxruntime is not installed.
        """
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = source if isinstance(source, bytes) else str(source)
        self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(found.name for found in self._session.get_inputs())
        self.outputs = [found.name for found in self._session.get_outputs()]
        self._run = self._session._sess.run  # the public `run` checks names again, 5 µs a call

    def __call__(self, arrays: Arrays) -> Arrays:
        """Run it on what it reads of these arrays."""
        found = self._run(self.outputs, {name: arrays[name] for name in self.inputs}, None)
        return dict(zip(self.outputs, found, strict=True))


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingError("onnxruntime is not installed", why="an exported model runs in it", fix="install it",
                           command="pip install onnxruntime") from None
    return onnxruntime
