"""A 95 % interval drawn in text around zero: `  ├──●──┤ │       `."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ZERO, CROSSED, POINT, SPAN, LEFT, RIGHT, LEFT_BEYOND, RIGHT_BEYOND = "│", "┼", "●", "─", "├", "┤", "◂", "▸"


def scale(ends: Iterable[float | None]) -> float:
    """The number at either end of the axis: the largest of all, rounded up to 1, 2 or 5 of its power of ten."""
    largest = max((abs(end) for end in ends if end is not None and math.isfinite(end)), default=0.0)
    if largest == 0.0:
        return 0.1
    power = 10.0 ** math.floor(math.log10(largest))
    # The small allowance keeps 0.05 at 0.05 although 0.05 / 0.01 is 5.000000000000001.
    return next(step * power for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-9))


def bar(low: float | None, point: float | None, high: float | None, limit: float, width: int) -> str:
    """The interval on an axis from -limit to limit; an arrow stands where it runs out of the axis.

    Args:
        low: lower end; None draws the point alone.
        point: the change itself; None draws the bare axis.
        high: upper end.
        limit: the number at either end of the axis.
        width: cells of the whole drawing.
    """
    middle = width // 2
    cells = [" "] * width
    cells[middle] = ZERO
    if point is None:
        return "".join(cells)
    if low is not None and high is not None:
        _draw_span(cells, (low, high), limit)
    cells[_place(point, limit, width)] = POINT
    return "".join(cells)


def _draw_span(cells: list[str], ends: tuple[float, float], limit: float) -> None:
    width = len(cells)
    left, right = (_place(end, limit, width) for end in ends)
    for at in range(left, right + 1):
        cells[at] = CROSSED if at == width // 2 else SPAN
    cells[left] = LEFT_BEYOND if ends[0] < -limit else LEFT
    cells[right] = RIGHT_BEYOND if ends[1] > limit else RIGHT


def _place(value: float, limit: float, width: int) -> int:
    """The cell of a value. Only what is zero is drawn on zero, so that the sign of a small change stays visible."""
    middle = width // 2
    steps = round(value / limit * middle)
    if steps == 0 and value != 0:
        steps = 1 if value > 0 else -1
    return min(max(middle + steps, 0), 2 * middle, width - 1)


def axis(limit: float, width: int) -> str:
    """The heading of a column of bars: its two ends, and zero above the zero line where there is room."""
    left, right = f"-{limit:g}", f"+{limit:g}"
    middle = width // 2
    inner = width - len(left) - len(right)
    if inner < 3:
        return "change 95 %"[:width]
    cells = list(left + " " * inner + right)
    cells[middle] = "0"
    return "".join(cells)
