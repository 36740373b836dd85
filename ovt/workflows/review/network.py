"""`ovt model explain` and `repo.model()`: a version's network, drawn or opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ovt.errors import MissingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from ovt.project import Project
    from ovt.schema.spec import Schema
    from ovt.training.explanation import Drawing, Origins
    from ovt.training.lexicon import Lexicon
    from ovt.training.opened import OpenedModel
    from ovt.versions.history import Version

MODEL = "model"


def model_version(project: Project, revision: str | None) -> Version:
    """A revision; by default the workspace if it has a model, else HEAD."""
    from ovt.versions.history import resolve

    version = resolve(project, revision or "workspace")
    if revision is not None or _is_here(project, version):
        return version
    try:
        return resolve(project, "HEAD")
    except UsageError:
        return version  # nothing was ever committed


def explain_model(project: Project, revision: str | None = None) -> Drawing:
    """The network of a version's model.

    Raises:
        MissingError: it has no model, or it is not on this machine.
    """
    from ovt.training.explanation import draw, shapes_of

    version = model_version(project, revision)
    files = _files(project, version)
    config = json.loads(files["config.json"].read_text(encoding="utf-8"))
    return draw(config, shapes_of(files["weights.safetensors"]), _origins(project, version))


def open_model(project: Project, revision: str | None = None) -> OpenedModel:
    """A version's model as torch modules.

    Raises:
        MissingError: it has no model, or it is not on this machine.
    """
    from ovt.storage.files import scratch_folder
    from ovt.training.model_files import load_model
    from ovt.training.opened import OpenedModel

    version = model_version(project, revision)
    files = _files(project, version)
    with scratch_folder(project.private / "scratch", "model") as folder:
        for name, path in files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())
        network, lexicon = load_model(folder)
    store = project.build / "store"
    rows = store if _is_here(project, version) and store.is_dir() else None
    return OpenedModel(network, lexicon, _record_reader(network.blueprint.schema, lexicon), rows)


def _record_reader(schema: Schema, lexicon: Lexicon) -> Callable[[Sequence[Any]], Callable[[Any], dict[str, Any]]]:
    """Checks plain records as serving does, and makes the same arrays."""
    from ovt.errors import ProjectError
    from ovt.serving.arrays import ArrayMaker
    from ovt.serving.requests import Problem, RequestReader

    requests = RequestReader(schema)
    maker = ArrayMaker(schema, lexicon, requests.codec.payload_fields)

    def read(records: Sequence[Any]) -> Callable[[Any], dict[str, Any]]:
        checked = []
        for number, record in enumerate(records):
            found = requests.from_mapping(record)
            if isinstance(found, Problem):
                raise ProjectError("this is no record of the model's schema", at=f"record {number}", why=str(found),
                                   fix=found.fix)
            checked.append(found)
        return lambda places: maker.make([checked[place].payloads for place in places])

    return read


def _is_here(project: Project, version: Version) -> bool:
    """Whether it is the workspace's model that is asked for, and there is one."""
    return version.commit is None and (project.root / MODEL / "config.json").is_file()


def _files(project: Project, version: Version) -> dict[str, Path]:
    from ovt.versions.artifacts import output_files

    here = project.root / MODEL
    if _is_here(project, version):
        return {path.relative_to(here).as_posix(): path for path in sorted(here.rglob("*")) if path.is_file()}
    if version.report is None:
        raise MissingError(f"`{version.spec}` has no model yet", why="nothing has been trained for it", fix="train it",
                           command="ovt run")
    return output_files(project, version, MODEL)


def _origins(project: Project, version: Version) -> Origins:
    """What `tuning.yaml` of that version pins and offers; without one all values are defaults."""
    from ovt.documents import parse_document
    from ovt.errors import ProjectError
    from ovt.training.explanation import Origins
    from ovt.training.tuning.spec import SPEC_FILE, parse_spec
    from ovt.versions.source import source_of

    content = source_of(project, version.commit).read(SPEC_FILE)
    if content is None:
        return Origins()
    try:
        spec = parse_spec(parse_document(content.decode(), SPEC_FILE), project.schema)
    except ProjectError:
        return Origins()  # written for another schema than the workspace's: it says nothing about this model
    return Origins(frozenset(spec.choices), frozenset(spec.pins))
