"""The command line: help, exit codes, errors on stderr, the common options on either side of the verb."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ovt import __version__
from ovt.cli.commands import FIRST, VERBS
from ovt.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = '{"payloads": {"query": {"type": "singleton"}}, "tasks": {"Intent": {"payload": "query", "type": "multiclass"}}}'


def test_help_shows_eight_verbs_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    positions = [shown.index(f"\n  {verb.name} ") for verb in FIRST]
    assert positions == sorted(positions)
    assert [verb.name for verb in FIRST] == ["init", "add", "run", "commit", "diff", "tui", "check", "push"]
    assert "hook-impl" not in shown


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_that_fits_and_names_the_common_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "--help" in shown


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ovt {__version__}\n"


@pytest.mark.parametrize(("words", "code", "what"), [
    (["rnu"], 2, "did you mean `run`?"),
    (["run", "--forec"], 2, "no such option"),
    (["commit"], 2, "missing option"),
    (["source"], 2, "missing command"),
    (["-C", "/nonexistent-folder", "status"], 4, "not an ovt project"),
    (["status", "-C", "/nonexistent-folder"], 4, "try  ovt init"),
])
def test_a_wrong_command_line_is_told_on_stderr(
    words: list[str], code: int, what: str, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(words) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert what in shown.err


def test_a_bug_becomes_a_report_with_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA, encoding="utf-8")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("ovt.workflows.doctor.examine", broken)
    assert main(["-C", str(tmp_path), "doctor"]) == 5
    assert "a bug in ovt: ZeroDivisionError: planted" in capsys.readouterr().err
    (log,) = (tmp_path / ".ovt/logs").glob("crash-*.log")
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(SCHEMA, encoding="utf-8")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ovt.workflows.doctor.examine", interrupted)
    assert main(["-C", str(tmp_path), "doctor"]) == 130


def test_a_table_in_a_pipe_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    from ovt.cli.output import Output

    Output().table(("a", "b"), [("1", "x\ty")])
    assert capsys.readouterr().out == "a\tb\n1\tx y\n"


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    from ovt.cli.output import Output

    Output().json({"format": "ovt.x/1", "word": "é"})
    assert json.loads(capsys.readouterr().out) == {"format": "ovt.x/1", "word": "é"}
