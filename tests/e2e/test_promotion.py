"""From a version to production and back: only a version that passes its check moves the alias."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from person import Person, write_inputs


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one version."""
    folder = tmp_path_factory.mktemp("template") / "shop"
    folder.mkdir()
    write_inputs(folder)
    person = Person(folder)
    person.types("git", "init", "-q", "-b", "main")
    person.types("ovt", "init", ".")
    person.types("ovt", "commit", "-m", "one")
    return folder


@pytest.fixture
def person(template: Path, tmp_path: Path) -> Person:
    """Somebody in a copy of it, with a place to publish to."""
    shutil.copytree(template, tmp_path / "shop", symlinks=True)
    found = Person(tmp_path / "shop")
    settings = (found.folder / "ovt.yaml").read_text()
    found.write("ovt.yaml", f"{settings}\npublish: {{to: {tmp_path / 'published'}}}\n")
    return found


def test_a_version_goes_to_production_and_back(person: Person, tmp_path: Path) -> None:
    pointer = tmp_path / "published/aliases/production.json"
    assert person.types("ovt", "promote", "HEAD", "--to", "production").startswith("production means")
    first = json.loads(pointer.read_bytes())

    person.write("labelers/note.yaml", "- {name: aged, task: Intent, keyword: [aged], label: age}\n")
    person.types("ovt", "commit", "-m", "two")
    said = person.json("ovt", "promote", "HEAD", "--to", "production")
    assert (said["moved"], said["promotion"]["serial"], said["check"]["verdict"]) == (True, 2, "pass")
    assert json.loads(pointer.read_bytes())["serial"] == 2
    assert person.json("ovt", "promote", "HEAD", "--to", "production")["moved"] is False

    back = person.json("ovt", "rollback", "production")
    assert (back["promotion"]["kind"], back["promotion"]["commit"]) == ("rolled back", first["commit"])
    now = json.loads(pointer.read_bytes())
    assert (now["bundle"], now["serial"]) == (first["bundle"], 3)
    assert person.json("ovt", "log")["versions"][1]["aliases"] == ["production"]


def test_production_follows_the_alias_and_ends_well(person: Person, tmp_path: Path) -> None:
    person.types("ovt", "promote", "HEAD", "--to", "production")
    nowhere = tmp_path / "machine without a repository"
    nowhere.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "ovt", "--json", "serve", str(tmp_path / "published"), "--alias", "production", "--port", "0",
         "--poll", "0.1", "--log", "logs", "--log-share", "1"],
        cwd=nowhere, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    try:
        address = json.loads(server.stdout.readline())["address"]
        assert asks(address)["tasks"]["Intent"]["label"] in {"age", "food", "height"}
        person.write("labelers/note.yaml", "- {name: aged, task: Intent, keyword: [aged], label: age}\n")
        person.types("ovt", "commit", "-m", "two")
        person.types("ovt", "promote", "HEAD", "--to", "production")
        told = server.stderr.readline()
        while "now serving" not in told:
            told = server.stderr.readline()
            assert told
        asks(address)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        server.stdout.close()
        server.stderr.close()
    logged = [line for path in (nowhere / "logs").iterdir() for line in path.read_text().splitlines()]
    assert len(logged) == 2
    person.types("ovt", "add", "--logs", str(nowhere / "logs"))
    (file,) = (person.folder / "data").glob("logs-*.jsonl")
    assert len(file.read_text().splitlines()) == 1  # the same question twice


def asks(address: str) -> dict:
    """Ask for one record over HTTP."""
    body = b'{"payloads": {"query": "how tall is the new mast of the port"}}'
    with urllib.request.urlopen(f"{address}/predict", body, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_version_that_fails_stays_out_unless_someone_answers_for_it(person: Person, tmp_path: Path) -> None:
    person.types("ovt", "promote", "HEAD", "--to", "production", "--no-publish")
    person.write("examples/must.jsonl", '{"payloads": {"query": "how tall is it"}, "expect": {"Intent": "age"}}\n')
    person.write("labelers/note.yaml", "- {name: aged, task: Intent, keyword: [aged], label: age}\n")
    person.types("ovt", "commit", "-m", "does not know the answer")
    said = person.types("ovt", "promote", "HEAD", "--to", "production", code=1)
    assert "was not promoted" in said
    assert person.types("git", "tag", "-l", "ovt/*").split() == ["ovt/production/1"]
    person.types("ovt", "promote", "HEAD", "--to", "production", "--waive", "an outage: anything is better", "--no-publish")
    assert "Ovt-Waiver: an outage: anything is better" in person.types("git", "cat-file", "tag", "ovt/production/2")
