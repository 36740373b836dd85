"""Where the hooks lie and whose company they keep: every kind of hooks folder, other tools in either order, back again.

pre-commit is the real one; lefthook and husky are where the machine has them
(`OVT_NODE_MODULES`), and stand-ins that write what they write where it has not.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox import LABELER, commit_all, git

from ovt.cli.main import main
from ovt.errors import ProjectError, UsageError
from ovt.project import Project
from ovt.storage.git import git_of
from ovt.workflows.hooks.blocks import with_block, without_block
from ovt.workflows.hooks.install import hooks_folder, install, overview, status, uninstall
from ovt.workflows.hooks.managers import add_entries, supports_config
from ovt.workflows.hooks.registry import state_folder
from ovt.workflows.hooks.shim import EVENTS

PRE_COMMIT_CONFIG = """# ours
repos:
  - repo: local
    hooks:
      - {id: note, name: note, entry: sh -c 'echo framework >>LOG', language: system, always_run: true}
"""
LEFTHOOK = "#!/bin/sh\n# LEFTHOOK\necho lefthook >>LOG\n"


@pytest.fixture
def log(plain: Project) -> Path:
    """What ran: the hooks of others write into it, and the stand-in for ovt's Python."""
    path = plain.root.parent / "log"
    path.write_text("")
    return path


def recorded(project: Project, log: Path) -> None:
    """From now on ovt's hooks only write down that they ran."""
    recorder = log.with_name("recorder")
    recorder.write_text(f'#!/bin/sh\necho "ovt $5" >>{log}\ncat >/dev/null\n')
    recorder.chmod(0o755)
    (state_folder(git_of(project.root)) / "python").write_text(f"{recorder}\n")


def commit(project: Project, text: str) -> None:
    (project.root / "labelers" / "height.yaml").write_text(f"{LABELER}# {text}\n")
    git(project.root, "commit", "-q", "-a", "-m", text)


def ran(log: Path) -> list[str]:
    found = log.read_text().splitlines()
    log.write_text("")
    return found


