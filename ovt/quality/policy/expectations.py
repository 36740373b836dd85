"""Must-pass examples and budgets: what a version is held to beside the statistics, and how it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ovt.quality.policy.findings import Finding

BudgetName = Literal["size", "latency"]
UNITS: dict[BudgetName, str] = {"size": "MB", "latency": "ms"}


@dataclass(frozen=True)
class Answer:
    """One expectation that was not met."""

    path: str
    line: int
    """Of the example, in its file."""
    id: str
    task: str
    expected: str
    """As compact JSON; null where anything goes."""
    found: str

    @property
    def at(self) -> str:
        """FILE:LINE."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class ExamplesResult:
    """How a version does on `examples/*.jsonl`."""

    files: int
    records: int
    expectations: int
    """Answers that were asked for: one for each task of each record."""
    failed: tuple[Answer, ...]


@dataclass(frozen=True)
class Budget:
    """Something that was measured because the policy has a budget for it."""

    name: BudgetName
    limit: float
    value: float
    how: str
    """What exactly was measured."""

    @property
    def kept(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit

    @property
    def unit(self) -> str:
        """MB or ms."""
        return UNITS[self.name]


def example_findings(result: ExamplesResult) -> tuple[Finding, ...]:
    """One for each expectation that was not met."""
    return tuple(
        Finding("example", f"{answer.at}: {answer.task} should be {answer.expected}, and is {answer.found}",
                "mend the model, or the expectation if it is wrong", task=answer.task, path=answer.path,
                line=answer.line)
        for answer in result.failed
    )


def budget_finding(budget: Budget, path: str, line: int | None) -> Finding | None:
    """The finding of a budget that was not kept; `path` and `line` are where the policy says it."""
    if budget.kept:
        return None
    what = "the model has" if budget.name == "size" else "one record takes"
    fix = ("choose smaller sizes in tuning.yaml" if budget.name == "size"
           else "choose smaller encoders in tuning.yaml, or measure on a quieter machine")
    said = f"{what} {budget.value:.1f} {budget.unit}, the budget is {budget.limit:g} {budget.unit} ({budget.how})"
    return Finding(budget.name, said, fix, path=path, line=line)
