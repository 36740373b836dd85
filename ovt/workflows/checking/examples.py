"""Must-pass examples: what a version's model answers to them, and which answers are wrong.

The result is kept under what it is made of (the model, the schema, the files),
so that a second check of the same model loads no network.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ovt.data.examples import Example
    from ovt.data.records import RecordCodec
    from ovt.data.store import Store
    from ovt.project import Project
    from ovt.quality.policy.expectations import Answer, ExamplesResult
    from ovt.schema.spec import Schema
    from ovt.training.predictions import TaskPredictions
    from ovt.versions.history import Version

FORMAT = "examples/1"
"""Part of the cache key: raise it when the same inputs would give another result."""


def try_examples(project: Project, version: Version, model: str) -> ExamplesResult | None:
    """What a version answers to the examples of the working tree; None where there are none.

    Args:
        project: whose `examples/` are asked.
        version: whose model answers.
        model: digest of that model, from its quality report.

    Raises:
        ProjectError: an example is no record of the schema.
        MissingError: the model is not on this machine.
    """
    from ovt.data.examples import example_files

    files = example_files(project)
    if not files:
        return None
    kept = project.cache / "examples" / f"{_key(project, files, model)}.json"
    result = _load(kept)
    if result is None:
        result = _computed(project, version, len(files))
        _keep(kept, result)
    return result


def _computed(project: Project, version: Version, files: int) -> ExamplesResult:
    from ovt.data.examples import read_examples
    from ovt.data.records import RecordCodec
    from ovt.quality.policy.expectations import ExamplesResult
    from ovt.workflows.sharing.models import opened_model

    codec = RecordCodec(project.schema)
    examples = read_examples(project, codec)
    failed: list[Answer] = []
    if examples:
        with opened_model(project, version) as model:
            answers = predict_examples(project, examples, codec, model)
        for number, example in enumerate(examples):
            own = {task: found[number] for task, found in answers.items()}
            failed.extend(_failures(project.schema, example, own))
    return ExamplesResult(files, len(examples), sum(len(example.expect) for example in examples), tuple(failed))


def predict_examples(
    project: Project, examples: Sequence[Example], codec: RecordCodec, model: Path,
) -> dict[str, list[Any]]:
    """By task, the answer to each example in the form that labels have; a task that the model lacks has none.

    Raises:
        MissingError: the model was made for other payloads.
    """
    import numpy as np

    from ovt.data.store import Store
    from ovt.storage.files import scratch_folder
    from ovt.training.predict import predict

    with scratch_folder(project.private / "scratch", "examples") as folder:
        _write_store(folder, examples, codec, model)
        store = Store.open(folder / "store")
        found = predict(model, store, np.arange(store.n))
        return {task: _answers(store, task, answer) for task, answer in found.items()}


def _write_store(folder: Path, examples: Sequence[Example], codec: RecordCodec, model: Path) -> None:
    import numpy as np

    from ovt.data.store_writer import StoreWriter

    known = json.loads((model / "config.json").read_text(encoding="utf-8"))["classes"]
    (folder / "scratch").mkdir()
    (folder / "store").mkdir()
    writer = StoreWriter(folder / "store", codec, folder / "scratch")
    writer.add([example.record for example in examples], np.zeros(len(examples), np.int8))
    tasks = codec.schema.tasks.values()
    writer.finish({task.name: known.get(task.name, []) for task in tasks if task.type != "select"})


def _answers(store: Store, task: str, found: TaskPredictions) -> list[Any]:
    """Per record: a class, a list of them per item, sorted names of a bitvector, or a candidate's position."""
    import numpy as np

    offsets = store.item_offsets(task)
    classes = store.classes.get(task, [])
    if store.schema.tasks[task].type == "select":
        return [int(place) for place in found.decoded]
    if store.schema.tasks[task].type == "bitvector":
        items: list[Any] = [sorted(classes[place] for place in np.flatnonzero(row)) for row in found.decoded]
    else:
        items = [classes[place] if place >= 0 else None for place in found.decoded]
    if offsets is None:
        return items
    return [items[offsets[row]:offsets[row + 1]] for row in range(store.n)]


def _failures(schema: Schema, example: Example, answers: dict[str, Any]) -> list[Answer]:
    """What is wrong; nothing is expected of a task that the model does not have but that it has it."""
    from ovt.quality.policy.expectations import Answer

    return [
        Answer(example.path, example.line, example.record.id or "", task, _shown(expected), _shown(answers.get(task)))
        for task, expected in example.expect.items()
        if task not in answers or not meets(
            answers[task], expected, names=schema.tasks[task].type == "bitvector",
            per_item=schema.tasks[task].type != "select" and schema.granularity(task) != "record",
        )
    ]


def meets(found: Any, expected: Any, *, per_item: bool, names: bool) -> bool:
    """Whether an answer is what was expected.

    Args:
        found: what the model says.
        expected: what the example says; null expects nothing.
        per_item: both are lists over the record's items; items that `max_length` cut off are not compared.
        names: an answer is a list of names, whose order means nothing.
    """
    if expected is None:
        return True
    if per_item:
        pairs = zip(found or (), expected, strict=False)
        return all(meets(*pair, per_item=False, names=names) for pair in pairs)
    return bool(sorted(found) == sorted(expected) if names else found == expected)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _key(project: Project, files: Sequence[Path], model: str) -> str:
    from ovt.schema.write import plain_schema

    digest = hashlib.sha256(json.dumps([FORMAT, model, plain_schema(project.schema)], sort_keys=True).encode())
    for path in files:
        digest.update(f"{project.shown(path)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _load(path: Path) -> ExamplesResult | None:
    import msgspec

    from ovt.quality.policy.expectations import ExamplesResult

    try:
        return msgspec.json.decode(path.read_bytes(), type=ExamplesResult)
    except (OSError, msgspec.DecodeError):
        return None


def _keep(path: Path, result: ExamplesResult) -> None:
    import msgspec

    from ovt.storage.files import write_bytes

    with suppress(OSError):  # a read-only folder: asked again next time
        write_bytes(path, msgspec.json.encode(result))
