"""What is in KEY and what is not, from a commit's tree and from the workspace alike."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ovt.errors import ProjectError
from ovt.project import Project
from ovt.storage.git import Git
from ovt.versions.key import Inputs, inputs_of, key_of
from ovt.versions.source import TreeSource, WorkspaceSource

SETTINGS = "gold: {source: gold, train: true}\ncode: [shared, one.py]\ntrain: {seed: 0}\nhooks: {train: background}\n"
FILES = {
    "schema.json": '{"payloads": {"q": {"type": "singleton"}}, "tasks": {}}\n',
    "ovt.yaml": SETTINGS,
    "labelers/a.py": "x = 1\n",
    "labelers/deep/b.yaml": "[]\n",
    "slices/s.yaml": "[]\n",
    "shared/lib/c.py": "y = 2\n",
    "one.py": "z = 3\n",
    "other.py": "w = 4\n",
    "data.dvc": "outs:\n- md5: 11111111111111111111111111111111.dir\n  path: data\n",
    "tags.dvc": "outs:\n- md5: 22222222222222222222222222222222.dir\n  path: tags\n",
    ".dvcignore": "__pycache__/\n*.pyc\n",
    ".gitattributes": "labelers/** text eol=lf\n",
    "README.md": "hello\n",
}


def sh(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for place in ("", "models/intent"):
        made[place] = top = tmp_path_factory.mktemp("template")
        write(top / place, FILES)
        sh(top, "init", "-q", "-b", "main")
        sh(top, "add", "-A")
        sh(top, "commit", "-q", "-m", "first")
    return made


@pytest.fixture(params=["", "models/intent"])
def project(request: pytest.FixtureRequest, templates: dict[str, Path], tmp_path: Path) -> Project:
    shutil.copytree(templates[request.param], tmp_path / "repo")
    return Project(tmp_path / "repo" / request.param)


@pytest.fixture
def git(project: Project) -> Iterator[Git]:
    with Git(project.root) as found:
        yield found


def tree_key(git: Git, revision: str = "HEAD") -> str | None:
    prefix = git.layout.prefix.rstrip("/")
    return key_of(TreeSource(git, git.object_id(f"{revision}:{prefix}") or ""))


def workspace_key(project: Project) -> str | None:
    return key_of(WorkspaceSource(project))


def test_tree_and_workspace_agree(project: Project, git: Git) -> None:
    key = tree_key(git)
    assert key is not None
    assert len(key) == 64
    assert workspace_key(project) == key


def append(name: str, text: str = "\n") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with (root / name).open("a") as file:
            file.write(text)
    return change


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))
    return change


def rename(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: (root / old).rename(root / new) and None


IN_KEY = {
    "schema": append("schema.json"),
    "labeler": append("labelers/a.py"),
    "labeler, deep": append("labelers/deep/b.yaml", "# x\n"),
    "new labeler": append("labelers/new.py"),
    "renamed labeler": rename("labelers/a.py", "labelers/z.py"),
    "slice": append("slices/s.yaml"),
    "code, folder": append("shared/lib/c.py"),
    "code, file": append("one.py"),
    "tuning lock": append("tuning.lock.yaml", "seed: 1\n"),
    "data": replace("data.dvc", "1111.dir", "1112.dir"),
    "tags": replace("tags.dvc", "2222.dir", "2223.dir"),
    "supervision": append("supervision.dvc", "outs:\n- md5: 3.dir\n  path: supervision\n"),
    "gold": replace("ovt.yaml", "train: true", "train: false"),
    "seed": replace("ovt.yaml", "seed: 0", "seed: 1"),
    "code setting": replace("ovt.yaml", "one.py", "other.py"),
    "sources": append("ovt.yaml", "sources: {crowd/*: {silence: vote}}\n"),
    "errors": append("ovt.yaml", "errors: {bad_records: 2%}\n"),
    "who is gold": replace("ovt.yaml", "source: gold", "source: ada"),
    "threads": replace("ovt.yaml", "seed: 0", "seed: 0, threads: 2"),
    "replicates": replace("ovt.yaml", "seed: 0", "seed: 0, replicates: 2"),
    "pinned models of other versions": append("labelers/predictions.lock", "main: {commit: a, model: b.dir}\n"),
    "the model that training starts from": append("tuning.lock.yaml", "parent: 1.dir\n"),
    "a dictionary that a labeler reads": append("labelers/titles.tsv", "x\n"),
    "a labeler that was moved into a folder": rename("labelers/a.py", "labelers/deep/a.py"),
    "a schema of another name": rename("schema.json", "schema.yaml"),
    "what DVC ignores": replace(".dvcignore", "*.pyc", "*.py"),
    "data that is tracked no more": lambda root: (root / "data.dvc").unlink(),
}
NOT_IN_KEY = {
    "hooks": replace("ovt.yaml", "background", "off"),
    "check": append("ovt.yaml", "check: {floor: 0.1}\n"),
    "privacy": append("ovt.yaml", "privacy: {text_in_reports: true}\n"),
    "a comment in the settings": append("ovt.yaml", "# hello\n"),
    "a default spelled out": append("ovt.yaml", "sources: {}\n"),
    "readme": append("README.md"),
    "code that is not listed": append("other.py"),
    "tuning spec": append("tuning.yaml", "search: {trials: 3}\n"),
    "dvc.lock": append("dvc.lock", "schema: '2.0'\nstages: {}\n"),
    "dvc.yaml": append("dvc.yaml", "stages: {}\n"),
    "reports": append("reports/quality.json", "{}\n"),
    "dvc config": append(".dvc/config", "[core]\n"),
    "waivers": append("waivers/x.yaml", "[]\n"),
    "examples": append("examples/x.jsonl", "{}\n"),
    "ignored by DVC": append("labelers/__pycache__/a.pyc"),
    "comment in a pointer": append("data.dvc", "# hello\n"),
    "size and number of the data": append("data.dvc", "  size: 7\n  nfiles: 1\n"),
    "limits of a function": append("ovt.yaml", "errors: {seconds: 3, memory: 1GB}\n"),
    "serving": append("ovt.yaml", "publish: {to: s3://bucket/x}\n"),
    "secrets": append(".dvc/config.local", "[core]\n"),
    "guidelines": append("guidelines/intent.md", "hello\n"),
    "attributes of other files": append(".gitattributes", "*.json merge=ovt-report\n"),
    "a file's mode": lambda root: (root / "labelers/a.py").chmod(0o755),
    "order and style of the settings": lambda root: (root / "ovt.yaml").write_text(
        "train:\n  seed: 0\ncode:\n- shared\n- one.py\ngold: {train: true, source: gold}\n") and None,
}


@pytest.mark.parametrize("project", ["models/intent"], indirect=True)
@pytest.mark.parametrize("name", IN_KEY)
def test_is_in_the_key(name: str, project: Project, git: Git) -> None:
    before = workspace_key(project)
    IN_KEY[name](project.root)
    assert workspace_key(project) != before
    assert tree_key(git) == before
    sh(project.root, "add", "-A", "-f")
    sh(project.root, "commit", "-q", "-m", name)
    assert tree_key(git) == workspace_key(project)


@pytest.mark.parametrize("project", ["models/intent"], indirect=True)
@pytest.mark.parametrize("name", NOT_IN_KEY)
def test_is_not_in_the_key(name: str, project: Project, git: Git) -> None:
    before = workspace_key(project)
    NOT_IN_KEY[name](project.root)
    assert workspace_key(project) == before
    sh(project.root, "add", "-A", "-f")
    sh(project.root, "commit", "-q", "-m", name)
    assert tree_key(git) == before


def test_amend_rebase_cherry_pick_and_squash_keep_the_key(project: Project, git: Git) -> None:
    root = project.root
    sh(root, "checkout", "-q", "-b", "feature")
    append("labelers/new.py", "n = 1\n")(root)
    sh(root, "add", "-A")
    sh(root, "commit", "-q", "-m", "one")
    append("labelers/new.py", "n = 2\n")(root)
    sh(root, "commit", "-q", "-am", "two")
    key = tree_key(git)
    sh(root, "commit", "-q", "--amend", "-m", "two, better said")
    assert tree_key(git) == key
    sh(root, "checkout", "-q", "main")
    append("README.md", "more\n")(root)
    sh(root, "commit", "-q", "-am", "unrelated")
    sh(root, "branch", "picked")
    sh(root, "branch", "squashed")
    sh(root, "checkout", "-q", "feature")
    sh(root, "rebase", "-q", "main")
    assert tree_key(git) == key
    sh(root, "checkout", "-q", "picked")
    sh(root, "cherry-pick", "feature~1", "feature")
    assert tree_key(git) == key
    sh(root, "checkout", "-q", "squashed")
    sh(root, "merge", "-q", "--squash", "feature")
    sh(root, "commit", "-q", "-m", "squashed")
    assert tree_key(git) == key


def test_nothing_about_the_commit_or_the_machine_is_in_the_key(
    project: Project, git: Git, monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = tree_key(git)
    for name, value in {"GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", "TZ": "Asia/Tokyo",
                        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z", "LC_ALL": "C"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("platform.python_version", lambda: "9.9.9")
    monkeypatch.setattr("importlib.metadata.version", lambda package: "9.9.9")
    sh(project.root, "commit", "-q", "--allow-empty", "-m", "another time, another person")
    sh(project.root, "tag", "v1")
    assert tree_key(git) == tree_key(git, "v1") == workspace_key(project) == key


@pytest.mark.parametrize("stage", ["compile", "label", "train", "evaluate"])
def test_each_stages_format_is_in_the_key(stage: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from ovt.versions.key import FORMATS

    key = workspace_key(project)
    monkeypatch.setitem(FORMATS, stage, FORMATS[stage] + 1)
    assert workspace_key(project) != key


def test_two_places_one_key(tmp_path: Path) -> None:
    keys = set()
    for place in ("a", "b/c"):
        root = tmp_path / place
        write(root, FILES)
        sh(root, "init", "-q")
        keys.add(workspace_key(Project(root)))
    assert len(keys) == 1


def test_line_endings_are_those_of_git(project: Project, git: Git) -> None:
    (project.root / "labelers" / "a.py").write_bytes(b"x = 1\r\n")
    assert workspace_key(project) == tree_key(git)


def test_a_link_is_its_target(project: Project, git: Git) -> None:
    (project.root / "labelers" / "link.py").symlink_to("a.py")
    sh(project.root, "add", "-A")
    sh(project.root, "commit", "-q", "-m", "link")
    assert workspace_key(project) == tree_key(git)


def test_data_that_lies_there_counts_as_it_lies(project: Project, git: Git) -> None:
    write(project.root, {"data/a.jsonl": "{}\n"})
    assert workspace_key(project) != tree_key(git)
    shutil.rmtree(project.root / "data")
    assert workspace_key(project) == tree_key(git)


def test_plain_data_in_git_has_the_key_of_the_same_data_in_dvc(project: Project, git: Git) -> None:
    (project.root / "data.dvc").unlink()
    write(project.root, {"data/a.jsonl": "{}\n", "data/b/c.jsonl": "{}\n"})
    sh(project.root, "add", "-A", "-f")
    sh(project.root, "commit", "-q", "-m", "plain")
    assert workspace_key(project) == tree_key(git)
    inputs = inputs_of(WorkspaceSource(project))
    assert inputs is not None
    assert inputs.bulk["data"].endswith(".dir")


def test_no_project_and_a_broken_one_have_no_key(project: Project, git: Git) -> None:
    (project.root / "ovt.yaml").write_text("nonsense: 1\n")
    with pytest.raises(ProjectError, match="nonsense"):
        inputs_of(WorkspaceSource(project))
    assert workspace_key(project) is None
    (project.root / "schema.json").unlink()
    assert inputs_of(WorkspaceSource(project)) is None


def test_the_key_is_pinned() -> None:
    """Runs that exist are found by this number: it changes only with FORMATS."""
    inputs = Inputs({"schema.json": "1" * 40}, {"data": "2.dir"}, {"train": {"seed": 0}})
    assert inputs.key == "6461ed8b72031e3a6a147a4a85e11cda2d4374d1acecda914cc823320b29f185"


LOCK = "answers: x\nformat: ovt.tuning/1\nvalues:\n  payloads:\n    q: {embedding: learned+glove.txt}\n"


def test_pretrained_vectors_are_in_it_only_where_they_are_used(project: Project, git: Git) -> None:
    write(project.root, {"glove.txt": "red 1 2\n", "tuning.lock.yaml": LOCK.replace("+glove.txt", "")})
    unused = workspace_key(project)
    write(project.root, {"glove.txt": "red 1 3\n"})
    assert workspace_key(project) == unused
    write(project.root, {"tuning.lock.yaml": LOCK})
    used = workspace_key(project)
    write(project.root, {"glove.txt": "red 1 2\n"})
    assert workspace_key(project) not in {used, unused}
    sh(project.root, "add", "-A")
    sh(project.root, "commit", "-q", "-m", "vectors")
    assert tree_key(git) == workspace_key(project)


def test_a_folder_that_dvc_tracks_is_known_by_its_pointer(project: Project, git: Git) -> None:
    pointer = "outs:\n- md5: 33333333333333333333333333333333.dir\n  path: bert\n"
    write(project.root, {"models/bert.dvc": pointer, "tuning.lock.yaml": LOCK.replace("glove.txt", "models/bert")})
    first = workspace_key(project)
    sh(project.root, "add", "-A")
    sh(project.root, "commit", "-q", "-m", "folder")
    assert tree_key(git) == first
    write(project.root, {"models/bert.dvc": pointer.replace("3333", "4444")})
    assert workspace_key(project) != first
