"""The power curve as a small SVG: how often a drop is found, a line for each support."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 560, 300, 44, 16, 40, 96
SHADES = ("#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")


def power_svg(drops: Sequence[float], shares: Mapping[int, Sequence[float]]) -> str:
    """A plot of `shares` (found, 0 … 1) by support over `drops`; readable on light and dark pages."""
    widest = max(drops)

    def at(drop: float, share: float) -> tuple[float, float]:
        return (LEFT + drop / widest * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM))

    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="11" fill="#888"><title>How often a drop is found, by support</title>')
    parts = [head]
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = at(0, share)
        right, _ = at(widest, share)
        dash = ' stroke-dasharray="4 3"' if share == 0.8 else ""
        parts.append(f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{right:.0f}" y2="{y:.0f}" stroke="#888" '
                     f'stroke-opacity="0.4"{dash}/><text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">'
                     f"{100 * share:.0f} %</text>")
    for drop in drops:
        x, y = at(drop, 0)
        parts.append(f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle">{100 * drop:.0f}</text>')
    middle, base = at(widest / 2, 0)
    parts.append(f'<text x="{middle:.0f}" y="{base + 34:.0f}" text-anchor="middle">true drop, points</text>')
    for shade, (support, found) in zip(SHADES, sorted(shares.items()), strict=False):
        points = [at(drop, share) for drop, share in zip(drops, found, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        # Named where the line crosses 80 %, or at its end: there is no legend to look up.
        x, y = next((point for point, share in zip(points, found, strict=True) if share >= 0.8), points[-1])
        parts.append(f'<polyline points="{path}" fill="none" stroke="{shade}" stroke-width="2"/>'
                     f'<text x="{x + 6:.0f}" y="{y + 12:.0f}" fill="{shade}" font-weight="bold">{support:,}</text>')
    return "\n".join([*parts, "</svg>", ""])
