"""A small project in a real Git repository with real DVC, for tests of versions, hooks, jobs and sharing.

The stages are not run here: `make_outputs` writes what stands for their
outputs, as a function of the inputs, so that recording, keys, runs and
sharing are real and fast.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from ovt.project import STAGES, Project
from ovt.storage import dvc

SCHEMA = """{"payloads": {"query": {"type": "singleton"}},
 "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}
"""
SETTINGS = """gold: {source: gold, train: true}
sources: {}
code: []
train: {seed: 0, threads: 1, init: scratch, replicates: 1}
errors: {bad_records: 1%}
hooks: {train: background}
"""
LABELER = """- {name: tall, task: Intent, keyword: [tall], label: height}
"""
PIPELINE = """stages:
  compile:
    cmd: ovt stage compile
    deps: [data, schema.json]
    params: [{ovt.yaml: [code, errors, gold, sources]}]
    outs: [build/gold/dev, build/gold/test, build/slices, build/store, build/tags.parquet, build/votes]
  label:
    cmd: ovt stage label --format 2
    deps: [build/gold/dev, build/store, build/votes, labelers]
    params: [{ovt.yaml: [code, errors, gold, sources]}]
    outs: [build/labels, {reports/sources.json: {cache: false}}]
  train:
    cmd: ovt stage train --format 2
    deps: [build/gold/dev, build/labels, build/slices, build/store]
    params: [{ovt.yaml: [train]}]
    outs: [model]
  evaluate:
    cmd: ovt stage evaluate --format 2
    deps: [build/gold/dev, build/gold/test, build/slices, build/store, build/tags.parquet, model]
    outs: [build/predictions.parquet, {reports/quality.json: {cache: false}}]
    metrics: [{reports/metrics.json: {cache: false}}]
"""
OUTPUTS = {
    "compile": ("build/gold/dev/Intent.arrow", "build/gold/test/Intent.arrow", "build/slices/slices.json",
                "build/store/payloads.arrow", "build/tags.parquet", "build/votes/Intent.arrow"),
    "label": ("build/labels/Intent.arrow", "build/labels/Intent.votes.arrow", "reports/sources.json"),
    "train": ("model/weights.safetensors", "model/config.json"),
    "evaluate": ("build/predictions.parquet", "reports/quality.json", "reports/metrics.json"),
}
SOURCES = {"compile": ("data", "schema.json"), "label": ("data", "schema.json", "labelers")}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Run git in a folder and return what it printed."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def make_outputs(project: Project, stages: tuple[str, ...] = STAGES) -> None:
    """Write outputs that depend on the stage's leaf inputs, and on nothing else."""
    for stage in stages:
        digest = hashlib.sha256()
        for source in SOURCES.get(stage, SOURCES["label"]):
            path = project.root / source
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    digest.update(file.name.encode() + file.read_bytes())
        for output in OUTPUTS[stage]:
            target = project.root / output
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_text(f'{{"made_by": "{stage}", "of": "{digest.hexdigest()[:12]}", "name": "{output}"}}\n')


def record(project: Project) -> None:
    """Make and record all outputs, as `ovt run` does."""
    make_outputs(project)
    for stage in STAGES:
        dvc.record_stage(project, stage)


def commit_all(project: Project, message: str) -> str:
    """Commit everything and return the commit's id."""
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", message)
    return git(project.root, "rev-parse", "HEAD")


def write_project(root: Path) -> Project:
    """The files that a person writes, with DVC set up and the data in it."""
    for name, content in {
        "schema.json": SCHEMA, "ovt.yaml": SETTINGS, "labelers/height.yaml": LABELER, "dvc.yaml": PIPELINE,
        "data/a.jsonl": '{"payloads": {"query": "how tall"}}\n', "data/b.jsonl": '{"payloads": {"query": "who"}}\n',
        ".gitignore": "/.ovt/\n/build/\n/model/\n", ".gitattributes": "labelers/** text eol=lf\n*.json text eol=lf\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    project = Project(root)
    dvc.init(project)
    dvc.add(project, "data")
    return project
