"""The model folder: weights as safetensors, everything else as JSON; never pickle.

weights.safetensors    every parameter by name, no metadata
config.json            schema, classes, slices, hyperparameters, scales of numbers, how training went
signature.json         inputs, outputs and classes, for whoever uses the model
vocabulary/            words, names and pieces (see `ovt.training.lexicon_files`)
replicates/N/weights.safetensors  the network of the N-th further seed; all but its weights is as above
replicates/N/training.json  how its training went
variants/NAME/           a further variant: the same files again
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.documents import Document
from ovt.errors import MissingError
from ovt.schema.parse import parse_schema
from ovt.schema.write import plain_schema
from ovt.storage.files import write_json
from ovt.training.lexicon_files import lexicon_config, load_lexicon, save_lexicon
from ovt.training.network.network import Blueprint, Network
from ovt.training.signature import signature
from ovt.training.tuning.values import Values

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.training.lexicon import Lexicon
    from ovt.training.optimisation.fit import Fitted
    from ovt.training.optimisation.outcome import Outcome

FORMAT = "ovt.model/2"
WEIGHTS, CONFIG, SIGNATURE = "weights.safetensors", "config.json", "signature.json"
REPLICATES, TRAINING, VARIANTS = "replicates", "training.json", "variants"


def save_model(folder: Path, fitted: Fitted, more: dict[str, Any] | None = None) -> None:
    """Write the model folder; the same model gives the same bytes. `more` is what else its configuration says."""
    blueprint, lexicon = fitted.network.blueprint, fitted.lexicon
    save_weights(folder / WEIGHTS, fitted.network)
    write_json(folder / CONFIG, {**_config(blueprint, lexicon, fitted.outcome), **(more or {})})
    write_json(folder / SIGNATURE, signature(blueprint))
    save_lexicon(folder, lexicon)


def save_replicate(folder: Path, number: int, fitted: Fitted) -> None:
    """Write the network of a further seed (from 1) below a model folder that `save_model` wrote."""
    below = replicate_folder(folder, number)
    save_weights(below / WEIGHTS, fitted.network)
    write_json(below / TRAINING, _training(fitted.outcome))


def save_weights(path: Path, network: Network) -> None:
    """Write every parameter by name."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    state = network.state_dict()
    save_file({name: state[name].contiguous() for name in sorted(state)}, path)


def replicate_folder(folder: Path, number: int) -> Path:
    """Where the network of a further seed lies (from 1)."""
    return folder / REPLICATES / str(number)


def variant_folder(folder: Path, name: str) -> Path:
    """Where a further variant lies: the same files as the model's."""
    return folder / VARIANTS / name


def variants_of(folder: Path) -> dict[str, Path]:
    """The folders of a model's further variants, by name."""
    return {path.parent.name: path.parent for path in sorted((folder / VARIANTS).glob(f"*/{CONFIG}"))}


def variant_name(folder: Path) -> str | None:
    """Which variant a model folder holds; None where there are none."""
    about = _variant(folder)
    return str(about["name"]) if about else None


def stale_variants(folder: Path) -> list[str]:
    """Further variants that were trained on other data than the served one."""
    data = _variant(folder).get("data")
    return [name for name, below in variants_of(folder).items() if _variant(below).get("data") != data]


def _variant(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    return dict(_read(path).get("variant") or {}) if path.is_file() else {}


def weights_of(folder: Path) -> list[Path]:
    """The weights of all networks of a model folder, one per seed, the served one first."""
    found = [path for path in (folder / REPLICATES).glob(f"*/{WEIGHTS}") if re.fullmatch("[0-9]+", path.parent.name)]
    return [folder / WEIGHTS, *sorted(found, key=lambda path: int(path.parent.name))]


def load_model(folder: Path, weights: Path | None = None) -> tuple[Network, Lexicon]:
    """Read a model folder.

    Args:
        folder: the model.
        weights: those of another seed of the same model; None: its own.

    Raises:
        MissingError: there is no model, or another version of ovt made it.
    """
    from safetensors.torch import load_file

    config = _read_config(folder)
    lexicon = load_lexicon(folder, config)
    blueprint = Blueprint(
        schema=parse_schema(Document(CONFIG, config["schema"])), slices=tuple(config["slices"]),
        classes={task: tuple(names) for task, names in config["classes"].items()},
        values=msgspec.convert(config["values"], Values), words=config["words"], names=config["names"],
        embeddings=lexicon.embeddings,
    )
    network = Network(blueprint)
    network.load_state_dict(load_file(weights or folder / WEIGHTS))
    network.eval()
    return network, lexicon


def _config(blueprint: Blueprint, lexicon: Lexicon, outcome: Outcome) -> dict[str, Any]:
    return {
        "format": FORMAT, "schema": plain_schema(blueprint.schema), "slices": list(blueprint.slices),
        "classes": {task: list(names) for task, names in blueprint.classes.items()},
        "values": msgspec.to_builtins(blueprint.values), **lexicon_config(lexicon),
        "training": _training(outcome),
    }


def _training(outcome: Outcome) -> dict[str, Any]:
    dev = {} if outcome.score is None else {task: round(value, 6) for task, value in outcome.score.tasks.items()}
    slices = {"slices": [msgspec.to_builtins(health) for health in outcome.health]} if outcome.health else {}
    return {"epochs": outcome.epochs, "best_epoch": outcome.best_epoch, "dev": dev, **slices}


def _read_config(folder: Path) -> dict[str, Any]:
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise MissingError("there is no model here", at=str(folder), why="nothing has been trained yet",
                           fix="train, or pull it", command="ovt run")
    config: dict[str, Any] = _read(folder / CONFIG)
    if config.get("format") != FORMAT:
        raise MissingError("the model has another format", at=str(folder),
                           why=f"found {config.get('format')}, this ovt reads {FORMAT}", fix="train it again",
                           command="ovt run train --force")
    return config


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
