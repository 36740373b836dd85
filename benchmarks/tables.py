"""Make docs/benchmarks.md from `results/*.json`.

To be run after any of the others: `python benchmarks/tables.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
LOWER_IS_BETTER = ("ms", "s", "µs", "alarms")
INTRODUCTION = """\
# Benchmarks

Every figure on this page comes from a script in `benchmarks/`, run side by side with what it is compared with: the same
machine, one thread each, the fastest of several runs (training: one run). `dvc repro` in the root of this repository
runs the cheap one (`benchmarks/metrics.py`); the others are run by hand, since they need minutes, or data of their own:

    python benchmarks/metrics.py
    python benchmarks/quality_reports.py                    # 300 tags on 100,000 records
    python benchmarks/functions.py                          # 51 labeling functions on 1,000,000 records
    python benchmarks/comparison.py                         # false alarms and power, simulated
    python -m benchmarks.blame --folder DIR                 # plants bad and good functions, retrains
    python benchmarks/tui.py
    OVT_REAL_DATA=DIR python benchmarks/label_models.py     # beside Snorkel, crowd-kit and skweak
    python benchmarks/startup.py                            # makes a small project with two versions
    OVT_REAL_DATA=DIR python benchmarks/quality.py          # public sets, figures 3 and 4a of the paper
    python benchmarks/training.py                           # beside a hand-written loop and Snorkel
    python benchmarks/slices.py                             # planted rare slices, every form
    python benchmarks/versions.py                           # 500 versions, 200 functions, beside DVC
    python benchmarks/serving.py                            # one record, many, beside torch and spaCy
    python benchmarks/serving_http.py                       # a server under a burst
    python benchmarks/tables.py                             # makes this page
"""


def main() -> None:
    """Write the page."""
    files = sorted((HERE / "results").glob("*.json"))
    parts = [INTRODUCTION, *(section(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in files)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"{PAGE.name}: {len(files)} tables")


def section(name: str, result: dict[str, Any]) -> str:
    """One table with the machine it was measured on."""
    machine = result["machine"]
    packages = " · ".join(f"{package} {number}" for package, number in sorted(machine["packages"].items()))
    lines = [f"## {result['title']}", ""]
    if "rows" in result:
        lines += ["| what | ovt | compared with | |", "|---|---:|---|---:|"]
        lines += [line(what, row) for what, row in result["rows"].items()]
    for table in result.get("tables", ()):
        lines += ["", *plain_table(table)]
    computer = f"{machine['cpu']}, {machine['cpus']} CPUs · Python {machine['python']}"
    lines += ["", f"`benchmarks/{name}.py` · {computer} · {packages}"]
    return "\n".join(lines) + "\n"


def plain_table(table: dict[str, Any]) -> list[str]:
    """A table that stands in the result as it is shown: title, columns and rows of text."""
    header = ["|".join(("", *(f" {name} " for name in table["columns"]), "")), "|---" * len(table["columns"]) + "|"]
    return [f"### {table['title']}", "", *header, *(f"| {' | '.join(row)} |" for row in table["rows"])]


def line(what: str, row: dict[str, Any]) -> str:
    """One row; where less is better, with how many times less."""
    ours, theirs, unit = row["ours"], row["theirs"], row["unit"]
    if theirs is None:
        return f"| {what} | {ours:,} {unit} | {row['peer']} | – |"
    ratio = f" ({theirs / ours:.1f} ×)" if unit.split()[0] in LOWER_IS_BETTER and ours else ""
    verdict = "met" if _met(row) else "missed"
    return f"| {what} | {ours:,} {unit} | {row['peer']}: {theirs:,} {unit} | {verdict}{ratio} |"


def _met(row: dict[str, Any]) -> bool:
    lower = row["unit"].split()[0] in LOWER_IS_BETTER
    return bool(row["ours"] <= row["theirs"] if lower else row["ours"] >= row["theirs"])


if __name__ == "__main__":
    main()
