"""A file that DVC was writing when it was killed comes back as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ovt.project import Project
from ovt.storage.journal import FOLDER, kept, recover

if TYPE_CHECKING:
    from pathlib import Path


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


def _killed_while_writing(project: Project, names: tuple[str, ...]) -> None:
    """What is left on disk when a process dies inside `kept`."""
    manager = kept(project, *names)
    manager.__enter__()
    copies = {path.name: path.read_bytes() for path in (project.private / FOLDER).iterdir()}
    for name in names:
        (project.root / name).write_text("half", encoding="utf-8")
    assert manager.__exit__(None, None, None) is not True
    for name, content in copies.items():
        (project.private / FOLDER / name).write_bytes(content)


def test_what_was_half_written_goes_back(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "dvc.lock").write_text("good", encoding="utf-8")
    _killed_while_writing(project, ("dvc.lock", "data.dvc"))
    assert recover(project) == ("data.dvc", "dvc.lock")
    assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == "good"
    assert not (tmp_path / "data.dvc").exists(), "it was not there before"
    assert recover(project) == ()


def test_the_next_writer_starts_from_what_was_good(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "dvc.lock").write_text("good", encoding="utf-8")
    _killed_while_writing(project, ("dvc.lock",))
    with kept(project, "dvc.lock"):
        assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == "good"
        (tmp_path / "dvc.lock").write_text("better", encoding="utf-8")
    assert recover(project) == ()
    assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == "better"


def test_an_error_undoes_the_writing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "dvc.lock").write_text("good", encoding="utf-8")

    def interrupted() -> None:
        with kept(project, "dvc.lock"):
            (tmp_path / "dvc.lock").write_text("half", encoding="utf-8")
            raise Killed

    with pytest.raises(Killed):
        interrupted()
    assert (tmp_path / "dvc.lock").read_text(encoding="utf-8") == "good"
