"""What an alias means, from tags that are made once: promoted, rolled back, by whom, in which project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox import commit_all, git

from ovt.errors import MissingError, UsageError
from ovt.project import Project
from ovt.versions.promotions import Promotion, Record, before, current, promotions, record
from ovt.workflows.shipping.promoting import rollback


def move(project: Project, commit: str, verdict: str = "passed") -> Promotion:
    return record(project, "production", commit, Record("promoted", "k" * 64, verdict, waiver=""))


@pytest.fixture
def commits(plain: Project) -> list[str]:
    """Four versions."""
    found = []
    for number in range(4):
        (plain.root / "labelers" / f"more{number}.yaml").write_text("[]\n")
        found.append(commit_all(plain, f"version {number}"))
    return found


def test_a_promotion_is_an_annotated_tag_with_who_when_and_the_verdict(plain: Project, commits: list[str]) -> None:
    assert current(plain) == {}
    entry = Record("promoted", "k" * 64, "failed · 0 improved, 1 regressed", commits[0], "the slice is\ngone",
                   ("- Intent, nutrition: ▼ 0.9 → 0.7",))
    made = record(plain, "production", commits[1], entry)
    assert made.tag == "ovt/production/1"
    assert git(plain.root, "cat-file", "-t", made.tag) == "tag"
    assert git(plain.root, "rev-parse", f"{made.tag}^{{commit}}") == commits[1]
    assert current(plain) == {"production": made}
    assert (made.verdict, made.against) == (entry.verdict, commits[0])
    assert git(plain.root, "var", "GIT_COMMITTER_IDENT").startswith(made.by)
    assert made.waiver == "the slice is gone"
    assert made.when > 1_700_000_000
    text = git(plain.root, "tag", "-l", "--format=%(contents)", made.tag)
    assert "- Intent, nutrition: ▼ 0.9 → 0.7" in text


def test_rollbacks_go_back_one_version_each(plain: Project, commits: list[str]) -> None:
    for commit in commits[:3]:
        move(plain, commit)
    assert rollback(plain, "production").commit == commits[1]
    assert rollback(plain, "production").commit == commits[0]
    with pytest.raises(MissingError, match="no version to go back to"):
        rollback(plain, "production")
    move(plain, commits[3])
    assert rollback(plain, "production").commit == commits[0]
    assert [each.kind for each in promotions(plain)] == [
        "promoted", "promoted", "promoted", "rolled back", "rolled back", "promoted", "rolled back"]
    assert [each.serial for each in promotions(plain)] == list(range(1, 8))


def test_a_rollback_to_a_version_that_the_alias_meant(plain: Project, commits: list[str]) -> None:
    for commit in commits[:3]:
        move(plain, commit)
    assert rollback(plain, "production", "1").commit == commits[0]
    assert rollback(plain, "production", commits[2][:10]).commit == commits[2]
    with pytest.raises(UsageError, match=r"means .* already"):
        rollback(plain, "production", "3")
    with pytest.raises(UsageError, match="never meant"):
        rollback(plain, "production", commits[3])
    with pytest.raises(UsageError, match="no revision"):
        rollback(plain, "production", "nowhere")
    with pytest.raises(MissingError, match="nothing is promoted"):
        rollback(plain, "staging")


@given(st.lists(st.one_of(st.integers(0, 4), st.none()), max_size=20))
def test_going_back_is_a_stack(moves: list[int | None]) -> None:
    """Against a plain list that one pushes to and pops from."""
    history: list[Promotion] = []
    stack: list[str] = []
    for serial, commit in enumerate(moves, 1):
        if commit is None:
            target = before(history)
            assert (target.commit if target else None) == (stack[-2] if len(stack) > 1 else None)
            if target is None:
                continue
            stack.pop()
            history.append(_move(serial, target.commit, "rolled back"))
        elif not stack or stack[-1] != str(commit):
            stack.append(str(commit))
            history.append(_move(serial, str(commit), "promoted"))


def _move(serial: int, commit: str, kind) -> Promotion:
    return Promotion("production", serial, f"ovt/production/{serial}", commit, kind, "", 0, "", "")


def test_a_tag_that_only_looks_like_one_is_passed_over(plain: Project, commits: list[str]) -> None:
    git(plain.root, "tag", "ovt/production/7", commits[0])  # a light one
    git(plain.root, "tag", "-a", "-m", "x", "ovt/production/latest", commits[0])
    assert promotions(plain) == []
    assert move(plain, commits[1]).serial == 1
    with pytest.raises(UsageError, match="no name for an alias"):
        record(plain, "Production!", commits[0], Record("promoted", "", ""))


def test_two_who_promote_at_once(plain: Project, commits: list[str], tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(plain.root), "origin.git")
    for name in ("one", "two"):
        git(tmp_path, "clone", "-q", "origin.git", name)
    one, two = Project(tmp_path / "one"), Project(tmp_path / "two")
    tag = move(one, commits[0]).tag
    assert move(two, commits[1]).tag == tag
    git(one.root, "push", "-q", "origin", tag)
    with pytest.raises(AssertionError, match="already exists"):
        git(two.root, "push", "-q", "origin", tag)


def test_projects_of_one_repository_have_aliases_of_their_own(plain: Project, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(plain.root, tmp_path / "mono" / name, ignore=shutil.ignore_patterns(".git"))
    git(tmp_path / "mono", "init", "-q", "-b", "main")
    a, b = (Project(tmp_path / "mono" / name) for name in "ab")
    commit = commit_all(a, "both")
    assert move(a, commit).tag == "ovt/a/production/1"
    assert (list(current(a)), list(current(b))) == (["production"], [])


def test_the_log_says_what_is_where(plain: Project, commits: list[str]) -> None:
    from ovt.versions.history import history
    from ovt.versions.promotions import aliases_at, plain_refs

    assert aliases_at(plain, history(plain)) == {}
    for commit in commits[:2]:
        move(plain, commit)
    record(plain, "staging", commits[2], Record("promoted", "", "passed"))
    git(plain.root, "tag", "v1", commits[0])
    versions = history(plain)
    assert aliases_at(plain, versions) == {commits[1]: ["production"], commits[2]: ["staging"]}
    assert {version.commit: plain_refs(version) for version in versions if plain_refs(version)} == {
        commits[3]: ["main"], commits[0]: ["v1"]}
