"""Each kind of change runs the stages it must and no other; DVC alone does the same."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from person import Person

UNCHANGED = dict.fromkeys(("compile", "label", "train", "evaluate"), "unchanged")


def _with(**actions: str) -> dict[str, str]:
    return {**UNCHANGED, **actions}


def test_a_second_run_and_dvc_repro_have_nothing_to_do(trained: Person) -> None:
    assert trained.actions() == UNCHANGED
    shown = trained.sees("dvc", "repro")
    assert "Data and pipelines are up to date." in shown.stderr + shown.stdout
    assert trained.types("git", "status", "--porcelain") == ""


def test_outputs_and_lock_that_were_deleted_come_back_byte_for_byte(trained: Person) -> None:
    lock = (trained.folder / "dvc.lock").read_bytes()
    for name in ("model", "build"):
        shutil.rmtree(trained.folder / name)
    (trained.folder / "dvc.lock").unlink()
    shown = trained.sees("dvc", "repro")
    assert "Running stage" not in shown.stdout
    assert (trained.folder / "dvc.lock").read_bytes() == lock


def test_ovt_run_restores_what_the_run_cache_knows(trained: Person) -> None:
    shutil.rmtree(trained.folder / "build")
    shutil.rmtree(trained.folder / "model")
    assert set(trained.actions().values()) == {"restored"}


def test_a_comment_in_a_labeling_function_trains_nothing_and_runs_no_function(trained: Person) -> None:
    path = trained.folder / "labelers/words.py"
    path.write_text(path.read_text(encoding="utf-8").replace("# ", "") + "\n# a remark\n", encoding="utf-8")
    shown = trained.sees("ovt", "run", "--json")
    actions = {stage["name"]: stage["action"] for stage in json.loads(shown.stdout)["stages"]}
    assert actions == _with(label="ran")
    assert "labeling functions: 0 passes run, 2 from the cache" in shown.stderr


def test_one_more_monitoring_tag_compiles_and_evaluates(trained: Person) -> None:
    trained.write("tags/extra.jsonl", '{"id": "q0004", "tags": ["reviewed"]}\n')
    assert trained.actions() == _with(compile="ran", evaluate="ran")
    report = json.loads((trained.folder / "reports/quality.json").read_text(encoding="utf-8"))
    assert "reviewed" in report["tasks"]["Intent"]["splits"]["test"]["tags"]


def test_a_corrected_test_label_trains_nothing(trained: Person) -> None:
    path = trained.folder / "data/questions.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[0])
    assert "test" in record["tags"]
    record["tasks"]["Intent"]["gold"] = "age" if record["tasks"]["Intent"]["gold"] != "age" else "food"
    path.write_text("\n".join([json.dumps(record), *lines[1:]]) + "\n", encoding="utf-8")
    assert trained.actions() == _with(compile="ran", evaluate="ran")


def test_a_change_of_policy_runs_nothing(trained: Person) -> None:
    path = trained.folder / "ovt.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("floor: 0.005", "floor: 0.01"), encoding="utf-8")
    assert trained.actions() == UNCHANGED


def test_one_of_twenty_functions_changed_leaves_nineteen_untouched(trained: Person) -> None:
    rows = "".join(f"- {{name: word{n}, task: Intent, keyword: [tower{n}, bridge], label: height}}\n" for n in range(18))
    trained.write("labelers/many.yaml", rows)
    shown = trained.sees("ovt", "run", "label")
    assert "labeling functions: 18 passes run, 2 from the cache (20 functions" in shown.stderr
    trained.write("labelers/many.yaml", rows.replace("[tower7, bridge]", "[tower7, tree]"))
    shown = trained.sees("ovt", "run", "label")
    assert "labeling functions: 1 passes run, 19 from the cache (20 functions" in shown.stderr


def test_dvc_repro_writes_what_ovt_run_writes(trained: Person, trained_template: Path, tmp_path: Path) -> None:
    elsewhere = type(trained)(tmp_path / "elsewhere" / "deeper")
    elsewhere.folder.parent.mkdir()
    shutil.copytree(trained_template, elsewhere.folder, symlinks=True)
    shutil.rmtree(elsewhere.folder / ".dvc/cache")
    for name in ("build", "model", ".ovt"):
        shutil.rmtree(elsewhere.folder / name)
    lock = (elsewhere.folder / "dvc.lock").read_bytes()
    (elsewhere.folder / "dvc.lock").unlink()
    elsewhere.types("dvc", "repro")
    assert (elsewhere.folder / "dvc.lock").read_bytes() == lock
    assert lock == (trained.folder / "dvc.lock").read_bytes()


def test_a_missing_ovt_is_one_clear_line_under_dvc_repro(trained: Person, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "bash", "env"):
        (programs / name).symlink_to(shutil.which(name) or "")
    dvc = Path(sys.executable).with_name("dvc")
    trained.write("data/more.jsonl", '{"payloads": {"query": "how tall is the tower"}}\n')
    shown = trained.sees(str(dvc), "repro", code=None, PATH=str(programs))
    assert shown.returncode != 0
    assert [line for line in (shown.stdout + shown.stderr).splitlines() if "ovt" in line and "not found" in line]


def test_a_file_edited_during_a_run_records_nothing(trained: Person) -> None:
    lock = (trained.folder / "dvc.lock").read_bytes()
    trained.write("labelers/late.py", """
from pathlib import Path
from ovt import ABSTAIN, labeling_function

@labeling_function(task="Intent")
def late(r):
    Path(__file__).write_text(Path(__file__).read_text() + "# edited while it ran")
    return ABSTAIN
""")
    shown = trained.sees("ovt", "run", code=3)
    assert "inputs changed while `label` ran" in shown.stderr
    assert b"late" not in (trained.folder / "reports/sources.json").read_bytes()
    assert (trained.folder / "dvc.lock").read_bytes() == lock


@pytest.mark.parametrize("stage", ["compiel", "training"])
def test_an_unknown_stage_is_a_usage_error(trained: Person, stage: str) -> None:
    assert f"no stage `{stage}`" in trained.sees("ovt", "run", stage, code=2).stderr
