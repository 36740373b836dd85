"""Every starter is a project that ovt can read, and its sample data is clean."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ovt.data.quarantine import BadRecord
from ovt.data.reader import RecordReader, read_tag_sets
from ovt.data.records import RecordCodec
from ovt.functions.discover import discover
from ovt.project import Project
from ovt.resources import resource
from ovt.settings import TRACKED
from ovt.workflows.starting import scaffold

from .conftest import WITH_DATA, generate, read_records, split_of

ALL = (*WITH_DATA, "blank")


def test_the_starters_are_those_that_the_help_names() -> None:
    assert scaffold.starters() == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_schema_settings_and_description_are_read(name: str) -> None:
    root = resource("templates/starters") / name
    project = Project(root)

    assert project.schema.tasks
    assert set(TRACKED) <= set(msgspec.yaml.decode((root / "ovt.yaml").read_bytes()))
    assert project.settings.gold.source == "gold"
    assert scaffold.read_starter(name).next
    assert (root / "README.md").is_file()


@pytest.mark.parametrize("name", WITH_DATA)
def test_every_record_keeps_the_rules_of_the_schema(projects: dict[str, Path], name: str) -> None:
    root = projects[name]
    tag_sets, bad_tags = read_tag_sets(root)
    found = list(RecordReader(root, RecordCodec(Project(root).schema), tag_sets))

    assert not bad_tags
    assert not [bad for bad in found if isinstance(bad, BadRecord)]
    assert len(found) == len(read_records(root / "data"))


@pytest.mark.parametrize("name", WITH_DATA)
def test_functions_of_the_starter_are_found(projects: dict[str, Path], name: str) -> None:
    project = Project(projects[name])

    assert discover(project, "labeling")
    assert discover(project, "slicing")


@pytest.mark.parametrize("name", [name for name in WITH_DATA if name != "factoid"])
def test_small_samples_are_small_repeatable_and_graded(projects: dict[str, Path], tmp_path: Path, name: str) -> None:
    made = (projects[name] / "data" / "sample.jsonl").read_bytes()
    records = read_records(projects[name] / "data")

    assert generate(resource("templates/starters") / name, tmp_path / "again")["sample.jsonl"] == made
    assert len(made) < 150_000
    for record in records:
        graded = all("gold" in votes for votes in record["tasks"].values())
        assert graded == (split_of(record) != "train")
    assert {split_of(record) for record in records} == {"train", "dev", "test"}
