from __future__ import annotations

from ovt.render.sources import label_models_table, sources_table
from ovt.render.table import as_text

REPORT = {"format": "ovt.sources/1", "tasks": {
    "Intent": {
        "label_model": "dawid_skene", "candidates": {
            "majority": {"log_loss": 0.5, "accuracy": 0.8, "f1": 0.7, "ece": 0.1},
            "dawid_skene": {"log_loss": 0.4, "accuracy": 0.85, "f1": 0.7, "ece": 0.1},
        },
        "sources": [
            {"source": "crowd", "votes": 120, "coverage": 0.6, "overlaps": 0.5, "conflicts": 0.1, "accuracy": 0.9,
             "dev": {"accuracy": 0.88, "n": 40}, "polarity": ["age", "height"], "copies": []},
            {"source": "weak1", "votes": 20, "coverage": 0.1, "overlaps": 0.1, "conflicts": 0.0, "accuracy": None,
             "dev": None, "polarity": list("abcdefgh"), "copies": ["weak2"]},
        ],
        "others": {"sources": 7, "votes": 12, "accuracy": 0.7, "coverage": 0.01, "overlaps": 0.01, "conflicts": 0.0},
    },
    "Arg": {"label_model": "majority", "candidates": {}, "sources": [], "others": None},
}}


def test_a_row_per_source() -> None:
    assert as_text(sources_table(REPORT)) == """\
task    source      votes  coverage  overlaps  conflicts  accuracy  dev accuracy  dev n  says            copies
Intent  crowd         120     0.600     0.500      0.100     0.900         0.880     40  age height
Intent  weak1          20     0.100     0.100      0.000         –             –      –  a b c d e f +2  weak2
Intent  (7 others)     12     0.010     0.010      0.000     0.700             –      –"""
    assert sources_table(REPORT, "Arg").rows == ()


def test_the_chosen_label_model_comes_first() -> None:
    assert label_models_table(REPORT).rows == (
        ("Intent", "dawid_skene", "chosen", "0.850", "0.400"), ("Intent", "majority", "", "0.800", "0.500"),
    )
