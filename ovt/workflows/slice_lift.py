"""`ovt slice lift`: what slices gain by their experts, beside what they would gain by being weighed more.

Three networks are trained from the same data, values and seed:

    none        no slices at all
    reweight    no experts, but members of rare slices count several times: the control
    FORM        as the project trains it

and scored on the gold of dev, slice by slice. What each found is kept in
`.ovt/cache/lift` under a digest of everything that decides it, and a training
that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import MissingError, ProjectError
from ovt.progress import Part

if TYPE_CHECKING:
    from ovt.progress import Progress
    from ovt.project import Project
    from ovt.training.optimisation.fit import Fitted, Material
    from ovt.training.tuning.values import Values

WEIGHT = 4.0
"""Of members of rare slices in the control, where the values have none of their own."""


@dataclass(frozen=True)
class LiftRow:
    """One task on one slice, or on the records outside of all slices."""

    task: str
    slice: str | None
    """None: outside."""
    n: int
    """Items of dev with gold."""
    none: float
    reweight: float
    form: float
    indicator: float | None
    """F1 of the slice's indicator on dev; None outside, and where the form has none."""
    shut: bool
    """Whether its expert was shut or turned down."""

    @property
    def lift(self) -> float:
        """What the form gains over none."""
        return self.form - self.none


@dataclass(frozen=True)
class Lift:
    """The whole comparison."""

    form: str
    weight: float
    """What the control multiplies members of rare slices by."""
    metrics: dict[str, str]
    """By task what was measured."""
    rows: tuple[LiftRow, ...]


def slice_lift(project: Project, progress: Progress, task: str | None = None) -> Lift:
    """Train what is not known yet, and compare.

    Args:
        project: compiled and labelled.
        progress: hears how long it will take.
        task: only this one; None: all.

    Raises:
        MissingError: labels were not made yet.
        ProjectError: there is no slice, no gold on dev, or the values say `slices: {form: none}`.
    """
    from ovt.training.tuning.values import overlay

    material, values = _material(project)
    form = values.slices.form
    weight = values.slices.weight if values.slices.weight > 1 else WEIGHT
    changes: dict[str, dict[str, Any]] = {
        "none": {"form": "none", "weight": 1.0}, "reweight": {"form": "none", "weight": weight}, form: {},
    }
    found = []
    for number, (name, change) in enumerate(changes.items()):
        listener = Part(progress, f"{name} ({number + 1} of {len(changes)})", number, len(changes))
        found.append(_known(project, material, overlay(values, {"slices": change}), listener))
    none, reweight, best = found
    rows = [
        LiftRow(name, where or None, int(entry["n"]), none[name][where]["value"], reweight[name][where]["value"],
                entry["value"], entry["indicator"], bool(entry["shut"]))
        for name, entries in sorted(best.items()) if task in {None, name} for where, entry in entries.items()
    ]
    return Lift(form, weight, {name: _metric(material, name) for name in best if task in {None, name}}, tuple(rows))


def _material(project: Project) -> tuple[Material, Values]:
    if not (project.build / "labels").is_dir():
        raise MissingError("labels were not made yet", at="build/labels", why="the networks learn from them",
                           fix="run the stages before training", command="ovt run label")
    from ovt.training.threads import use_threads

    use_threads(1)
    from ovt.data.store import Store
    from ovt.training.optimisation.fit import load_material
    from ovt.training.tuning.defaults import default_values, measure
    from ovt.training.tuning.lock import locked_values, read_lock

    store = Store.open(project.build / "store")
    values = locked_values(read_lock(project.root), default_values(store.schema, measure(store)))
    material = load_material(project.build, store)
    if not material.slices:
        raise ProjectError("there is no slice to lift", at="slices/", why="nothing defines one",
                           fix="e.g. slices/mine.yaml with `nutrition: {tag: nutrition}`", command="ovt slice list")
    if material.gold is None:
        raise ProjectError("there is nothing to measure by", at="build/gold/dev", why="no dev record has gold",
                           fix="label some dev records")
    if values.slices.form == "none":
        raise ProjectError("the project trains without slice experts", at="tuning.lock.yaml",
                           why="`slices.form` is none", fix="in tuning.yaml another form: lowrank, logit or sram",
                           command="ovt tune")
    return material, values


def _known(project: Project, material: Material, values: Values, progress: Progress) -> dict[str, Any]:
    """Task → slice ("" for outside) → what one network reaches there: from the cache, else trained."""
    from ovt.storage.files import write_json
    from ovt.training.optimisation.checkpoint import FOLDER, Checkpoint

    checkpoint = Checkpoint(project.private / FOLDER, project.build, values, project.settings.train.seed)
    kept = project.cache / "lift" / f"{hashlib.sha256(checkpoint.path.stem.encode()).hexdigest()[:32]}.json"
    try:
        found: dict[str, Any] = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        from ovt.training.optimisation.fit import fit
        from ovt.training.optimisation.hooks import Hooks

        hooks = Hooks(checkpoint=checkpoint)
        found = _scores(material, fit(material, values, project.settings.train.seed, progress, hooks=hooks))
        write_json(kept, found)
        checkpoint.path.unlink(missing_ok=True)
    return found


def _scores(material: Material, fitted: Fitted) -> dict[str, Any]:
    import numpy as np

    from ovt.training.inference import infer
    from ovt.training.optimisation.scores import subset_scores
    from ovt.training.reader import Reader

    gold = material.gold
    assert gold is not None  # asked before
    reader = Reader(material.store, fitted.lexicon)
    members = material.members[gold.rows]
    columns = np.column_stack([~members.any(1), members])
    found = subset_scores(infer(fitted.network, reader, gold.rows), gold, material.store, columns)
    health = _health(fitted, reader, gold.rows, members)
    return {
        task: {name: {"n": n, "value": round(value, 6), **health.get((material.store.schema.tasks[task].payload, name),
                                                                      {"indicator": None, "shut": False})}
               for name, (n, value) in zip(("", *material.slices), each, strict=True) if n}
        for task, each in found.items()
    }


def _health(fitted: Fitted, reader: Any, rows: Any, members: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """By payload and slice: its indicator's F1, and whether its expert is shut."""
    from ovt.training.memberships import membership_logits

    turned = {(health.payload, health.slice) for health in fitted.outcome.health}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    if not len(fitted.network.slices):
        return found
    for payload, logits in membership_logits(fitted.network, reader, rows).items():
        for code, name in enumerate(fitted.network.blueprint.slices):
            fired, inside = logits[:, code] > 0, members[:, code]
            total = int(fired.sum() + inside.sum())
            f1 = 2 * int((fired & inside).sum()) / total if total else 0.0
            found[payload, name] = {"indicator": round(f1, 6), "shut": (payload, name) in turned}
    return found


def _metric(material: Material, task: str) -> str:
    spec = material.store.schema.tasks[task]
    return "span_f1" if spec.spans else "f1_micro" if spec.type == "bitvector" else "accuracy"
