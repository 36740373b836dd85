from __future__ import annotations

from dataclasses import replace

import pytest

from ovt.quality.policy.verdict import judge
from ovt.render.markdown import check_markdown, diff_markdown

GOLDEN = """\
## ovt check: ▼ fail: quality regressed

- Intent on slice nutrition: accuracy 0.950 → 0.800, p &#60; 0.001 after correction
- IntentArg on slice rare: 1 record changed gold

`HEAD~1` (1f1f1f1f1f) Add &#124; pipes &#60;b&#62;and&#60;/b&#62; &#64;tags → `workspace`

**▼ 1 regressed, ▲ 1 improved, · 1 unclear, ░ 1 thin, ≠ 1 not comparable**

| verdict | task | slice | metric | n | old | new | delta | interval | p | broken | fixed | why |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |
| ▼ regressed | Intent | nutrition (critical) | accuracy | 200 | 0.950 | 0.800 | -0.150 | -0.210 … -0.090 | &#60;0.001 | 30 | 0 | p &#60; 0.001 after correction |
| ≠ not comparable | IntentArg | rare | accuracy | 41 | 0.900 | 0.700 | – | – | – | 0 | 2 | 1 record changed gold |
| ▲ improved | Intent | disambiguation | accuracy | 150 | 0.600 | 0.750 | +0.150 | +0.080 … +0.220 | &#60;0.001 | 1 | 23 | p &#60; 0.001 after correction |

<details><summary>2 rows without a clear change</summary>

| verdict | task | slice | metric | n | old | new | delta | interval | p | broken | fixed | why |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |
| · unclear | Intent | (all) | accuracy | 2000 | 0.970 | 0.970 | -0.001 | -0.004 … +0.003 | 0.800 | 11 | 10 | within chance (p 0.800) |
| ░ thin | POS | empty | accuracy | 0 | – | – | – | – | – | 0 | 0 | no test record with gold |

</details>

> each version was trained once

### What to do

- Intent · nutrition (critical): accuracy 0.950 → 0.800 (-0.150). See its flips: `ovt diff HEAD~1 workspace --task Intent --slice nutrition`
- what cannot be compared was measured on another test set or slice: merge or rebase onto the base first, or measure the base again on the new one
- find out which source did it: `ovt check --blame`
- see whether it is more than the luck of one training: `ovt check --confirm`
"""


def test_check(diff) -> None:
    assert check_markdown(judge(diff)) == GOLDEN


def test_diff_alone(diff) -> None:
    text = diff_markdown(diff)
    assert text.startswith("## ovt diff `HEAD~1` → `workspace`\n")
    assert "What to do" not in text


@pytest.mark.parametrize(("verdicts", "headline"), [
    (("unclear",), "▲ pass: no slice regressed"), (("not_comparable",), "≠ cannot compare: no verdict"),
    ((), "· advisory: there is no gold to judge by"),
])
def test_headlines(diff, verdicts, headline: str) -> None:
    kept = replace(diff, rows=tuple(row for row in diff.rows if row.verdict in verdicts))
    assert check_markdown(judge(kept)).startswith(f"## ovt check: {headline}\n")


def test_names_cannot_break_out(diff) -> None:
    row = replace(diff.rows[0], slice="a`b|c\n# <script>", task="T_x*")
    text = check_markdown(judge(replace(diff, rows=(row,))))
    before, _, command = text.partition("See its flips: ")
    assert "<script>" not in before
    assert command == "`ovt diff HEAD~1 workspace --task 'T_x*' --slice 'ab|c # <script>'`\n- find out which source did it: `ovt check --blame`\n- see whether it is more than the luck of one training: `ovt check --confirm`\n"
    assert "\n# " not in text
    table = next(line for line in text.splitlines() if line.startswith("| ▼"))
    assert table.count("|") == 14
    assert "T\\_x\\*" in table
