"""A check in the terminal: the verdict in one word, a line for each reason, what it stands on, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.policy.findings import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ovt.quality.attribution.blame import BlameReport
    from ovt.quality.changed import ChangedSource
    from ovt.quality.policy.verdict import CheckResult

MOST = 8
"""Changed sources that are named."""


def check_text(result: CheckResult) -> str:
    """The whole text, without a final newline."""
    return "\n".join([result.verdict.upper(), *(f"  {line}" for line in _lines(result))])


def _lines(result: CheckResult) -> Iterator[str]:
    yield from _findings(result)
    if result.blame is not None:
        yield from _blame(result.blame)
    elif result.standing:
        yield from _changed(result.context.sources, ask=bool(result.diff.regressed()))
    if result.may_be_luck:
        yield "whether it is more than the luck of one training: ovt check --confirm"
    if result.examples is not None:
        found = result.examples
        yield f"examples: {found.expectations - len(found.failed)} of {found.expectations} answers as expected"
    for budget in result.budgets:
        yield f"{budget.name}: {budget.value:.2f} {budget.unit} of {budget.limit:g} {budget.unit}"
    yield from _waivers(result)
    yield from (f"note: {note}" for note in (*result.context.notes, *result.diff.notes))


def _findings(result: CheckResult) -> Iterator[str]:
    by_message = {finding.message: finding for finding in result.standing}
    for reason in result.reasons:
        yield reason
        finding = by_message.get(reason)
        if finding is not None and finding.fix:
            yield f"  {finding.fix}"


def _blame(report: BlameReport) -> Iterator[str]:
    for blame in report.blames:
        rows = ", ".join(place_of(*place) for place in blame.rows)
        share = f", {100 * blame.share:.0f} % of the drop" if blame.share else ""
        at = f" at {blame.at}" if blame.at else ""
        yield f"blame: {blame.source}{at} ({blame.kind}; {blame.confidence}{share}): {rows or blame.why}"
    for place in report.unexplained:
        yield f"blame: nothing was found that explains {place_of(*place)}"
    yield from (f"note: {note}" for note in report.notes)


def _changed(sources: tuple[ChangedSource, ...], *, ask: bool) -> Iterator[str]:
    sources = tuple(source for source in sources if source.kind != "moved")
    for source in sources[:MOST]:
        at = f" at {source.at}" if source.at else ""
        yield f"changed: {source.source}{at} ({source.kind}, {source.task})"
    if len(sources) > MOST:
        yield f"changed: … and {len(sources) - MOST} more sources"
    if sources and ask:
        yield "which of them did it: ovt check --blame"


def _waivers(result: CheckResult) -> Iterator[str]:
    for finding in result.waived:
        yield f"waived by {finding.waiver}: {finding.message}"
    for use in result.waivers:
        waiver = use.waiver
        if use.state == "unused":
            yield f"note: the waiver {waiver.at} ({place_of(waiver.task, waiver.slice)}) matches nothing"
        elif use.state == "used":
            yield (f"waiver {waiver.at}: {waiver.reason} (owner {waiver.owner}, until {waiver.expires.isoformat()}, "
                   f"{use.days} day{'s' * (use.days != 1)} left)")
