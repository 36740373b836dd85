"""Whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.storage.files import safe_name, scratch_folder, swap_in, write_bytes, write_json

if TYPE_CHECKING:
    from pathlib import Path


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_become_file_names_one_to_one(a: str, b: str) -> None:
    try:
        left, right = safe_name(a), safe_name(b)
    except UnicodeEncodeError:
        return
    assert (left == right) == (a == b)
    assert not set(left) & set("/\\.: ")


def test_a_write_that_breaks_leaves_the_old_content_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    write_bytes(path, b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.json"]


def test_the_mode_of_a_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "hook"
    path.write_text("x", encoding="utf-8")
    path.chmod(0o755)
    write_bytes(path, b"y")
    assert path.stat().st_mode & 0o777 == 0o755


def test_json_is_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": ["é"]})
    write_json(tmp_path / "b", {"a": ["é"], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b'{\n "a": [\n  "\xc3\xa9"\n ],\n "b": 1\n}\n'


@pytest.mark.parametrize("existing", [None, "file", "folder"])
def test_a_folder_takes_the_place_of_what_was_there(tmp_path: Path, existing: str | None) -> None:
    final = tmp_path / "store"
    if existing == "folder":
        final.mkdir()
        (final / "stale").write_text("x", encoding="utf-8")
    if existing == "file":
        final.write_text("x", encoding="utf-8")
        final.unlink()
    with scratch_folder(tmp_path / "scratch", "s") as folder:
        (folder / "store").mkdir()
        (folder / "store" / "fresh").write_text("y", encoding="utf-8")
        swap_in(folder / "store", final)
    assert [found.name for found in final.iterdir()] == ["fresh"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_scratch_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    def half() -> None:
        with scratch_folder(tmp_path, "s") as folder:
            (folder / "half").write_text("x", encoding="utf-8")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        half()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_a_day_later_and_no_sooner(tmp_path: Path) -> None:
    for name, age in (("old", 2 * 24 * 3600), ("young", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("x", encoding="utf-8")
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    with scratch_folder(tmp_path, "s"):
        assert not (tmp_path / "old").exists()
        assert (tmp_path / "young").exists()
