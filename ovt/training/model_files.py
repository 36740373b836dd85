"""The model folder: weights as safetensors, everything else as JSON; never pickle.

weights.safetensors    every parameter by name, no metadata
config.json            schema, classes, slices, hyperparameters, scales of numbers, how training went
signature.json         inputs, outputs and classes, for whoever uses the model
vocabulary/words.json  words with a vector of their own, in the order of their ids
vocabulary/names.KEY.json  known categories, and members by `PAYLOAD.id`
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from ovt.documents import Document
from ovt.errors import MissingError
from ovt.schema.parse import parse_schema
from ovt.schema.write import plain_schema
from ovt.storage.files import safe_name, write_json
from ovt.training.features import WordFeatures
from ovt.training.lexicon import Lexicon
from ovt.training.network import Blueprint, Network
from ovt.training.signature import signature
from ovt.training.values import Values

if TYPE_CHECKING:
    from pathlib import Path

    from ovt.training.fit import Fitted
    from ovt.training.loop import Outcome

FORMAT = "ovt.model/1"
WEIGHTS, CONFIG, SIGNATURE, VOCABULARY = "weights.safetensors", "config.json", "signature.json", "vocabulary"


def save_model(folder: Path, fitted: Fitted) -> None:
    """Write the model folder; the same model gives the same bytes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    blueprint, lexicon = fitted.network.blueprint, fitted.lexicon
    state = fitted.network.state_dict()
    save_file({name: state[name].contiguous() for name in sorted(state)}, folder / WEIGHTS)
    write_json(folder / CONFIG, _config(blueprint, lexicon, fitted.outcome))
    write_json(folder / SIGNATURE, signature(blueprint))
    write_json(folder / VOCABULARY / "words.json", list(lexicon.words.words))
    for key, names in lexicon.names.items():
        write_json(_names_file(folder, key), list(names))


def load_model(folder: Path) -> tuple[Network, Lexicon]:
    """Read a model folder.

    Raises:
        MissingError: there is no model, or another version of ovt made it.
    """
    from safetensors.torch import load_file

    config = _read_config(folder)
    blueprint = Blueprint(
        schema=parse_schema(Document(CONFIG, config["schema"])), slices=tuple(config["slices"]),
        classes={task: tuple(names) for task, names in config["classes"].items()},
        values=msgspec.convert(config["values"], Values), words=config["words"], names=config["names"],
    )
    network = Network(blueprint)
    network.load_state_dict(load_file(folder / WEIGHTS))
    network.eval()
    words = WordFeatures(tuple(_read(folder / VOCABULARY / "words.json")), blueprint.values.words.buckets)
    names = {key: tuple(_read(_names_file(folder, key))) for key in config["names"]}
    scales = {name: (mean, spread) for name, (mean, spread) in config["scales"].items()}
    return network, Lexicon(words, names, scales)


def _config(blueprint: Blueprint, lexicon: Lexicon, outcome: Outcome) -> dict[str, Any]:
    dev = {} if outcome.score is None else {task: round(value, 6) for task, value in outcome.score.tasks.items()}
    return {
        "format": FORMAT, "schema": plain_schema(blueprint.schema), "slices": list(blueprint.slices),
        "classes": {task: list(names) for task, names in blueprint.classes.items()},
        "values": msgspec.to_builtins(blueprint.values), "words": blueprint.words, "names": blueprint.names,
        "scales": {name: list(scale) for name, scale in lexicon.scales.items()},
        "training": {"epochs": outcome.epochs, "best_epoch": outcome.best_epoch, "dev": dev},
    }


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


def _names_file(folder: Path, key: str) -> Path:
    return folder / VOCABULARY / f"names.{safe_name(key)}.json"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
