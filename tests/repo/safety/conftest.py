"""A project whose next version waits in DVC's run-cache, and a warm process that types `ovt` commands and dies on demand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sandbox import LABELER, commit_all, git, record

from ovt.project import Project
from ovt.stages.pipeline import keep_pipeline

EDITED = LABELER + "- {name: old, task: Intent, keyword: [old], label: age}\n"
ZYGOTE = Path(__file__).parents[2] / "zygote.py"


@pytest.fixture(scope="session")
def restorable_template(templates: Path) -> Path:
    """HEAD has a model; with `EDITED` labelers every stage is restored, so that `ovt commit` trains nothing."""
    root = templates / "restorable"
    shutil.copytree(templates / "plain", root, symlinks=True)
    project = Project(root)
    keep_pipeline(project)
    for text in (EDITED, LABELER):
        (root / "labelers" / "height.yaml").write_text(text)
        record(project)
    commit_all(project, "first model")
    return root


@pytest.fixture
def restorable(restorable_template: Path, tmp_path: Path) -> Project:
    """A copy, with the labelers edited."""
    return edited_copy(restorable_template, tmp_path / "repo")


def edited_copy(template: Path, root: Path) -> Project:
    """Copy the template (over what was there) and edit its labelers."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)
    (root / "labelers" / "height.yaml").write_text(EDITED)
    return Project(root)


@dataclass
class Typist:
    """Types `ovt` commands in children of a warm process; see `zygote.py`."""

    process: subprocess.Popen[str]

    def __call__(self, folder: Path, *words: str, **how: Any) -> dict[str, Any]:
        """Run one command; `how`: kill_at, kill_after, fail_at, names, env."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"cwd": str(folder), "words": words, **how}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def works(self, folder: Path, *words: str, **how: Any) -> dict[str, Any]:
        """The same, and it must succeed."""
        answer = self(folder, *words, **how)
        assert answer["code"] == 0, answer
        return answer


@pytest.fixture(scope="session")
def typist(isolated_environment: Path) -> Iterator[Typist]:
    process = subprocess.Popen([sys.executable, str(ZYGOTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "OVT_SKIP": "1"})
    yield Typist(process)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    process.stdout.close()


def fingerprint_of(root: Path) -> dict[str, bytes]:
    """Everything that a version is made of, as it lies there: inputs, outputs, reports, DVC's files."""
    out = git(root, "ls-files")
    names = [*out.splitlines(), *(path.relative_to(root).as_posix() for folder in ("build", "model", "data")
                                  for path in sorted((root / folder).rglob("*")) if path.is_file())]
    return {name: (root / name).read_bytes() for name in sorted(set(names))}
