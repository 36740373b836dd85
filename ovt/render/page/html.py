"""One version's quality as one page that needs nothing else: tables and plots, for those who rather look than read.

No script, no font, no image from anywhere; light or dark as the reader's system
is; every plot has its numbers in a table. It holds names of tasks, classes,
slices and sources, and counts, never the text or the id of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.quality.metrics import TABLE
from ovt.render.diff import diff_table, tally
from ovt.render.page import plots
from ovt.render.page.elements import Markup, element, joined
from ovt.render.page.style import STYLE
from ovt.render.show import quality_table
from ovt.render.sources import sources_table
from ovt.render.table import Table, interval, number
from ovt.render.trend import day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ovt.quality.slicediff import SliceDiff
    from ovt.quality.trend import Point
    from ovt.versions.history import Version

CLASSES = 20
"""Of a confusion matrix on the page: the most frequent in gold."""


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    title: str
    version: Version
    report: Mapping[str, Any]
    sources: Mapping[str, Any] | None
    diff: SliceDiff | None
    """With the version before; None where that cannot be had, and `notes` say why."""
    history: Sequence[Version]
    """Oldest first."""
    trends: Mapping[str, Sequence[Point]]
    """By task, a point per version of `history`."""
    calibration: Mapping[str, Sequence[plots.Bin]]
    """By task; empty where the predictions are not on this machine."""
    least: int
    """Records below which a slice is thin."""
    notes: Sequence[str]


def page(found: Page) -> str:
    """The page."""
    about = [found.version.spec, (found.version.commit or "")[:10], found.version.subject]
    shown = " · ".join(dict.fromkeys(part for part in about if part))
    body = [
        element("h1", found.title), element("p", shown, class_="about"),
        *(element("p", note, class_="note") for note in found.notes),
        _section("Comparison", "comparison", *_comparison(found)),
        *(_task(found, task, about_task) for task, about_task in sorted(found.report["tasks"].items())),
        _section("All numbers", "numbers", _table(quality_table(found.report), "Quality on test")),
    ]
    head = element("head", element("meta", charset="utf-8"), element("title", f"{found.title}: {shown}"),
                   element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                   element("style", Markup(STYLE)))
    skip = element("a", "To the numbers", href="#numbers", class_="skip")
    return "<!doctype html>\n" + element("html", head, element("body", skip, element("main", *body)), lang="en") + "\n"


def _comparison(found: Page) -> Iterator[Markup]:
    if found.diff is None:
        yield element("p", "There is no version to compare with.")
        return
    diff = found.diff
    yield element("p", f"{diff.a.name} → {diff.b.name}: {tally(diff)}")
    for note in diff.notes:
        yield element("p", note, class_="note")
    yield _table(diff_table(diff), "What changed, regressions first")


def _task(found: Page, task: str, about: Mapping[str, Any]) -> Markup:
    split = about["splits"].get("test") or about["splits"].get("dev")
    which = "test" if "test" in about["splits"] else "dev"
    if split is None:
        return Markup()
    primary = about["primary"]
    title = TABLE[primary].title if primary in TABLE else primary
    parts = [_slices(found, split, primary, f"{task}: {title} on {which}, with intervals"),
             _trend(found, task, f"{task}: {title} over the versions")]
    if found.calibration.get(task):
        parts += _calibration(found.calibration[task], f"{task}: how often right, by confidence, on test")
    parts += [element("h3", "Confusion"), _confusion(split["overall"].get("confusion", {}), task)]
    if found.sources is not None and task in found.sources.get("tasks", {}):
        parts += [element("h3", "Sources"), _table(sources_table(found.sources, task), f"Sources of {task}")]
    return _section(task, None, *parts)


def _slices(found: Page, split: Mapping[str, Any], primary: str, title: str) -> Markup:
    named = [("(all)", split["overall"]), *sorted(split["slices"].items())]
    bars = [plots.Bar(name, entry[primary]["value"], entry[primary]["low"], entry[primary]["high"],
                      entry["n"] < found.least) for name, entry in named if primary in entry]
    return joined(element("h3", "Slices"), plots.forest(bars, title),
                  element("p", f"Hollow: fewer than {found.least} records.", class_="note"))


def _trend(found: Page, task: str, title: str) -> Markup:
    points = found.trends.get(task, ())
    if not any(point.value is not None for point in points):
        return Markup()
    labels = [f"{(version.commit or version.spec)[:10]} {day(version.when) if version.commit else ''}".strip()
              for version in found.history]
    table = Table(("version", "n", "value", "interval"), tuple(
        (label, str(point.n), number(point.value), interval(point.low, point.high)) if point.value is not None
        else (label, "–", "–", point.state) for label, point in zip(labels, points, strict=True)), frozenset({1, 2}))
    plot = plots.trend(points, labels, title)
    return joined(element("h3", "Over the versions"), plot, _folded("Numbers", table, title))


def _calibration(bins: Sequence[plots.Bin], title: str) -> list[Markup]:
    rows = tuple((number(one.confidence), number(one.accuracy), str(one.n)) for one in bins)
    table = Table(("mean confidence", "right", "items"), rows, frozenset({0, 1, 2}))
    return [element("h3", "Calibration"), plots.calibration(bins, title), _folded("Numbers", table, title)]


def _folded(summary: str, table: Table, caption: str) -> Markup:
    return element("details", element("summary", summary), _table(table, caption))


def _confusion(table: Mapping[str, Mapping[str, int]], task: str) -> Markup:
    if not table:
        return element("p", "No confusion matrix: there is no gold.")
    if all(set(line) == {"hit", "false", "missed"} for line in table.values()):
        names = sorted(table, key=lambda name: (-table[name]["hit"] - table[name]["missed"], name))
        return _matrix(f"{task}: names found, wrongly found, missed", names, ["hit", "false", "missed"], table)
    support = {name: sum(line.values()) for name, line in table.items()}
    names = sorted(support, key=lambda name: (-support[name], name))[:CLASSES]
    said = sorted({column for name in names for column in table[name]},
                  key=lambda name: (names.index(name) if name in names else len(names), name))
    return _matrix(f"{task}: gold in rows, predicted in columns" + (
        f" (the {CLASSES} most frequent of {len(support)})" if len(support) > CLASSES else ""), names, said, table)


def _matrix(
    caption: str, names: Sequence[str], columns: Sequence[str], table: Mapping[str, Mapping[str, int]],
) -> Markup:
    head = element("tr", element("td", ""), *(element("th", name, scope="col") for name in columns))
    rows = [
        element("tr", element("th", name, scope="row"), *(
            element("td", str(table[name].get(column, "")), class_="number",
                    style=f"--share: {100 * table[name].get(column, 0) / max(1, sum(table[name].values())):.0f}%")
            for column in columns))
        for name in names
    ]
    return _scrolled(element("table", element("caption", caption), element("thead", head), element("tbody", *rows),
                             class_="matrix"), caption)


def _table(table: Table, caption: str) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in table.headers))
    rows = [element("tr", *(element("td", cell, class_="number" if place in table.right else None)
                            for place, cell in enumerate(row))) for row in table.rows]
    return _scrolled(element("table", element("caption", caption), element("thead", head), element("tbody", *rows)),
                     caption)


def _scrolled(table: Markup, caption: str) -> Markup:
    """A wide table scrolls by itself, also with the keyboard."""
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _section(title: str, anchor: str | None, *parts: Markup) -> Markup:
    return element("section", element("h2", title), *parts, id=anchor)
