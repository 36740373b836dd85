"""Writes a bundle: one folder with all that serving a version needs, and nothing of the machine that made it.

bundle.json          format, key, which network is served, a digest per file; written last
signature.json       inputs, outputs and classes, from the schema alone
model.onnx           the network; model.int8.onnx where it is faster; model.pt2 on request (torch.export)
config.json          schema, classes, scales of numbers; vocabulary/ the words and names it knows
transitions.json     of tasks that are decoded as chains
quality.json         how good the version is, in short
MLmodel …            on request: the folder is an MLflow python_function model too
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovt.data.tokenizer import NAME as TOKENIZER
from ovt.errors import UsageError
from ovt.serving.export import to_onnx
from ovt.serving.manifest import MANIFEST, NETWORK, PROGRAM, QUALITY, SIGNATURE, SMALL_NETWORK, write_manifest
from ovt.serving.mlflow_files import write_mlflow_files
from ovt.serving.model import Model, Parts
from ovt.serving.reading import CHAINS, plain_chains
from ovt.serving.session import Session
from ovt.storage.files import safe_name, swap_in, write_bytes, write_json
from ovt.training.model_files import load_model
from ovt.training.signature import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network

LICENCES = "licences"
LEFT_OUT = ("replicates", "variants")
"""Folders of `model/` that are other models."""


@dataclass(frozen=True)
class Request:
    """What is exported, and how."""

    key: str | None = None
    """KEY of the version's inputs."""
    variant: str | None = None
    """Name of the model's variant; None: the first."""
    quality: dict[str, Any] = field(default_factory=dict)
    """The summary that goes with it."""
    licences: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Licence files by name, of each pretrained part by its path in the project."""
    torch: bool = False
    """Also a `torch.export` program."""
    mlflow: bool = False
    """Also the files that make the folder an MLflow model."""
    choose_small: Callable[[Model, Model], bool] | None = None
    """Told the network as it is and in int8, whether the latter is to be served; None: do not try."""


def write_bundle(folder: Path, model: Path, request: Request) -> dict[str, Any]:
    """Export a model folder as a bundle, in one step: it is there whole, or as it was.

    Args:
        folder: where; an older bundle is replaced.
        model: what the train stage wrote.
        request: what goes into it.

    Returns:
        The manifest.

    Raises:
        UsageError: the folder is there and is no bundle.
        MissingError: there is no model.
    """
    from ovt.serving.manifest import read_manifest

    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        fresh.chmod(0o777 & ~_umask())
        _fill(fresh, model, request)
        swap_in(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return read_manifest(folder)


def check_target(folder: Path) -> None:
    """Refuse a place whose files would be lost.

    Raises:
        UsageError: it is a file, or a folder with something else in it.
    """
    if folder.is_dir() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise UsageError("the folder is in use", at=str(folder), why="it has files, and is no bundle",
                         fix="name a folder of its own", command="ovt export --output bundle")
    if folder.exists() and not folder.is_dir():
        raise UsageError("a bundle is a folder", at=str(folder), why="a file of that name is there",
                         fix="name another", command="ovt export --output bundle")


def parts_of(network: Network, lexicon: Lexicon) -> Parts:
    """What a bundle would keep of a network besides its graph."""
    blueprint = network.blueprint
    chains = {task: chain for task in blueprint.schema.tasks if (chain := network.chain(task)) is not None}
    return Parts(blueprint.schema, blueprint.classes, lexicon, chains)


def model_in_memory(network: Network, lexicon: Lexicon, content: bytes) -> Model:
    """An exported network that answers without having been written."""
    return Model(parts_of(network, lexicon), Session(content), {}, signature(network.blueprint))


def _fill(folder: Path, model: Path, request: Request) -> None:
    network, lexicon = load_model(model)
    _copy_reading(model, folder)
    parts = parts_of(network, lexicon)
    if parts.chains:
        write_json(folder / CHAINS, plain_chains(parts.chains))
    write_json(folder / SIGNATURE, signature(network.blueprint))
    write_json(folder / QUALITY, request.quality)
    content = to_onnx(network, lexicon)
    write_bytes(folder / NETWORK, content)
    served = NETWORK
    if request.choose_small is not None:
        served = _try_small(folder, network, lexicon, content, request.choose_small)
    if request.torch:
        from ovt.serving.export_program import write_program

        write_program(folder / PROGRAM, network, lexicon)
    if request.mlflow:
        write_mlflow_files(folder)
    write_manifest(folder, {
        "key": request.key, "variant": request.variant, "network": served, "tokenizer": TOKENIZER,
        "pretrained": {path: _write_licences(folder, path, found) for path, found in request.licences.items()},
    })


def _write_licences(folder: Path, part: str, found: dict[str, bytes]) -> list[str]:
    """Their names below the bundle."""
    names = [f"{LICENCES}/{safe_name(part)}/{name}" for name in sorted(found)]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, found[name.rpartition("/")[2]])
    return names


def _try_small(
    folder: Path, network: Network, lexicon: Lexicon, content: bytes, choose: Callable[[Model, Model], bool],
) -> str:
    from ovt.serving.quantisation import to_int8

    small = to_int8(content)
    if not choose(model_in_memory(network, lexicon, content), model_in_memory(network, lexicon, small)):
        return NETWORK
    write_bytes(folder / SMALL_NETWORK, small)
    return SMALL_NETWORK


def _copy_reading(model: Path, folder: Path) -> None:
    """All files of a model but its weights and other models below it: how it reads, and licences of its parts."""
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model)
        if path.is_file() and path.suffix != ".safetensors" and name.parts[0] not in LEFT_OUT:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
