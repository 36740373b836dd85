from __future__ import annotations

from ovt.quality.trend import Point
from ovt.render.table import as_text
from ovt.render.trend import headline, sparkline, trend_json, trend_table
from ovt.versions.history import Version


def version(number: int) -> Version:
    return Version(f"{number:012x}", f"{number:040x}", "key", f"change {number}", "Ada", 1_700_000_000 + number, (), "ready",
                   None, "tree")


OLDEST_FIRST = (Point("measured", 0.5, 0.4, 0.6, 50), Point("no model"), Point("thin", 0.9, 0.2, 1.0, 5),
                Point("measured", 0.8, 0.7, 0.9, 60), Point("no slice"), Point("measured", 0.65, 0.6, 0.7, 60))


def test_a_character_per_version() -> None:
    assert sparkline(OLDEST_FIRST) == "▁·░█·▅"
    assert sparkline([Point("measured", 0.5, 0.4, 0.6, 50)]) == "▅"
    assert sparkline([]) == ""


def test_the_line_says_which_way_is_better() -> None:
    assert headline("Intent", "rare", "accuracy", OLDEST_FIRST) == (
        "Intent · rare · accuracy (higher is better)  ▁·░█·▅ 0.500 → 0.650 (+0.150)")
    assert "all test records · ece (lower is better)" in headline("Intent", None, "ece", OLDEST_FIRST)


def test_changes_are_to_the_last_version_that_was_measured() -> None:
    versions, points = [version(number) for number in range(6)][::-1], OLDEST_FIRST[::-1]
    table = trend_table(versions, points)
    shown = as_text(table)
    assert [row[5] for row in table.rows] == ["-0.150", "–", "+0.300", "+0.400", "–", "–"]
    assert [row[6] for row in table.rows] == ["", "no slice", "", "░ thin", "no model", ""]
    assert "change 5" in shown.splitlines()[1]
    plain = trend_json("Intent", "rare", "accuracy", versions, points)
    assert (plain["format"], plain["better"], plain["versions"][3]["state"]) == ("ovt.trend/1", "higher", "thin")
