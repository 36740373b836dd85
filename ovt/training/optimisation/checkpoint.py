"""Training that was killed goes on where it was, and ends with the bytes it would have had undisturbed.

A checkpoint is one file, `.ovt/checkpoints/DIGEST.safetensors`, written whole
or not at all, at the end of an epoch and at most every half minute (a shorter
training leaves none). DIGEST is of all that decides the result: the stage's
inputs, the values, the seed, torch. So what was made for other inputs is never
used; the newest few are kept, others deleted.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import Tensor

from ovt.storage.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from ovt.training.network.network import Network
    from ovt.training.optimisation.averaging import Average
    from ovt.training.optimisation.optimizer import AdamW
    from ovt.training.optimisation.outcome import Outcome
    from ovt.training.tuning.values import Values

FORMAT = "ovt.checkpoint/1"
FOLDER = "checkpoints"
SECONDS = 30.0
"""Between two checkpoints, and before the first."""
KEPT = 4
"""Newest checkpoints that stay; the others are of runs that nobody went on with."""
INPUTS = ("store", "labels", "slices", "gold/dev")
"""Below `build/`: what training reads."""


@dataclass
class State:
    """All that changes while a network is trained."""

    network: Network
    optimizer: AdamW
    average: Average
    random: np.random.Generator
    """Shuffles; dropout has torch's own generator."""
    outcome: Outcome
    best: list[Tensor] = field(default_factory=list)
    """The weights of the best epoch so far."""

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by name."""
        groups: dict[str, Sequence[Tensor]] = {
            "weight": list(self.network.state_dict().values()), "average": self.average.mean, "best": self.best,
            **self.optimizer.moments(),
        }
        found = {f"{name}/{place}": value for name, group in groups.items() for place, value in enumerate(group)}
        return {**found, "random": torch.get_rng_state()}

    def numbers(self) -> dict[str, Any]:
        """Everything else, as JSON has it."""
        return {"steps": self.optimizer.steps, "looks": self.average.looks,
                "random": self.random.bit_generator.state, "best": len(self.best), "outcome": asdict(self.outcome)}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Be as it was.

        Raises:
            ValueError: it was of another network.
        """
        best = [torch.empty_like(found) for found in self.average.mean[:numbers["best"]]]
        own = {**self.tensors(), **{f"best/{place}": value for place, value in enumerate(best)}}
        if {name: value.shape for name, value in own.items()} != {name: found.shape for name, found in tensors.items()}:
            msg = "tensors of other names or shapes"
            raise ValueError(msg)
        self.best = best
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(tensors[name])
        torch.set_rng_state(tensors["random"])
        self.optimizer.steps, self.average.looks = numbers["steps"], numbers["looks"]
        self.random.bit_generator.state = numbers["random"]
        vars(self.outcome).update(vars(msgspec.convert(numbers["outcome"], type(self.outcome))))


class Checkpoint:
    """Where one training run is kept while it lasts."""

    def __init__(self, folder: Path, build: Path, values: Values, seed: int, more: str = "") -> None:
        """Nothing is read or hashed before it is needed.

        Args:
            folder: `.ovt/checkpoints`.
            build: the project's `build/`.
            values: hyperparameters.
            seed: of the run.
            more: whatever else decides the result, such as the digest of the model that training starts from.
        """
        self.folder, self._build, self._values, self._seed, self._more = folder, build, values, seed, more
        self.seconds = SECONDS
        self._saved = time.monotonic()
        self._kept = False

    @cached_property
    def path(self) -> Path:
        """The file."""
        digest = inputs_digest(self._build)
        about = [FORMAT, torch.__version__, str(torch.get_num_threads()), str(self._seed), self._more, digest]
        text = json.dumps(about).encode() + msgspec.json.encode(self._values)
        return self.folder / f"{hashlib.sha256(text).hexdigest()[:32]}.safetensors"

    def resume(self, state: State) -> bool:
        """Go on from the checkpoint, if there is one; True if there is."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        if not any(self.folder.glob("*.safetensors")):
            return False
        try:
            content = self.path.read_bytes()
            state.restore(load(content), json.loads(_metadata(content)["state"]))
        except FileNotFoundError:
            return False
        except (SafetensorError, ValueError, KeyError):  # a disk that loses data: as if there were none
            self.path.unlink(missing_ok=True)
            return False
        self._kept = True
        return True

    def note(self, state: State, *, last: bool = False) -> None:
        """Keep the state after an epoch, if the last time was long enough ago; after the last, if any was kept."""
        now = time.monotonic()
        if now - self._saved < self.seconds and not (last and self._kept):
            return
        from safetensors.torch import save

        tensors = {name: value.contiguous() for name, value in state.tensors().items()}
        write_bytes(self.path, save(tensors, {"state": json.dumps(state.numbers())}))
        self._saved, self._kept = now, True
        self._prune()

    def _prune(self) -> None:
        kept = sorted(self.folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[KEPT:]:
            path.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Delete all checkpoints: the model they were for is written."""
    for path in folder.glob("*.safetensors"):
        path.unlink(missing_ok=True)


def inputs_digest(build: Path) -> str:
    """Of everything below `build/` that training reads."""
    digest = hashlib.sha256()
    for name in INPUTS:
        for path in sorted((build / name).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(build).as_posix().encode() + b"\0")
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _metadata(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file, whose header is an 8-byte length and JSON."""
    size = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8:8 + size])["__metadata__"]
    return found