def photograph(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Names, modes and contents below a folder; links as links."""
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.lstat().st_mode), os.fsencode(path.readlink())
                                        if path.is_symlink() else path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def write(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def pre_commit(project: Project, *arguments: str) -> None:
    pytest.importorskip("pre_commit")
    done = subprocess.run([sys.executable, "-m", "pre_commit", *arguments], cwd=project.root, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# -- where -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [".hooks", "tools/git hooks", "ABSOLUTE", "~/hooks"])
def test_any_hooks_path_is_honoured_also_from_a_sub_folder(
    value: str, plain: Project, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    places = {"ABSOLUTE": tmp_path / "elsewhere", "~/hooks": home / "hooks"}
    folder = places.get(value, plain.root / value)
    git(plain.root, "config", "core.hooksPath", str(folder) if value == "ABSOLUTE" else value)
    assert hooks_folder(git_of(plain.root)) == folder
    install(plain)
    assert (folder / "post-checkout").stat().st_mode & stat.S_IXUSR
    recorded(plain, log)
    commit(plain, "x")
    assert ran(log) == ["ovt pre-commit", "ovt post-commit"]
    uninstall(plain)
    assert not folder.exists()


def test_a_project_in_a_sub_folder_finds_a_relative_hooks_path(tmp_path: Path, plain: Project) -> None:
    top = tmp_path / "mono"
    git(tmp_path, "init", "-q", "mono")
    shutil.move(str(plain.root), top / "deep")
    shutil.rmtree(top / "deep" / ".git")
    git(top, "config", "core.hooksPath", ".hooks")
    project = Project(top / "deep")
    install(project)
    assert (top / ".hooks" / "pre-commit").is_file()
    assert all(hook.works for hook in status(project))


def test_a_relative_hooks_path_is_another_folder_in_each_worktree(plain: Project, log: Path, tmp_path: Path) -> None:
    git(plain.root, "config", "core.hooksPath", ".hooks")
    install(plain)
    git(plain.root, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = Project(tmp_path / "linked")
    assert {hook.state for hook in status(linked)} == {"missing"}
    install(linked)
    recorded(plain, log)
    commit(linked, "there")
    assert ran(log) == ["ovt pre-commit", "ovt post-commit"]


def test_in_a_submodule_its_own_hooks_are_used(plain: Project, log: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "super")
    git(tmp_path / "super", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(plain.root), "sub")
    project = Project(tmp_path / "super" / "sub")
    assert (project.root / ".git").is_file()
    install(project)
    assert (tmp_path / "super" / ".git" / "modules" / "sub" / "hooks" / "pre-commit").is_file()
    recorded(project, log)
    commit(project, "x")
    assert ran(log) == ["ovt pre-commit", "ovt post-commit"]
    git(tmp_path / "super", "commit", "-q", "-a", "-m", "the submodule moved")
    assert ran(log) == []


def test_hooks_for_all_repositories_do_nothing_in_the_others(
    plain: Project, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = write(tmp_path / "gitconfig", f"[core]\n\thooksPath = {tmp_path}/shared\n", 0o644)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    second = Project(tmp_path / "second")
    shutil.copytree(plain.root, second.root, symlinks=True)
    assert any("all repositories" in line for line in install(plain))
    recorded(plain, log)
    git(tmp_path, "init", "-q", "stranger")
    write(tmp_path / "stranger" / "schema.json", "no input of ours", 0o644)
    git(tmp_path / "stranger", "add", "-A")
    git(tmp_path / "stranger", "commit", "-q", "-m", "x")
    assert ran(log) == []
    install(second)
    assert "stay for other repositories" in uninstall(plain)[0]
    assert all(hook.works for hook in status(second))
    uninstall(second)
    assert list((tmp_path / "shared").iterdir()) == []


# -- beside others ----------------------------------------------------------------------------------------------------


def test_everything_comes_back_as_it_was(plain: Project, tmp_path: Path) -> None:
    folder = plain.root / ".git" / "hooks"
    write(folder / "pre-commit", "#!/bin/sh\nexit 0\n# no end", 0o711)
    write(folder / "post-commit", "not executable", 0o640)
    write(tmp_path / "script", "#!/bin/sh\n")
    (folder / "pre-push").symlink_to("../../../script")
    (folder / "post-merge").symlink_to("nowhere")
    install(plain)
    config = (plain.root / ".git" / "config").read_bytes()  # merge drivers stay
    uninstall(plain)
    before = photograph(plain.root / ".git")
    install(plain)
    once = photograph(plain.root)
    install(plain)
    assert photograph(plain.root) == once
    uninstall(plain)
    assert photograph(plain.root / ".git") == before
    assert (plain.root / ".git" / "config").read_bytes() == config
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".sample") == [
        "post-commit", "post-merge", "pre-commit", "pre-push"]


@pytest.mark.parametrize("order", [
    "both", pytest.param("before", marks=pytest.mark.slow), pytest.param("after", marks=pytest.mark.slow)])
def test_pre_commit_in_any_order(order: str, plain: Project, log: Path) -> None:
    write(plain.root / ".pre-commit-config.yaml", PRE_COMMIT_CONFIG.replace("LOG", str(log)), 0o644)
    if order != "after":
        pre_commit(plain, "install")
    install(plain)
    if order != "before":
        pre_commit(plain, "install")
    recorded(plain, log)
    commit_all(plain, "config")
    ran(log)
    commit(plain, "x")
    assert sorted(ran(log)) == ["framework", "ovt post-commit", "ovt pre-commit"]
    assert all(hook.works for hook in status(plain))
    assert {hook.event: hook.state for hook in status(plain)}["pre-commit"] == (
        "installed" if order == "before" else "through")
    install(plain)  # once more changes nothing
    recorded(plain, log)
    commit(plain, "y")
    assert sorted(ran(log)) == ["framework", "ovt post-commit", "ovt pre-commit"]
    uninstall(plain)
    commit(plain, "z")
    assert ran(log) == ["framework"]
    folder = plain.root / ".git" / "hooks"
    assert [path.name for path in sorted(folder.iterdir()) if path.suffix != ".sample"] == ["pre-commit"]


@pytest.mark.slow
def test_pre_commit_goes_and_ovt_stays(plain: Project, log: Path) -> None:
    write(plain.root / ".pre-commit-config.yaml", PRE_COMMIT_CONFIG.replace("LOG", str(log)), 0o644)
    install(plain)
    pre_commit(plain, "install")
    pre_commit(plain, "uninstall")
    recorded(plain, log)
    commit(plain, "x")
    assert ran(log) == ["ovt pre-commit", "ovt post-commit"]


def test_as_entries_of_pre_commit(plain: Project, log: Path, tmp_path: Path) -> None:
    config = write(plain.root / ".pre-commit-config.yaml", PRE_COMMIT_CONFIG.replace("LOG", str(log)), 0o644)
    before = config.read_bytes()
    told = install(plain, "pre-commit")
    (command,) = (line for line in told if "pre-commit install" in line)
    assert install(plain) == (told[0],)  # it stays with pre-commit, and changes nothing
    seen = overview(plain)
    assert not any(hook.works for hook in seen.hooks)
    assert command.split(": ")[1] in seen.advice[0]
    pre_commit(plain, *command.split(": ")[1].split()[1:])
    assert all(hook.state == "through" for hook in status(plain))
    write(tmp_path / "bin" / "ovt", f'#!/bin/sh\necho "ovt $2 $PRE_COMMIT_CHECKOUT_TYPE" >>{log}\n')
    git(plain.root, "add", "-A")
    git(plain.root, "commit", "-q", "-m", "config", PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert ran(log) == ["framework", "ovt pre-commit ", "framework", "ovt post-commit "]
    uninstall(plain)
    assert config.read_bytes() == before


def test_a_config_that_cannot_take_it_gets_the_entry_told(plain: Project) -> None:
    config = write(plain.root / ".pre-commit-config.yaml", "repos: []\ndefault_stages: [pre-commit]\n", 0o644)
    with pytest.raises(ProjectError, match="cannot take") as found:
        install(plain, "pre-commit")
    assert "entry: ovt hook-impl pre-commit" in (found.value.fix or "")
    assert config.read_text().startswith("repos: []")
    config.unlink()
    with pytest.raises(ProjectError):
        install(plain, "pre-commit")
    assert not config.exists()


def test_the_published_hooks_are_ones_that_pre_commit_takes(plain: Project) -> None:
    import yaml

    pytest.importorskip("pre_commit")
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", str(root / ".pre-commit-hooks.yaml")],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    found = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert [hook["entry"] for hook in found] == [f"ovt hook-impl {event}" for event in EVENTS]
    assert [hook["stages"] for hook in found] == [[event] for event in EVENTS]


def test_a_tool_that_wrote_over_ovt_is_noticed_and_nothing_is_lost(plain: Project, log: Path) -> None:
    folder = plain.root / ".git" / "hooks"
    first = write(folder / "pre-commit", f"#!/bin/sh\necho first >>{log}\n")
    old = first.read_bytes()
    write(plain.root / "lefthook.yml", "", 0o644)
    told = install(plain)
    assert any("--with lefthook" in line for line in told)
    write(folder / "pre-commit", LEFTHOOK.replace("LOG", str(log)))
    found = {hook.event: hook for hook in status(plain)}["pre-commit"]
    assert (found.state, found.owner) == ("foreign", "lefthook")
    assert "will again" in found.advice
    assert main(["-C", str(plain.root), "hooks", "status"]) == 1
    told = install(plain)
    assert any("kept as pre-commit.ovt-kept" in line for line in told)
    assert (folder / "pre-commit.ovt-kept").read_bytes() == old
    recorded(plain, log)
    commit(plain, "x")
    assert ran(log) == ["lefthook", "ovt pre-commit", "ovt post-commit"]
    uninstall(plain)
    assert b"LEFTHOOK" in (folder / "pre-commit").read_bytes()
    assert (folder / "pre-commit.ovt-kept").read_bytes() == old


def tool(name: str) -> list[str]:
    """How a tool of Node's is started, where there is one."""
    modules = os.environ.get("OVT_NODE_MODULES")
    if not modules or not (Path(modules) / ".bin" / name).exists():
        pytest.skip(f"no {name} on this machine: name a node_modules folder that has it in OVT_NODE_MODULES")
    return [str(Path(modules) / ".bin" / name)]


def test_as_entries_of_the_real_lefthook(plain: Project, log: Path) -> None:
    command = tool("lefthook")
    write(plain.root / "lefthook.yml", f"pre-commit:\n  commands:\n    note:\n      run: echo lefthook >>{log}\n", 0o644)
    subprocess.run([*command, "install"], cwd=plain.root, check=True, capture_output=True)
    install(plain, "lefthook")
    assert "lefthook install" in overview(plain).advice[0]
    subprocess.run([*command, "install"], cwd=plain.root, check=True, capture_output=True)
    assert all(hook.state == "through" for hook in status(plain))
    recorded(plain, log)
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    (plain.root / "labelers" / "height.yaml").write_text(f"{LABELER}# x\n")
    git(plain.root, "commit", "-q", "-a", "-m", "x", PATH=path)
    assert sorted(ran(log)) == ["lefthook", "ovt post-commit", "ovt pre-commit"]
    git(plain.root, "checkout", "-q", "-b", "side", "HEAD~1", PATH=path)
    write(plain.root / "labelers" / "new.yaml", LABELER, 0o644)
    git(plain.root, "add", "labelers")
    git(plain.root, "commit", "-q", "-m", "y", PATH=path)
    ran(log)
    git(plain.root, "rebase", "-q", "main", PATH=path)
    assert ran(log) == ["ovt post-rewrite"]
    uninstall(plain)
    assert not (plain.root / "lefthook-local.yml").exists()


def test_lefthook_gets_an_entry_of_ones_own(plain: Project) -> None:
    from ovt.documents import parse_document

    local = write(plain.root / "lefthook-local.yml", "colors: false", 0o644)
    assert add_entries(git_of(plain.root), "lefthook") == ("lefthook-local.yml",)
    value = parse_document(local.read_text(), local.name).value
    assert value["colors"] is False
    assert {*value} == {"colors", *EVENTS}
    assert value["pre-push"]["commands"]["ovt"]["use_stdin"] is True
    install(plain, "lefthook")
    uninstall(plain)
    assert local.read_bytes() == b"colors: false"
    local.write_text("pre-commit: {parallel: true}\n")
    with pytest.raises(ProjectError):
        install(plain, "lefthook")


def husky(project: Project) -> None:
    """What `npx husky` (9) leaves behind."""
    folder = project.root / ".husky" / "_"
    for event in (*EVENTS, "commit-msg"):
        write(folder / event, '#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
    write(folder / "h", '#!/usr/bin/env sh\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n'
          '[ ! -f "$s" ] && exit 0\nsh -e "$s" "$@"\nc=$?\n[ $c != 0 ] && echo "husky - $n failed (code $c)"\nexit $c\n')
    write(folder / ".gitignore", "*", 0o644)
    git(project.root, "config", "core.hooksPath", ".husky/_")


@pytest.mark.parametrize("real", [False, True])
def test_husky_is_told_by_its_own_files(real: bool, plain: Project, log: Path) -> None:
    if real:
        subprocess.run(tool("husky"), cwd=plain.root, check=True, capture_output=True)
    else:
        husky(plain)
    hook = write(plain.root / ".husky" / "pre-commit", f"echo husky >>{log}", 0o600)
    told = install(plain)
    assert told[0].startswith("hooks through husky")
    assert b"LEFTHOOK" not in hook.read_bytes()
    assert all(found.state == "through" for found in status(plain))
    recorded(plain, log)
    commit(plain, "x")
    assert ran(log) == ["husky", "ovt pre-commit", "ovt post-commit"]
    once = photograph(plain.root / ".husky")
    install(plain)
    assert photograph(plain.root / ".husky") == once
    if real:
        subprocess.run(tool("husky"), cwd=plain.root, check=True, capture_output=True)  # as `npm install` does
        assert all(found.state == "through" for found in status(plain))
    uninstall(plain)
    assert hook.read_bytes() == f"echo husky >>{log}".encode()
    assert stat.S_IMODE(hook.stat().st_mode) == 0o600
    assert sorted(path.name for path in (plain.root / ".husky").iterdir()) == ["_", "pre-commit"]


def test_a_refusal_goes_through_husky(plain: Project) -> None:
    husky(plain)
    install(plain)
    write(plain.root / "labelers" / "x.py", "def f(:\n", 0o644)
    git(plain.root, "add", "-A")
    done = subprocess.run(["git", "commit", "-q", "-m", "x"], cwd=plain.root, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "labelers/x.py:1" in done.stderr
    git(plain.root, "config", "--unset", "core.hooksPath")
    with pytest.raises(UsageError, match="husky is not in charge"):
        install(plain, "husky")


def test_hooks_in_gits_configuration(plain: Project, log: Path) -> None:
    if not supports_config(git_of(plain.root)):
        with pytest.raises(UsageError, match="no hooks from its configuration"):
            install(plain, "git-config")
        pytest.skip(f"{git(plain.root, '--version')} runs no hooks from its configuration (2.54 does)")
    before = (plain.root / ".git" / "config").read_bytes()
    install(plain, "git-config")
    recorded(plain, log)
    commit(plain, "x")
    assert ran(log) == ["ovt pre-commit", "ovt post-commit"]
    assert all(hook.state == "through" for hook in status(plain))
    uninstall(plain)
    assert b"hook" not in (plain.root / ".git" / "config").read_bytes().replace(before, b"")


def test_configuration_is_written_and_taken_back(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a Git that has them is told; whether it runs them is the test before."""
    from ovt.workflows.hooks import managers

    monkeypatch.setattr(managers, "supports_config", lambda git: True)
    install(plain)
    uninstall(plain)
    before = (plain.root / ".git" / "config").read_bytes()
    install(plain, "git-config")
    place = state_folder(git_of(plain.root)) / "hooks" / "pre-push"
    assert git(plain.root, "config", "hook.ovt-pre-push.event") == "pre-push"
    assert git(plain.root, "config", "hook.ovt-pre-push.command") == str(place)
    assert os.access(place, os.X_OK)
    assert all(hook.state == "through" for hook in status(plain))
    assert not (plain.root / ".git" / "hooks" / "pre-push").exists()
    uninstall(plain)
    assert (plain.root / ".git" / "config").read_bytes() == before


@given(st.binary().filter(lambda content: b"ovt hooks" not in content and b"\r" not in content), st.text(
    "ab: \n").map(lambda body: f"{body.strip()}\n"))
def test_a_block_leaves_no_trace(content: bytes, body: str) -> None:
    once = with_block(content, body)
    assert without_block(once) == content
    assert with_block(once, body) == once
    assert without_block(with_block(once, "other\n")) == content


# -- what is told -----------------------------------------------------------------------------------------------------


def test_status_tells_all_and_what_to_do(plain: Project, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["-C", str(plain.root), "hooks"]
    assert main([*at, "status"]) == 1
    assert "next: ovt hooks install" in capsys.readouterr().err
    assert main([*at, "install"]) == 0
    assert main([*at, "status", "--json"]) == 0
    import json

    found = json.loads(capsys.readouterr().out.split("\n", 2)[2].partition("{")[2].join(["{", ""]))
    assert found["format"] == "ovt.hooks/1"
    assert found["merge_drivers"] is True
    assert found["advice"] == []
    (state_folder(git_of(plain.root)) / "python").write_text("/gone/python\n")
    assert main([*at, "status"]) == 1
    assert "/gone/python is gone: ovt hooks install" in capsys.readouterr().err
    assert main([*at, "install"]) == 0
    assert main([*at, "status"]) == 0
    assert main([*at, "install", "--with", "lefthok"]) == 2
    assert "lefthook" in capsys.readouterr().err
    assert main([*at, "install", "--branch", "main"]) == 2
    assert main([*at, "uninstall"]) == 0
    assert main([*at, "uninstall"]) == 0
    assert "there are none of ovt's hooks" in capsys.readouterr().out
