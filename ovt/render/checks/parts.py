"""The sections of a check's Markdown below the comparison; each is empty where there is nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.policy.findings import ALL_RECORDS, place_of
from ovt.render.markdown_text import cell_code, code, folded, listed, marked_table, plain
from ovt.render.table import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.attribution.blame import Blame
    from ovt.quality.changed import ChangedSource
    from ovt.quality.policy.verdict import CheckResult, RowFlips
    from ovt.quality.slicediff import Flip

KINDS = {"new": "new", "gone": "gone", "edited": "edited", "moved": "–"}
MOST = 50
"""Lines of a list that are shown."""


def blame_part(result: CheckResult) -> str:
    """Who did it, as far as retraining showed."""
    report = result.blame
    if report is None:
        return ""
    parts = ["### Who did it"]
    if report.blames:
        parts.append(marked_table(
            ("source", "where", "change", "slices", "part of the drop", "how sure"),
            [_blame_row(blame) for blame in report.blames],
        ))
    else:
        parts.append("No change was found that explains it.")
    left = [place_of(*place) for place in report.unexplained]
    notes = [*([f"not explained: {', '.join(left)}"] if left else []), *report.notes]
    if notes:
        parts.append("\n".join(f"> {plain(note)}" for note in notes))
    return "\n\n".join(parts)


def _blame_row(blame: Blame) -> tuple[str, ...]:
    rows = ", ".join(plain(f"{task} · {slice_ or ALL_RECORDS}") for task, slice_ in blame.rows)
    share = f"{100 * blame.share:.0f} %" if blame.share else "–"
    sure = f"**{plain(blame.confidence)}**" if blame.confirmed else plain(blame.confidence)
    return (cell_code(blame.source), cell_code(blame.at) if blame.at else "–", blame.kind, rows or "–", share,
            f"{sure}: {plain(blame.why)}" if blame.why else sure)


def sources_part(result: CheckResult) -> str:
    """Sources and files that changed. They changed; that is all that is said of them here."""
    sources, files = result.context.sources, result.context.files
    if not sources and not files:
        return ""
    parts = ["### Sources that changed"]
    if result.blame is None and any(source.kind != "moved" for source in sources):
        parts.append("These *changed*; whether one is to blame is not known until `ovt check --blame` has looked.")
    edited, moved = ([source for source in sources if (source.kind == "moved") is same] for same in (False, True))
    parts.append(_sources_table(edited) if edited else "No source is new, edited or gone.")
    if moved:
        parts.append(folded(f"{len(moved)} with the same code and other numbers", _sources_table(moved)))
    if files:
        lines = [f"{code(file.path)} {file.kind}" for file in files[:MOST]]
        parts.append(folded(f"{len(files)} input{'s' * (len(files) != 1)} changed", listed(lines)))
    return "\n\n".join(parts)


def _sources_table(sources: Sequence[ChangedSource]) -> str:
    headers = ("source", "where", "task", "change", "votes", "coverage", "accuracy (estimated)")
    shown = marked_table(headers, [_source_row(source) for source in sources[:MOST]])
    return f"{shown}\n\n… and {len(sources) - MOST} more" if len(sources) > MOST else shown


def _source_row(source: ChangedSource) -> tuple[str, ...]:
    votes = " → ".join("–" if count is None else f"{count:,}" for count in source.votes)
    return (cell_code(source.source), cell_code(source.at) if source.at else "–", plain(source.task),
            KINDS[source.kind], votes, _both(source.coverage), _both(source.accuracy))


def _both(values: tuple[float | None, float | None]) -> str:
    return " → ".join(number(value) for value in values)


def flips_part(result: CheckResult) -> str:
    """Records that broke, folded; their text only where the privacy setting gave it."""
    return "\n\n".join(["### Records that broke", *map(_row_flips, result.context.flips)]
                       ) if result.context.flips else ""


def _row_flips(found: RowFlips) -> str:
    row = found.row
    where = f"{row.task} · {row.slice or ALL_RECORDS}"
    shown = f"{where}: {row.broken} broke, {row.fixed} were fixed"
    with_text = bool(found.texts)
    headers = ("record", *(("text",) if with_text else ()), "gold", "was", "is now")
    rows = [_flip_row(flip, found.texts.get(flip.id, "") if with_text else None) for flip in found.flips]
    more = f"\n\n… {row.broken - len(rows)} more" if row.broken > len(rows) else ""
    return folded(shown, f"{marked_table(headers, rows)}{more}")


def _flip_row(flip: Flip, text: str | None) -> tuple[str, ...]:
    name = cell_code(flip.id if not flip.position else f"{flip.id} [{flip.position}]")
    return (name, *(() if text is None else (plain(text),)), plain(flip.gold), plain(flip.old), plain(flip.new))


def examples_part(result: CheckResult) -> str:
    """Must-pass examples."""
    found = result.examples
    if found is None:
        return ""
    right = found.expectations - len(found.failed)
    parts = ["### Examples", f"{right} of {found.expectations} answers are as expected."]
    if found.failed:
        rows = [(cell_code(answer.at), cell_code(answer.id), plain(answer.task), cell_code(answer.expected),
                 cell_code(answer.found)) for answer in found.failed[:MOST]]
        parts.append(marked_table(("example", "record", "task", "expected", "is"), rows))
        if len(found.failed) > MOST:
            parts.append(f"… and {len(found.failed) - MOST} more")
    return "\n\n".join(parts)


def budgets_part(result: CheckResult) -> str:
    """What was measured against a budget."""
    if not result.budgets:
        return ""
    rows = [(budget.name, f"{budget.value:.2f} {budget.unit}", f"{budget.limit:g} {budget.unit}",
             "kept" if budget.kept else "**exceeded**", plain(budget.how)) for budget in result.budgets]
    return "### Budgets\n\n" + marked_table(("budget", "is", "at most", "", "measured as"), rows)


def waivers_part(result: CheckResult) -> str:
    """Every waiver, and what it did; a finding that is waived is named."""
    if not result.waivers:
        return ""
    rows = [(cell_code(use.waiver.at), plain(place_of(use.waiver.task, use.waiver.slice)), plain(use.waiver.reason),
             plain(use.waiver.owner), use.waiver.expires.isoformat(), _state(use.state, use.covered, use.days))
            for use in result.waivers]
    parts = ["### Waivers", marked_table(("waiver", "for", "reason", "owner", "until", "state"), rows)]
    if result.waived:
        parts.append(listed(f"waived by {code(finding.waiver or '')}: {plain(finding.message)}"
                            for finding in result.waived))
    return "\n\n".join(parts)


def _state(state: str, covered: int, days: int) -> str:
    if state == "expired":
        return "**expired**"
    if state == "unused":
        return "matches nothing: delete it, or mend its slice"
    return f"covers {covered} finding{'s' * (covered != 1)}, {days} day{'s' * (days != 1)} left"
