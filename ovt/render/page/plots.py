"""Plots as inline SVG: no script, no network, colours from the page's style sheet, a description for who cannot see.

Every plot says in its title and in a description what it shows; the numbers
stand in a table beside it, so nothing is in a plot alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ovt.render.page.elements import Markup, element, joined
from ovt.render.table import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.trend import Point

WIDTH = 640.0
LEFT, RIGHT, TOP, BOTTOM = 170.0, 20.0, 10.0, 30.0
ROW = 20.0
LONGEST = 24
"""Characters of a name that fit beside a plot."""


@dataclass(frozen=True)
class Bar:
    """A value with its interval, by name."""

    name: str
    value: float
    low: float
    high: float
    thin: bool = False
    """Drawn hollow: too few records to rely on."""


@dataclass(frozen=True)
class Bin:
    """Items whose confidence lies in one range."""

    confidence: float
    accuracy: float
    n: int


def forest(bars: Sequence[Bar], title: str) -> Markup:
    """Values with their intervals, one row each, on one axis."""
    if not bars:
        return Markup()
    low, high = _range([bar.low for bar in bars], [bar.high for bar in bars])
    height = TOP + ROW * len(bars) + BOTTOM
    marks: list[Markup] = [_x_axis(low, high, height)]
    for place, bar in enumerate(bars):
        y = TOP + ROW * (place + 0.5)
        left, right, at = (_scaled(value, low, high, LEFT, WIDTH - RIGHT) for value in (bar.low, bar.high, bar.value))
        marks += [
            element("text", _short(bar.name), x=LEFT - 8, y=y + 4, text_anchor="end"),
            element("line", x1=left, x2=right, y1=y, y2=y, class_="interval"),
            element("circle", cx=at, cy=y, r=4.0, class_="hollow" if bar.thin else "dot"),
        ]
    said = "; ".join(f"{bar.name} {number(bar.value)} ({number(bar.low)} to {number(bar.high)})" for bar in bars)
    return _svg(height, title, said, marks)


def trend(points: Sequence[Point], labels: Sequence[str], title: str) -> Markup:
    """A metric over the versions, oldest first, with a band for its interval; a mark is hollow where it is thin."""
    known = [(place, point) for place, point in enumerate(points) if point.value is not None]
    if not known:
        return Markup()
    low, high = _range([point.low or 0.0 for _, point in known], [point.high or 0.0 for _, point in known])
    height, bottom = 180.0, 150.0

    def x(place: int) -> float:
        return _scaled(place, 0, max(len(points) - 1, 1), 60.0, WIDTH - RIGHT) if len(points) > 1 else WIDTH / 2

    def y(value: float | None) -> float:
        return _scaled(value or 0.0, low, high, bottom, TOP)

    upper = [f"{x(place):.2f},{y(point.high):.2f}" for place, point in known]
    lower = [f"{x(place):.2f},{y(point.low):.2f}" for place, point in reversed(known)]
    marks = [_y_axis(low, high, bottom), element("polygon", points=" ".join([*upper, *lower]), class_="band"),
             element("polyline", points=" ".join(f"{x(place):.2f},{y(point.value):.2f}" for place, point in known),
                     class_="line")]
    marks += [element("circle", cx=x(place), cy=y(point.value), r=4.0,
                      class_="hollow" if point.state == "thin" else "dot") for place, point in known]
    marks += [element("text", labels[0], x=60.0, y=height - 8, text_anchor="start"),
              element("text", labels[-1], x=WIDTH - RIGHT, y=height - 8, text_anchor="end")] if len(labels) > 1 else [
                  element("text", labels[0], x=WIDTH / 2, y=height - 8, text_anchor="middle")]
    said = "; ".join(f"{labels[place]}: {number(point.value)}" for place, point in known)
    return _svg(height, title, said, marks)


def calibration(bins: Sequence[Bin], title: str) -> Markup:
    """How often the model is right by how sure it is; on the diagonal the two are the same."""
    if not bins:
        return Markup()
    size, left, bottom = 260.0, 50.0, 270.0
    most = max(one.n for one in bins)

    def x(value: float) -> float:
        return left + size * value

    def y(value: float) -> float:
        return bottom - size * value

    tall = [40 * one.n / most for one in bins]
    marks = [element("rect", x=x(one.confidence) - 6, y=bottom - height, width=12.0, height=height, class_="count")
             for one, height in zip(bins, tall, strict=True)]
    marks.append(element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="guide"))
    marks.append(element("polyline", points=" ".join(f"{x(one.confidence):.2f},{y(one.accuracy):.2f}" for one in bins),
                         class_="line"))
    marks += [element("circle", cx=x(one.confidence), cy=y(one.accuracy), r=4.0, class_="dot") for one in bins]
    marks += [element("line", x1=x(0), y1=bottom, x2=x(1), y2=bottom, class_="axis"),
              element("line", x1=x(0), y1=y(0), x2=x(0), y2=y(1), class_="axis")]
    for value in (0.0, 0.5, 1.0):
        marks += [element("text", f"{value:.1f}", x=x(value), y=bottom + 16, text_anchor="middle"),
                  element("text", f"{value:.1f}", x=left - 8, y=y(value) + 4, text_anchor="end")]
    marks.append(element("text", "confidence (bars: how many items)", x=x(0.5), y=bottom + 34, text_anchor="middle"))
    said = "; ".join(f"confidence {one.confidence:.2f}: right {one.accuracy:.2f} of {one.n}" for one in bins)
    return _svg(bottom + 44, title, said, marks, width=left + size + 20)


def _svg(height: float, title: str, said: str, marks: Sequence[Markup], *, width: float = WIDTH) -> Markup:
    children = (element("title", title), element("desc", said), *marks)
    return element("svg", *children, role="img", width=width, height=height,
                   viewBox=f"0 0 {width:.0f} {height:.0f}")


def _range(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    """A little more than what is shown, and no more than 1 where nothing is."""
    low, high = min(lows), max(highs)
    room = (high - low) * 0.05 or 0.05
    return max(0.0, low - room), high + room if high > 1 else min(1.0, high + room)


def _scaled(value: float, low: float, high: float, start: float, stop: float) -> float:
    return start + (value - low) / (high - low) * (stop - start)


def _x_axis(low: float, high: float, height: float) -> Markup:
    y = height - BOTTOM + 4
    parts = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="axis")]
    for share in (0.0, 0.5, 1.0):
        x = LEFT + share * (WIDTH - RIGHT - LEFT)
        parts += [element("line", x1=x, x2=x, y1=TOP, y2=y, class_="guide"),
                  element("text", number(low + share * (high - low)), x=x, y=y + 16, text_anchor="middle")]
    return joined(*parts)


def _y_axis(low: float, high: float, bottom: float) -> Markup:
    parts = [element("line", x1=60.0, x2=60.0, y1=TOP, y2=bottom, class_="axis")]
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - TOP)
        parts += [element("line", x1=60.0, x2=WIDTH - RIGHT, y1=y, y2=y, class_="guide"),
                  element("text", number(low + share * (high - low)), x=52.0, y=y + 4, text_anchor="end")]
    return joined(*parts)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[:LONGEST - 1]}…"
