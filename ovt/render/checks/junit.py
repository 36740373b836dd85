"""A check as JUnit XML: a suite per task with a case per slice, one for the examples, one for the policy.

The dialect is the one that Jenkins, GitLab and GitHub's reporters read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ovt.quality.policy.findings import ALL_RECORDS
from ovt.render.table import number

if TYPE_CHECKING:
    from ovt.quality.policy.findings import Finding
    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import SliceRow

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, even escaped."""
POLICY = "policy"
EXAMPLES = "examples"


@dataclass
class _Case:
    name: str
    classname: str
    failures: list[Finding] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    skipped: str | None = None
    out: str = ""


def check_junit(result: CheckResult) -> str:
    """The whole document."""
    suites = [(name, cases) for name, cases in _suites(result).items() if cases]
    root = ET.Element("testsuites", name=f"ovt check: {result.verdict}")
    for name, cases in suites:
        suite = ET.SubElement(root, "testsuite", name=_clean(name), tests=str(len(cases)),
                              failures=str(sum(bool(case.failures) for case in cases)),
                              errors=str(sum(bool(case.errors) and not case.failures for case in cases)),
                              skipped=str(sum(_is_skipped(case) for case in cases)))
        for case in cases:
            _write(suite, case)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suites(result: CheckResult) -> dict[str, list[_Case]]:
    suites: dict[str, list[_Case]] = {}
    places: dict[tuple[str | None, str | None], _Case] = {}
    for row in result.diff.rows:
        case = _of_row(row)
        places[row.task, row.slice] = case
        suites.setdefault(row.task, []).append(case)
    examples, policy = suites.setdefault(EXAMPLES, []), suites.setdefault(POLICY, [])
    for finding in result.findings:
        own = places.get((finding.task, finding.slice)) if finding.on_row else None
        if own is None:
            name = finding.at or finding.slice or finding.rule
            own = _Case(name, EXAMPLES if finding.rule == "example" else POLICY)
            (examples if finding.rule == "example" else policy).append(own)
        _put(own, finding)
    if result.examples is not None and not result.examples.failed:
        examples.append(_Case(f"{result.examples.expectations} answers", EXAMPLES))
    policy.extend(_Case(budget.name, POLICY) for budget in result.budgets if budget.kept)
    return suites


def _of_row(row: SliceRow) -> _Case:
    out = f"{row.metric} {number(row.old)} → {number(row.new)}, {row.verdict}: {row.why}"
    case = _Case(row.slice or ALL_RECORDS, row.task, out=out)
    if row.verdict == "thin":
        case.skipped = row.why
    return case


def _put(case: _Case, finding: Finding) -> None:
    if finding.waiver is not None:
        case.skipped = f"waived by {finding.waiver}: {finding.message}"
    elif finding.rule == "not-comparable":
        case.errors.append(finding)
    else:
        case.failures.append(finding)


def _is_skipped(case: _Case) -> bool:
    return case.skipped is not None and not case.failures and not case.errors


def _write(suite: ET.Element, case: _Case) -> None:
    element = ET.SubElement(suite, "testcase", name=_clean(case.name), classname=_clean(case.classname))
    if _is_skipped(case):
        ET.SubElement(element, "skipped", message=_clean(case.skipped or ""))
    kind, found = ("failure", case.failures) if case.failures else ("error", case.errors)
    if found:
        part = ET.SubElement(element, kind, message=_clean("; ".join(finding.message for finding in found)),
                             type=found[0].rule)
        part.text = _clean("\n".join(f"{finding.message}\n{finding.fix}" for finding in found))
    if case.out:
        ET.SubElement(element, "system-out").text = _clean(case.out)


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
