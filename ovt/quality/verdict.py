"""From a comparison to the verdict on a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ovt.errors import EXIT_FINDING, EXIT_MISSING, EXIT_OK

if TYPE_CHECKING:
    from ovt.quality.slicediff import SliceDiff, SliceRow

CheckVerdict = Literal["pass", "fail", "cannot compare", "advisory"]
EXIT_CODES: dict[CheckVerdict, int] = {
    "pass": EXIT_OK, "fail": EXIT_FINDING, "cannot compare": EXIT_MISSING, "advisory": EXIT_OK,
}


@dataclass(frozen=True)
class CheckResult:
    """What `ovt check` says."""

    diff: SliceDiff
    verdict: CheckVerdict
    reasons: tuple[str, ...]
    """One line for each row that made the verdict."""

    @property
    def exit_code(self) -> int:
        """1 for a regression, which beats 4 for what cannot be compared; 0 otherwise."""
        return EXIT_CODES[self.verdict]


def judge(diff: SliceDiff) -> CheckResult:
    """The verdict: a regression anywhere fails, else anything that cannot be compared withholds it."""
    regressed, open_ = diff.regressed(), diff.not_comparable()
    reasons = tuple(_reason(row) for row in (*regressed, *open_))
    if regressed:
        return CheckResult(diff, "fail", reasons)
    if open_:
        return CheckResult(diff, "cannot compare", reasons)
    if not diff.rows:
        return CheckResult(diff, "advisory", ("no test record has gold: label some of `test`, so that it can judge",))
    return CheckResult(diff, "pass", ())


def _reason(row: SliceRow) -> str:
    where = f"{row.task} on " + ("all test records" if row.slice is None else f"slice {row.slice}")
    if row.verdict == "regressed" and row.delta is not None and row.old is not None and row.new is not None:
        return f"{where}: {row.metric} {row.old:.3f} → {row.new:.3f}, {row.why}"
    return f"{where}: {row.why}"
