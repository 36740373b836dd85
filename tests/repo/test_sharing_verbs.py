"""`ovt clone`, `land`, `resolve`, `remote add` and the merge driver as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sandbox import LABELER, commit_all, git, record

from ovt.cli.main import main
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.versions.history import resolve
from ovt.versions.runs import publish


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Type a command: exit code, stdout, stderr."""

    def type_it(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out = capsys.readouterr()
        return code, out.out, out.err

    return type_it


def test_land(recorded: Project, tmp_path: Path, typed) -> None:  # type: ignore[no-untyped-def]
    root = recorded.root
    code, out, _ = typed("-C", root, "land")
    assert (code, out) == (0, "nothing to land: main has the results of its inputs\n")
    (root / "labelers" / "height.yaml").write_text(LABELER + "# two\n")
    commit_all(recorded, "two")
    code, _, err = typed("-C", root, "land")
    assert code == 4
    assert "ovt run --rev main" in err
    there = Project(tmp_path / "there")
    shutil.copytree(root, there.root, symlinks=True)
    record(there)
    publish(git_of(root), there, resolve(recorded, "HEAD").key, "")
    code, out, err = typed("-C", root, "land", "--json")
    assert code == 0
    assert json.loads(out)["commit"] == git(root, "rev-parse", "HEAD")
    code, out, err = typed("-C", root, "run", "--rev", "HEAD")
    assert (code, out) == (0, "nothing to do: HEAD has a model\n")
    assert err.endswith("next: ovt show HEAD\n")


def test_clone_into_a_named_folder(plain: Project, tmp_path: Path, typed) -> None:  # type: ignore[no-untyped-def]
    code, out, err = typed("clone", plain.root, tmp_path / "copy", "--no-data")
    assert (code, out) == (0, "copy: cloned without data, as asked, 0 runs\n")
    assert (tmp_path / "copy" / "ovt.yaml").is_file()
    assert "ovt hooks install" in err
    code, out, err = typed("clone", plain.root, tmp_path / "other", "--json")
    assert code == 4  # the data have no remote
    assert json.loads(out)["projects"][0]["problem"]
    assert (tmp_path / "other" / "schema.json").is_file()
    code, _, err = typed("clone", plain.root, tmp_path / "copy")
    assert code == 2
    assert "is there already" in err


def test_resolve(plain: Project, typed) -> None:  # type: ignore[no-untyped-def]
    root = plain.root
    assert typed("-C", root, "resolve")[:2] == (0, "nothing is in conflict\n")
    assert typed("-C", root, "resolve", "--ours", "--theirs")[0] == 2
    (root / "examples").mkdir()
    for branch, label in (("b", "weight"), ("a", "height")):
        git(root, "checkout", "-q", "-b", branch, "main")
        (root / "examples").mkdir(exist_ok=True)
        (root / "examples" / "x.jsonl").write_text(json.dumps(
            {"id": "q-17", "payloads": {"query": "x"}, "tasks": {"Intent": {"crowd": label}}}) + "\n")
        (root / "README.md").write_text(f"{label}\n")
        commit_all(plain, branch)
    with pytest.raises(AssertionError):
        git(root, "merge", "-q", "--no-edit", "b")
    code, out, err = typed("-C", root, "resolve")
    assert code == 3
    assert "undecided examples/x.jsonl: record q-17, task Intent, source crowd: `height` here, `weight` there" in out
    assert "yours README.md" in out
    assert "--theirs" in err
    code, out, _ = typed("-C", root, "resolve", "--theirs", "--json")
    assert code == 3  # README.md is the user's
    assert json.loads(out)["merged"] == ["examples/x.jsonl"]
    assert '"weight"' in (root / "examples" / "x.jsonl").read_text()


def test_the_driver_as_git_calls_it(
    plain: Project, tmp_path: Path, typed, monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.chdir(plain.root)
    for name, text in (("o", ""), ("a", '{"a": 1}\n'), ("b", '{"b": 1}\n')):
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in "oab"]
    assert typed("merge-driver", "report", *files, "reports/quality.json")[0] == 0
    assert (tmp_path / "a").read_text() == '{"a": 1}\n'
    code, _, err = typed("merge-driver", "nonsense", *files, "dvc.lock")
    assert code == 1
    assert "no merge driver `nonsense`" in err


def test_a_secret_in_an_address_is_refused(plain: Project, typed) -> None:  # type: ignore[no-untyped-def]
    for url in ("https://me:hunter22@example.org/x", "azure://x?sig=hunter22", "https://hunter22@example.org/x"):
        code, out, err = typed("-C", plain.root, "remote", "add", url)
        assert code == 3
        assert "hunter22" not in out + err
    assert "hunter22" not in (plain.root / ".dvc" / "config").read_text()
