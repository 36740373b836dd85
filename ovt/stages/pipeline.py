"""Which stage reads and writes what, and `dvc.yaml` made from that.

The file is kept by ovt: folders that do not exist are not listed, since DVC
takes a missing input for an error. Stages that the user added stay as they are.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.documents import parse_document, read_document
from ovt.project import CORRECTIONS, GOLD, STAGES, Project
from ovt.settings import SETTINGS_FILE
from ovt.storage.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE_FILE = "dvc.yaml"
TUNING_LOCK = "tuning.lock.yaml"
HEADER = "# The four stages are made and kept by ovt; `dvc repro` runs them too (with `ovt` on PATH).\n"


FORMATS = {"compile": 1, "label": 2, "train": 2, "evaluate": 2}
"""Raised when a stage writes something else for the same inputs: earlier runs no longer stand for a new one."""


@dataclass(frozen=True)
class StageSpec:
    """One stage: its inputs and outputs as paths relative to the project."""

    name: str
    inputs: tuple[str, ...]
    settings: tuple[str, ...]
    """Sections of `ovt.yaml` that it reads and that stand in the file."""
    outputs: tuple[str, ...]
    """Kept in DVC's cache."""
    reports: tuple[str, ...] = ()
    """Small files kept in Git."""
    metrics: tuple[str, ...] = ()
    """The flat report that `dvc metrics diff` reads, kept in Git."""

    @property
    def command(self) -> str:
        """What DVC runs; with the format number, so that `dvc repro` too makes again what ovt now makes otherwise."""
        number = FORMATS[self.name]
        return f"ovt stage {self.name}" + (f" --format {number}" if number > 1 else "")

    @property
    def products(self) -> tuple[str, ...]:
        """Everything that the stage writes."""
        return (*self.outputs, *self.reports, *self.metrics)


def stage_specs(project: Project) -> dict[str, StageSpec]:
    """The four stages of this project as it is now, in order."""
    settings = _settings_in_file(project)
    code = tuple(item.rstrip("/") for item in project.settings.code)

    def present(*names: str) -> tuple[str, ...]:
        return tuple(name for name in names if has_content(project.root / name))

    def sections(*names: str) -> tuple[str, ...]:
        return tuple(name for name in names if name in settings)

    tags_read = ("build/tags.parquet",) if _labelers_read_tags(project) else ()
    gold = ("build/gold/dev", "build/gold/test")
    return {
        "compile": StageSpec(
            "compile",
            (project.schema_file.name, *present("data", "slices", "tags", GOLD, CORRECTIONS, *code),
             *_labelers_read(project)),
            sections("code", "errors", "gold", "sources"),
            (*gold, "build/slices", "build/store", "build/tags.parquet", "build/votes"),
        ),
        "label": StageSpec(
            "label",
            ("build/gold/dev", "build/store", "build/votes", *tags_read, *present("labelers", "supervision", *code)),
            sections("code", "errors", "gold", "sources"), ("build/labels",), ("reports/sources.json",),
        ),
        "train": StageSpec(
            "train",
            ("build/gold/dev", "build/labels", "build/slices", "build/store",
             *present(TUNING_LOCK, *pretrained(project))),
            sections("train"), ("model",),
        ),
        "evaluate": StageSpec(
            "evaluate", (*gold, "build/slices", "build/store", "build/tags.parquet", "model"),
            (), ("build/predictions.parquet",), ("reports/quality.json",), ("reports/metrics.json",),
        ),
    }


def pretrained(project: Project) -> list[str]:
    """Files and folders of vectors that `tuning.lock.yaml` names: training reads them."""
    path = project.root / TUNING_LOCK
    if not path.is_file():
        return []
    from ovt.training.embeddings.names import locked_paths

    return locked_paths(path.read_text(encoding="utf-8"))


def has_content(path: Path) -> bool:
    """Whether a file exists, or a folder holds anything that Git or DVC would keep."""
    if path.is_file():
        return True
    return path.is_dir() and any(
        found.is_file() and "__pycache__" not in found.parts and not found.name.startswith(".")
        for found in path.rglob("*")
    )


def pipeline_entry(spec: StageSpec) -> dict[str, Any]:
    """A stage as `dvc.yaml` spells it."""
    entry: dict[str, Any] = {"cmd": spec.command, "deps": sorted(spec.inputs)}
    if spec.settings:
        entry["params"] = [{SETTINGS_FILE: sorted(spec.settings)}]
    outs: list[Any] = [*spec.outputs, *({name: {"cache": False}} for name in spec.reports)]
    entry["outs"] = sorted(outs, key=lambda item: item if isinstance(item, str) else next(iter(item)))
    if spec.metrics:
        entry["metrics"] = [{name: {"cache": False}} for name in spec.metrics]
    return entry


def keep_pipeline(project: Project) -> bool:
    """Bring `dvc.yaml` up to date; True if it changed.

    Raises:
        ProjectError: `dvc.yaml` cannot be parsed.
    """
    path = project.root / PIPELINE_FILE
    wanted = {name: pipeline_entry(spec) for name, spec in stage_specs(project).items()}
    existing = read_document(path).value if path.is_file() else None
    present = (existing or {}).get("stages") or {}
    if all(present.get(name) == entry for name, entry in wanted.items()):
        return False
    write_text(path, _updated_text(path, wanted) if existing else HEADER + _dump({"stages": wanted}))
    return True


def locked_stages(project: Project) -> dict[str, Any]:
    """The stages recorded in `dvc.lock`, or nothing if there is none yet."""
    path = project.root / "dvc.lock"
    if not path.is_file():
        return {}
    return parse_lock(path.read_text(encoding="utf-8"))


def parse_lock(text: str) -> dict[str, Any]:
    """The `stages` of a `dvc.lock`."""
    value = parse_document(text, "dvc.lock").value or {}
    return dict(value.get("stages") or {})


def downstream(name: str) -> tuple[str, ...]:
    """The stage and those after it."""
    return STAGES[STAGES.index(name):]


def _settings_in_file(project: Project) -> dict[str, Any]:
    path = project.root / SETTINGS_FILE
    return dict(read_document(path).value or {}) if path.is_file() else {}


def _labelers_read_tags(project: Project) -> bool:
    from ovt.functions.discover import reads_tags

    return reads_tags(project)


def _slices_elsewhere(project: Project) -> tuple[str, ...]:
    """YAML files of `labelers/` that define slices too: compile reads them."""
    from ovt.functions.discover import slice_files

    return tuple(name for name in slice_files(project) if not name.startswith("slices/"))


def _labelers_read(project: Project) -> tuple[str, ...]:
    """What compile reads of `labelers/`: slices in YAML, and what makes new records."""
    from ovt.functions.augmentation.augmenting_files import augmenting_inputs

    return tuple(sorted({*_slices_elsewhere(project), *augmenting_inputs(project)}))


def _dump(value: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)


def _updated_text(path: Path, wanted: dict[str, Any]) -> str:
    """The user's file with our four stages replaced, comments and other stages kept (ruamel comes with DVC)."""
    from ruamel.yaml import YAML

    editor = YAML()
    editor.width = 1000
    content = editor.load(path.read_text(encoding="utf-8"))
    stages = content.setdefault("stages", {})
    for name, entry in wanted.items():
        stages[name] = entry
    out = io.StringIO()
    editor.dump(content, out)
    return out.getvalue()
