"""False alarms and power of a whole comparison, on predictions that are made up so that the truth is known.

Two versions of one model are simulated: records that are easy for it and
records on which it tosses a coin, so that versions differ by churn alone. Then
`compare_versions` says what it would say of real ones. Run by hand, about
twenty minutes: `python benchmarks/comparison.py`; with `alarms`, `power` or
`curve` only that part. The figures are in docs/statistics.md.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import THREADS, Row, save
from power_plot import power_svg

os.environ |= THREADS
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from ovt.quality.compare import Measured, compare_versions
from ovt.quality.membership import RowsByName
from ovt.quality.policy.thresholds import Policy, Thresholds
from ovt.quality.predictions import GradedPredictions
from ovt.quality.slicediff import Side, SliceDiff

if TYPE_CHECKING:
    from ovt.quality.metrics import Form

PAIRS, SLICES, RECORDS = 1000, 50, 1500
LABELS: dict[Form, tuple[str, str]] = {
    "multiclass": ("a", "b"), "select": ("0", "1"), "BIO": ("B-a", "O"), "bitvector": ('["a","b"]', '["b"]'),
}
"""What is right, and what a wrong item says instead."""

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """A model, its test set and what chance does to them."""

    form: Form = "multiclass"
    items: int = 1
    """Per record."""
    sizes: tuple[int, int] = (30, 400)
    """Records of the smallest and the largest slice."""
    seeds: int = 1
    hard: float = 0.2
    """Share of records that the model tosses for; the others it always gets right."""
    wrong: float = 0.75
    """How often it gets a hard one wrong: accuracy 1 - hard * wrong, one-way churn hard * wrong * (1 - wrong)."""
    whole: float = 0.0
    """Spread between seeds that moves all records alike, in logits of a hard record."""
    by_slice: float = 0.0
    """Spread between seeds that moves one slice."""
    critical: int = 0
    """Slices that the policy calls critical."""
    extra: dict[str, int] = field(default_factory=dict)
    """Slices of a given size besides."""

    @property
    def policy(self) -> Policy:
        """The policy of the check."""
        names = [*(f"s{number:02d}" for number in range(self.critical)), *(n for n in self.extra if n == "critical")]
        return Policy(slices=tuple((name, Thresholds(0.005, 30, critical=True)) for name in names))


REGIMES = {
    "accuracy, one seed": World(),
    "accuracy, one seed, 3 critical slices": World(critical=3),
    "accuracy, one seed, thin slices (30 to 60)": World(sizes=(30, 60)),
    "accuracy of tokens, one seed": World(items=4),
    "span F1, one seed": World("BIO", items=4),
    "micro F1 of name sets, one seed": World("bitvector"),
    "accuracy, 3 seeds that toss per record": World(seeds=3),
    "accuracy, 3 seeds, whole networks better or worse": World(seeds=3, whole=0.5),
    "accuracy, 3 seeds, slices that go up and down with the seed": World(seeds=3, by_slice=0.7, whole=0.2),
    "accuracy, 3 seeds, thin slices that go up and down": World(seeds=3, by_slice=0.7, whole=0.2, sizes=(30, 60)),
    "accuracy, 5 seeds, slices that go up and down": World(seeds=5, by_slice=0.7, whole=0.2),
    "span F1, 3 seeds, slices that go up and down": World("BIO", items=4, seeds=3, by_slice=0.7, whole=0.2),
}
DROPS = (0.02, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20)
SUPPORTS = (50, 100, 200, 500, 1000, 2000)
CHURNS = {"little": 0.08, "usual": 0.2, "much": 0.4}
"""Share of hard records; the two-way churn is 3, 7.5 and 15 %."""
ALARMS = "alarms in 100 checks"
PLOT = Path(__file__).resolve().parent.parent / "docs" / "images" / "power.svg"


def main() -> None:
    """All parts, or those that were named; only all of them are kept."""
    wanted = sys.argv[1:] or ["alarms", "power", "curve"]
    rows: list[Row] = []
    if "alarms" in wanted:
        for name, world in REGIMES.items():
            rows.append(Row(f"false alarms: {name}", "at most", 5.0, round(100 * alarms(world), 1), ALARMS))
            print(rows[-1], flush=True)
    if "power" in wanted:
        rows += bars()
    if "curve" in wanted:
        curve()
    if len(wanted) == 3:
        save("comparison", "A whole comparison: false alarms and power", rows, ["numpy"])


def alarms(world: World, pairs: int = PAIRS, seed: int = 11) -> float:
    """Share of comparisons of a model with its like that call anything regressed."""
    random = np.random.default_rng(seed)
    return sum(bool(compared(world, random).regressed()) for _ in range(pairs)) / pairs


def bars() -> list[Row]:
    """What must be seen, in a comparison of 50 slices."""
    cases = {
        "15 points on a slice of 200": (World(extra={"hit": 200}), "hit", 0.15),
        "5 points on a slice of 2,000": (World(extra={"hit": 2000}), "hit", 0.05),
        "8 points on a critical slice of 200": (World(extra={"critical": 200}), "critical", 0.08),
        "15 points on a slice of 200, 3 seeds": (World(extra={"hit": 200}, seeds=3), "hit", 0.15),
        "5 points on a slice of 2,000, 3 seeds": (World(extra={"hit": 2000}, seeds=3), "hit", 0.05),
        "8 points on a critical slice of 200, 3 seeds": (World(extra={"critical": 200}, seeds=3), "critical", 0.08),
    }
    rows = []
    for name, (world, where, drop) in cases.items():
        share = round(100 * found(world, where, drop, 400), 1)
        rows.append(Row(f"found: {name}", "at least", 80.0, share, "% of checks"))
        print(rows[-1], flush=True)
    return rows


def found(world: World, where: str, drop: float, pairs: int, seed: int = 12) -> float:
    """Share of comparisons that find a drop on one slice."""
    random = np.random.default_rng(seed)
    hits = (compared(world, random, where, drop).regressed() for _ in range(pairs))
    return sum(where in {row.slice for row in rows} for rows in hits) / pairs


def curve(pairs: int = 60) -> None:
    """How often a drop is found, over support, drop and churn, and what `detectable` says; the usual churn plotted."""
    for name, hard in CHURNS.items():
        found_by: dict[int, list[float]] = {}
        print(f"\n{name} churn ({100 * 2 * hard * 0.75 * 0.25:.1f} % of records flip by chance)")
        print("|records|" + "|".join(f"{100 * drop:.0f} pts" for drop in DROPS) + "|detectable|")
        for support in SUPPORTS:
            world = World(hard=hard, extra={"hit": support}, sizes=(30, 60))
            shares = found_by[support] = [found(world, "hit", drop, pairs) for drop in DROPS]
            told = "|".join(f"{100 * share:.0f}" for share in shares)
            print(f"|{support}|{told}|{100 * typical(world):.1f}|", flush=True)
        if name == "usual":
            PLOT.write_text(power_svg(DROPS, found_by), encoding="utf-8")


def typical(world: World, pairs: int = 20) -> float:
    """The median of the smallest drop that the slice `hit` says it could have shown, where nothing happened."""
    random = np.random.default_rng(13)
    rows = [row for _ in range(pairs) for row in compared(world, random).rows if row.slice == "hit"]
    return float(np.median([1.0 if row.detectable is None else row.detectable for row in rows]))


def compared(world: World, random: np.random.Generator, where: str = "", drop: float = 0.0) -> SliceDiff:
    """One comparison; on slice `where` the newer version loses `drop` of the metric."""
    slices = population(world, random)
    hard = random.random((slices.n, world.items)) < world.hard
    lost = np.zeros(hard.shape, bool)
    # Of the items that are right anyway, so many that the metric falls by `drop`; they are the version's, not a seed's.
    share = drop / (1 - world.hard * world.wrong)
    lost[slices.of(where)] = random.random((len(slices.of(where)), world.items)) < share
    sides = []
    for name, broken in (("A", np.zeros(hard.shape, bool)), ("B", lost)):
        wrong = [network(world, slices, hard, random) | broken for _ in range(world.seeds)]
        sides.append(Measured(Side(name, None, "", name, "exam"), {"T": part(world, slices, wrong)},
                              frozenset(slices.rows)))
    return compare_versions(*sides, world.policy)


def population(world: World, random: np.random.Generator) -> RowsByName:
    """Overlapping slices; those that are asked for lie on records of their own."""
    rows = {f"s{number:02d}": np.sort(random.choice(RECORDS, size, replace=False))
            for number, size in enumerate(random.integers(*world.sizes, SLICES - len(world.extra)))}
    n = RECORDS
    for name, size in world.extra.items():
        rows[name] = np.arange(n, n + size)
        n += size
    return RowsByName(n, dict(sorted(rows.items())))


def network(world: World, slices: RowsByName, hard: Booleans, random: np.random.Generator) -> Booleans:
    """(n, items) what one network gets wrong: hard items by chance, more or fewer of them by its seed."""
    logit = np.full(slices.n, np.log(world.wrong / (1 - world.wrong))) + world.whole * random.standard_normal()
    for rows in slices.rows.values():
        logit[rows] += world.by_slice * random.standard_normal()
    wrong: Booleans = hard & (random.random(hard.shape) < (1 / (1 + np.exp(-logit)))[:, None])
    return wrong


def part(world: World, slices: RowsByName, wrong: list[Booleans]) -> GradedPredictions:
    """Predictions with these items wrong, network by network."""
    m = slices.n * world.items
    first, *others = (found.reshape(m).astype(np.int32) for found in wrong)
    return GradedPredictions(
        task="T", form=world.form, split="test", ids=np.asarray([f"r{row:05d}" for row in range(slices.n)], object),
        offsets=np.arange(0, m + 1, world.items, dtype=np.int64), labels=LABELS[world.form],
        gold=np.zeros(m, np.int32), predicted=first, confidence=np.full(m, 0.9, np.float32),
        gold_probability=np.full(m, 0.8, np.float32), slices=slices, tags=RowsByName(slices.n, {}),
        others=tuple(others),
    )


if __name__ == "__main__":
    main()
