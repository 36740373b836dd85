from __future__ import annotations

from dataclasses import replace

from ovt.quality.slicediff import SIGNS
from ovt.render.diff import WORDS, diff_table, flips_table, sign, tally
from ovt.render.table import as_text

GOLDEN = """\
verdict           task       slice                 metric       n    old    new   delta  interval              p  broken  fixed  why
▼ regressed       Intent     nutrition (critical)  accuracy   200  0.950  0.800  -0.150  -0.210 … -0.090  <0.001      30      0  p < 0.001 after correction
≠ not comparable  IntentArg  rare                  accuracy    41  0.900  0.700       –  –                     –       0      2  1 record changed gold
▲ improved        Intent     disambiguation        accuracy   150  0.600  0.750  +0.150  +0.080 … +0.220  <0.001       1     23  p < 0.001 after correction
· unclear         Intent     (all)                 accuracy  2000  0.970  0.970  -0.001  -0.004 … +0.003   0.800      11     10  within chance (p 0.800)
░ thin            POS        empty                 accuracy     0      –      –       –  –                     –       0      0  no test record with gold"""


def test_table(diff) -> None:
    assert as_text(diff_table(diff)) == GOLDEN


def test_only_some_verdicts(diff) -> None:
    shown = diff_table(diff, ("regressed", "improved"))
    assert [row[0] for row in shown.rows] == ["▼ regressed", "▲ improved"]


def test_every_sign_comes_with_a_word() -> None:
    assert set(WORDS) == set(SIGNS)
    for verdict in SIGNS:
        assert len(sign(verdict).split(" ", 1)[1]) > 3


def test_tally(diff) -> None:
    assert tally(diff) == "▼ 1 regressed, ▲ 1 improved, · 1 unclear, ░ 1 thin, ≠ 1 not comparable"
    assert tally(replace(diff, rows=())) == "nothing to compare"


def test_flips(flips) -> None:
    assert as_text(flips_table(flips)) == (
        "flip      task    id    position  gold       old     new        confidence   slices\n"
        "▼ broken  Intent  q-17         0  height     height  age        0.91 → 0.50  nutrition rare\n"
        '▲ fixed   Bits    q-18         3  ["title"]  []      ["title"]  0.40 → 0.99'
    )
