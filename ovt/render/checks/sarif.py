"""A check as SARIF 2.1.0: a result on the line of the source or slice that it is about.

OASIS Standard, Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ovt import __version__
from ovt.quality.policy.findings import RULES
from ovt.render.checks.problems import problems

if TYPE_CHECKING:
    from ovt.quality.policy.verdict import CheckResult
    from ovt.render.checks.problems import Problem, Spot

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
NAMES = list(RULES)


def check_sarif(result: CheckResult) -> dict[str, Any]:
    """The whole log, as plain values."""
    driver = {
        "name": "ovt", "version": __version__,
        "rules": [
            {"id": rule, "shortDescription": {"text": text}, "defaultConfiguration": {"level": "error"}}
            for rule, text in RULES.items()
        ],
    }
    run = {
        "tool": {"driver": driver}, "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
        "results": [_result(problem) for problem in problems(result)],
        "properties": {"verdict": result.verdict, "base": result.diff.a.name, "head": result.diff.b.name},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: Problem) -> dict[str, Any]:
    text = f"{problem.message}. {problem.fix}" if problem.fix else problem.message
    found: dict[str, Any] = {
        "ruleId": problem.rule, "ruleIndex": NAMES.index(problem.rule), "level": problem.level,
        "message": {"text": text}, "locations": [{"physicalLocation": _place(problem.spot)}],
        "partialFingerprints": {"ovtFinding/v1": problem.fingerprint},
    }
    if problem.related:
        found["relatedLocations"] = [
            {"id": number, "physicalLocation": _place(spot), "message": {"text": spot.message}}
            for number, spot in enumerate(problem.related, 1)
        ]
    if problem.waiver:
        found["suppressions"] = [{"kind": "external", "justification": f"waived by {problem.waiver}"}]
    return found


def _place(spot: Spot) -> dict[str, Any]:
    return {"artifactLocation": {"uri": quote(spot.path), "uriBaseId": ROOT}, "region": {"startLine": spot.line}}
