"""Settings: defaults, unknown keys with the nearest known one, globs."""

from __future__ import annotations

import pytest

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.settings import TRACKED, Settings, parse_settings
from ovt.workflows.starting.scaffold import SETTINGS

FULL = """
gold: {source: gold, train: false}
sources:
  crowd/*: {silence: vote}
  crowd/w7: {silence: abstain}
hooks: {train: off}
errors: {bad_records: 2%}
check: {base: main, slices: {nutrition: {critical: true, minimum: 0.8}}}
"""


def parse(text: str) -> Settings:
    return parse_settings(parse_document(text, "ovt.yaml"))


def test_an_exact_name_beats_a_glob_and_a_glob_beats_the_default() -> None:
    settings = parse(FULL)
    assert settings.source("crowd/w1").silence == "vote"
    assert settings.source("crowd/w7").silence == "abstain"
    assert settings.source("tagger").silence == "abstain"


def test_values_arrive() -> None:
    settings = parse(FULL)
    assert settings.gold.train is False
    assert settings.hooks.train == "off"
    assert settings.errors.limit() == pytest.approx(0.02)
    assert settings.check.slices["nutrition"].minimum == 0.8


@pytest.mark.parametrize(("text", "hint", "line"), [
    ("gold:\n  sorce: x", "did you mean `source`?", 2),
    ("hook: {}", "did you mean `hooks`?", 1),
    ("check:\n  slices:\n    a:\n      minimun: 1", "did you mean `minimum`?", 4),
    ("sources:\n  a:\n    silense: vote", "did you mean `silence`?", 3),
])
def test_an_unknown_key_suggests_the_nearest(text: str, hint: str, line: int) -> None:
    with pytest.raises(ProjectError, match="unknown setting") as caught:
        parse(text)
    assert caught.value.fix == hint
    assert caught.value.at == f"ovt.yaml:{line}"


@pytest.mark.parametrize("text", ["train: {seed: a}", "hooks: {train: later}", "gold: 3", "code: src"])
def test_a_wrong_value_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(ProjectError, match="wrong value") as caught:
        parse(text)
    assert caught.value.at == "ovt.yaml:1"


@pytest.mark.parametrize("value", ["150%", "-1%", "some"])
def test_a_limit_is_a_percentage(value: str) -> None:
    with pytest.raises(ProjectError, match="no percentage"):
        parse(f"errors: {{bad_records: {value}}}").errors.limit()


def test_the_file_that_init_writes_has_every_tracked_key_and_the_defaults() -> None:
    value = parse_document(SETTINGS, "ovt.yaml").value
    assert set(TRACKED) <= set(value)
    assert parse(SETTINGS) == Settings()
