"""What a task's label model has learned, kept so that it can be asked again: about other votes, or without a source.

`build/labels/NAME.model.safetensors` holds one `Learned` value: the arrays of the
chosen model's parameters, and one JSON header with what is no array. The same
value gives the same bytes. Nothing is fitted again here: `posterior` is one pass
over the votes it is given, a few dozen microseconds for one record.

    learned = load(project.build / "labels" / "Intent.model.safetensors")
    with_all = posterior(learned, votes_of_the_record)
    without = posterior(learned, votes_of_the_record, without={"height_words"})
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ovt.errors import MissingError
from ovt.supervision import calibration
from ovt.supervision.calibration import Calibration
from ovt.supervision.label_models.ballots import Ties
from ovt.supervision.label_models.candidates import label_model
from ovt.supervision.sequences import decoding
from ovt.supervision.sequences.decoding import Decoding
from ovt.supervision.tally import tally

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from ovt.data.votes import Votes
    from ovt.supervision.label_models.ballots import Ballots, Floats, Ints
    from ovt.supervision.tally import Kind, Tally

FORMAT = "ovt.label_model/1"


@dataclass(frozen=True)
class Learned:
    """A fitted label model: everything that turns votes into probabilities."""

    model: str
    """Name of the label model: `majority`, `dawid_skene`, …"""
    kind: Kind
    """Of the task."""
    classes: int
    """k; 0 for select."""
    names: tuple[str, ...]
    """The sources that it knows, in the order of its parameters."""
    parameters: Any
    """What the model's `fit` returned: a dataclass of arrays, numbers and None."""
    calibration: Calibration
    clusters: NDArray[np.int32] | None = None
    """(sources,) near-copies have one number and share one vote."""
    ties: Ties | None = None
    """Sources that err together: their votes on one item count for less."""
    decoding: Decoding | None = None
    """How a sequence is read after its tokens, for BIO tasks."""


@dataclass(frozen=True)
class Posterior:
    """Probabilities of the items that were voted on."""

    items: Ints
    """(c,) ascending."""
    probabilities: NDArray[np.float32]
    """(c, k): of a bitvector one per class. For select (cells,), cut by `offsets`."""
    offsets: Ints | None
    """(c + 1,) for select."""

    def of_item(self, item: int) -> NDArray[np.float32] | None:
        """The probabilities of one item, None if nobody voted on it."""
        at = int(np.searchsorted(self.items, item))
        if at == len(self.items) or self.items[at] != item:
            return None
        if self.offsets is None:
            found: NDArray[np.float32] = self.probabilities[at]
            return found
        return self.probabilities[self.offsets[at] : self.offsets[at + 1]]


def posterior(
    learned: Learned, votes: Votes, *, candidates: Ints | None = None, sequences: Ints | None = None,
    without: Collection[str] = (),
) -> Posterior:
    """What the label model says about these votes: the same numbers as the targets have where gold is not used.

    Args:
        learned: of the task.
        votes: on any items. Sources that the model has not met, gold among them, are left out.
        candidates: (n_items + 1,) where each item's candidates begin, for select.
        sequences: (s + 1,) where each sequence begins, for BIO tasks: tokens are then read together.
        without: names of sources whose votes are not counted. What was learned about the others stays as it is.
    """
    known = _known(learned, votes, without)
    counted = tally(known, learned.kind, learned.classes, candidates)
    ballots = replace(counted.ballots, clusters=learned.clusters, ties=learned.ties)
    flat = np.exp(log_probabilities(learned, ballots)) if ballots.n else np.zeros(0)
    if learned.kind == "select":
        return Posterior(counted.covered, flat.astype(np.float32), ballots.offsets)
    table = shaped(flat, counted)
    if learned.decoding is None or sequences is None:
        return Posterior(counted.covered, table.astype(np.float32), None)
    read = decoding.decode(learned.decoding, known, decoding.Tokens(counted.covered, table), sequences)
    return Posterior(read.items, read.probabilities, None)


def shaped(flat: NDArray[Any], counted: Tally) -> NDArray[Any]:
    """(cells,) as a table: (c, k) for multiclass, (c, bits) of yes for a bitvector, as it is for select."""
    if counted.kind == "select":
        return flat
    table = flat.reshape(len(counted.covered), counted.width, counted.ballots.k or 1)
    found: NDArray[Any] = table[:, :, 1] if counted.kind == "bitvector" else table[:, 0]
    return found


def log_probabilities(learned: Learned, ballots: Ballots) -> Floats:
    """(cells,) calibrated log probabilities; source numbers are those of `learned.names`."""
    logits = label_model(learned.model).predict(learned.parameters, ballots)
    return calibration.apply(ballots, logits, learned.calibration)


def save(learned: Learned, path: Path) -> None:
    """Write the file; the same value gives the same bytes."""
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, NDArray[Any]] = {}
    header = {
        "format": FORMAT, "model": learned.model, "kind": learned.kind, "classes": learned.classes,
        "names": list(learned.names), "parameters": _packed(learned.parameters, "parameters", arrays),
        "calibration": _packed(learned.calibration, "calibration", arrays),
        "ties": None if learned.ties is None else _packed(learned.ties, "ties", arrays),
        "decoding": None if learned.decoding is None else _packed(learned.decoding, "decoding", arrays),
    }
    if learned.clusters is not None:
        arrays["clusters"] = learned.clusters
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
    path.write_bytes(to_bytes(contiguous, {"ovt": json.dumps(header, sort_keys=True)}))


def load(path: Path) -> Learned:
    """Read what `save` wrote.

    Raises:
        MissingError: there is no such file, or it was written in another format.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise MissingError("the label model is not here", at=str(path), fix="run the label stage",
                           command="ovt run label")
    with safe_open(str(path), "numpy") as file:
        header = json.loads(file.metadata()["ovt"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict: it has no __iter__
    if header["format"] != FORMAT:
        raise MissingError("the label model was written by another version of ovt", at=str(path),
                           why=f"format {header['format']}, not {FORMAT}", command="ovt run label --force")
    parts: dict[str, Any] = {"ties": Ties, "decoding": Decoding}
    extra = {name: None if header[name] is None else _unpacked(made, header[name], name, arrays)
             for name, made in parts.items()}
    return Learned(
        header["model"], header["kind"], header["classes"], tuple(header["names"]),
        _unpacked(label_model(header["model"]).Parameters, header["parameters"], "parameters", arrays),
        _unpacked(Calibration, header["calibration"], "calibration", arrays), arrays.get("clusters"), **extra,
    )


def _known(learned: Learned, votes: Votes, without: Collection[str]) -> Votes:
    """The votes of sources that the model knows, numbered as it numbers them."""
    number = {name: at for at, name in enumerate(learned.names) if name not in without}
    code = np.array([number.get(name, -1) for name in votes.names], np.int32)
    renumbered = code[votes.sources] if len(votes.names) else votes.sources
    keep = renumbered >= 0
    return replace(votes, items=votes.items[keep], sources=renumbered[keep], labels=votes.labels[keep],
                   names=learned.names)


def _packed(value: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a dataclass: arrays go to `arrays` as PREFIX.FIELD, the rest into the header."""
    header: dict[str, Any] = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if isinstance(found, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = found
        else:
            header[field.name] = found
    return header


def _unpacked(made: Any, header: dict[str, Any], prefix: str, arrays: dict[str, NDArray[Any]]) -> Any:
    ours = {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}
    plain = {name: tuple(found) if isinstance(found, list) else found for name, found in header.items()}
    return made(**plain, **ours)
