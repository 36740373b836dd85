"""A check as GitLab's Code Quality report: a list of issues, a subset of the Code Climate format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovt.render.checks.problems import problems

if TYPE_CHECKING:
    from ovt.quality.policy.verdict import CheckResult
    from ovt.render.checks.problems import Level

SEVERITIES: dict[Level, str] = {"error": "critical", "warning": "major", "note": "info"}


def check_codequality(result: CheckResult) -> list[dict[str, Any]]:
    """The issues, as plain values."""
    return [
        {
            "description": problem.message, "check_name": f"ovt/{problem.rule}", "fingerprint": problem.fingerprint,
            "severity": SEVERITIES[problem.level],
            "location": {"path": problem.spot.path, "lines": {"begin": problem.spot.line}},
        }
        for problem in problems(result)
    ]
