"""Waivers: what they cover, when they end, what is wrong with one."""

from __future__ import annotations

from datetime import date

import pytest

from ovt.documents import parse_document
from ovt.errors import ProjectError
from ovt.quality.policy.findings import Finding
from ovt.quality.policy.waivers import Waiver, apply_waivers, parse_waivers

GOOD = "- {slice: n, task: Intent, reason: redone, owner: ada, expires: 2026-03-01}\n"
FOUND = Finding("regression", "Intent on slice n: worse", task="Intent", slice="n")


def parse(text: str) -> list[Waiver]:
    return parse_waivers(parse_document(text, "waivers/w.yaml"))


def test_a_waiver_covers_its_slice_until_its_last_day() -> None:
    (waiver,) = parse(GOOD)
    assert waiver.at == "waivers/w.yaml:1"
    for day, covered in ((date(2026, 3, 1), True), (date(2026, 3, 2), False)):
        found, uses = apply_waivers([FOUND], [waiver], day)
        assert (found[0].waiver is not None) is covered
        assert uses[0].state == ("used" if covered else "expired")
    assert found[1].rule == "expired-waiver"
    assert (found[1].path, found[1].line) == ("waivers/w.yaml", 1)
    assert "ada" in found[1].message


@pytest.mark.parametrize(("entry", "covers"), [
    ("slice: n", True), ("slice: m", False), ("slice: (all)", False), ("slice: n, rule: regression", True),
    ("slice: n, rule: minimum", False), ("slice: n, task: POS", False),
])
def test_what_it_is_about(entry: str, covers: bool) -> None:
    (waiver,) = parse(f"{{{entry}, reason: r, owner: o, expires: 2099-01-01}}")
    assert waiver.covers(FOUND) is covers


def test_all_records_have_a_name() -> None:
    (waiver,) = parse('{slice: "(all)", reason: r, owner: o, expires: 2099-01-01}')
    assert waiver.covers(Finding("regression", "", task="T"))
    assert not waiver.covers(Finding("size", ""))


def test_one_that_matches_nothing_is_told_and_one_that_expired_fails_all_the_same() -> None:
    (waiver,) = parse(GOOD)
    found, uses = apply_waivers([], [waiver], date(2026, 1, 1))
    assert (found, uses[0].state, uses[0].days) == ((), "unused", 59)
    found, uses = apply_waivers([], [waiver], date(2027, 1, 1))
    assert [finding.rule for finding in found] == ["expired-waiver"]
    assert "delete it" in found[0].fix


@pytest.mark.parametrize(("text", "what", "at", "fix"), [
    ("- {slice: n, reason: r, owner: o, expires: 2026-13-01}", "is no date", 1, "2026-03-01"),
    ("- {slice: n, reason: r, owner: o}", "no `expires`", 1, "expires"),
    ("- {slice: n, owner: o, reason: '', expires: 2026-01-01}", "no `reason`", 1, "reason"),
    ("- slice: n\n  reasn: r\n", "unknown key `reasn`", 2, "did you mean `reason`?"),
    ("- slice: n\n  reason: r\n  owner: o\n  expires: 2026-01-01\n  rule: regresion\n", "unknown rule", 5, "`regression`"),
    ("- 3", "no mapping", 1, "slice"),
])
def test_a_wrong_waiver_is_named_with_its_line(text: str, what: str, at: int, fix: str) -> None:
    with pytest.raises(ProjectError, match=what) as caught:
        parse(text)
    assert caught.value.at == f"waivers/w.yaml:{at}"
    assert fix in (caught.value.fix or "")


def test_an_empty_file_waives_nothing() -> None:
    assert parse("") == []
