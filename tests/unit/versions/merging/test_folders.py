"""Folders that DVC tracks, merged in the cache: by file, and within a file by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ovt.errors import MissingError
from ovt.project import Project
from ovt.storage.fingerprint import folder_listing, md5_of
from ovt.storage.objects import listing, object_path
from ovt.versions.merging.folders import keep_folder, merge_pointer


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "ovt.yaml").touch()
    return Project(tmp_path)


def put(project: Project, content: bytes, digest: str | None = None) -> str:
    digest = digest or md5_of(content)
    path = object_path(project, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


def pointer(project: Project, **files: bytes) -> bytes:
    """A `.dvc` file for a folder with these files (`__` is a dot in their names)."""
    named = {name.replace("__", "."): content for name, content in files.items()}
    rows = folder_listing([(name, put(project, content)) for name, content in named.items()])
    digest = put(project, rows, f"{md5_of(rows)}.dir")
    return (f"# mine\nouts:\n- md5: {digest}\n  size: {sum(map(len, named.values()))}\n  nfiles: {len(named)}\n"
            "  hash: md5\n  path: data\n").encode()


def content(project: Project, merged: bytes) -> dict[str, bytes]:
    (out,) = yaml.safe_load(merged)["outs"]
    files = listing(project, out["md5"])
    assert files is not None
    found = {name: object_path(project, digest).read_bytes() for name, digest in files.items()}
    assert (out["nfiles"], out["size"]) == (len(found), sum(map(len, found.values())))
    assert all(md5_of(found[name]) == digest for name, digest in files.items())
    return found


def row(name: str) -> bytes:
    return json.dumps({"id": name, "payloads": {"query": name}}).encode() + b"\n"


def test_by_file_and_by_row(project: Project) -> None:
    base = pointer(project, a__jsonl=row("1"), b__jsonl=row("2"), gone__jsonl=row("3"))
    ours = pointer(project, a__jsonl=row("1") + row("here"), b__jsonl=row("2"), new__csv=b"x")
    theirs = pointer(project, a__jsonl=row("1") + row("there"), b__jsonl=row("2b"), gone__jsonl=row("3"))
    merged = merge_pointer(project, "data.dvc", (base, ours, theirs), None)
    assert merged.conflicts == ()
    assert content(project, merged.content) == {
        "a.jsonl": row("1") + row("here") + row("there"), "b.jsonl": row("2b"), "new.csv": b"x"}
    assert merged.content.startswith(b"# mine\n")
    back = merge_pointer(project, "data.dvc", (base, theirs, ours), None)
    assert back.content == merged.content
    assert merge_pointer(project, "data.dvc", (base, ours, base), None).content == ours
    assert merge_pointer(project, "data.dvc", (base, base, theirs), None).content == theirs


def test_what_cannot_be_merged_by_row(project: Project) -> None:
    base, ours = pointer(project, t__csv=b"0", u__jsonl=row("1")), pointer(project, t__csv=b"1", u__jsonl=row("1b"))
    theirs = pointer(project, t__csv=b"2")
    merged = merge_pointer(project, "data.dvc", (base, ours, theirs), None)
    assert [str(found) for found in merged.conflicts] == [
        "file data/t.csv: changed here, changed there", "file data/u.jsonl: changed here, removed there"]
    assert content(project, merged.content) == {"t.csv": b"1", "u.jsonl": row("1b")}
    chosen = merge_pointer(project, "data.dvc", (base, ours, theirs), "theirs")
    assert (content(project, chosen.content), chosen.conflicts) == ({"t.csv": b"2"}, ())


def test_a_folder_that_both_began(project: Project) -> None:
    ours, theirs = pointer(project, a__jsonl=row("1")), pointer(project, a__jsonl=row("2"), empty__jsonl=b"")
    merged = merge_pointer(project, "data.dvc", (b"", ours, theirs), None)
    assert content(project, merged.content) == {"a.jsonl": row("1") + row("2"), "empty.jsonl": b""}


@pytest.mark.parametrize("what", ["listing", "file"])
def test_what_is_not_here(what: str, project: Project) -> None:
    base, ours, theirs = (pointer(project, a__jsonl=row(name)) for name in "123")
    digest = yaml.safe_load(theirs)["outs"][0]["md5"]
    files = listing(project, digest)
    assert files is not None
    object_path(project, digest if what == "listing" else files["a.jsonl"]).unlink()
    with pytest.raises(MissingError) as caught:
        merge_pointer(project, "data.dvc", (base, ours, theirs), None)
    assert "ovt pull" in (caught.value.command or "")


def test_a_folder_is_kept_as_dvc_would(project: Project) -> None:
    (project.root / "data" / "deep").mkdir(parents=True)
    (project.root / "data" / "deep" / "a.jsonl").write_bytes(row("1"))
    (project.root / "data" / "b.jsonl").write_bytes(row("2"))
    digest = keep_folder(project, "data")
    files = listing(project, digest)
    assert files == {"deep/a.jsonl": md5_of(row("1")), "b.jsonl": md5_of(row("2"))}
    assert object_path(project, files["b.jsonl"]).stat().st_mode & 0o777 == 0o444
    assert keep_folder(project, "data") == digest


def kept_files(project: Project) -> set[Path]:
    """Files of DVC, without the lock of those who add to its cache."""
    return {path for path in (project.root / ".dvc").rglob("*") if path.is_file() and path.name != "ovt.lock"}


def test_nothing_half_written_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    base, ours, theirs = (pointer(project, a__jsonl=row("1") + row(name)) for name in ("x", "y", "z"))
    before = kept_files(project)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ovt.versions.merging.folders.merge_rows", fail)
    with pytest.raises(OSError, match="No space"):
        merge_pointer(project, "data.dvc", (base, ours, theirs), None)
    assert kept_files(project) == before
