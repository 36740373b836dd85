"""A check's verdict as a small SVG for a README: `ovt | pass`; made here, no service is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from ovt.quality.policy.verdict import CheckResult, CheckVerdict

LABEL = "ovt"
COLORS: dict[CheckVerdict, str] = {
    "pass": "#2e7d32", "fail": "#c62828", "cannot compare": "#6d4c41", "advisory": "#546e7a",
}
"""Dark enough for white text (a contrast of 5 and more)."""
LETTER = 6.6
"""Mean width in pixels of a letter at 11 px; the text is fitted to it, whatever font there is."""
PADDING, HEIGHT = 6, 20


def check_badge(result: CheckResult) -> str:
    """The picture, as text."""
    return badge(LABEL, words(result), COLORS[result.verdict])


def words(result: CheckResult) -> str:
    """The verdict, with its sign and how much is wrong."""
    count = len(result.standing)
    if result.verdict == "fail":
        return f"▼ fail: {count} finding{'s' * (count != 1)}"
    if result.verdict == "pass":
        return f"▲ pass ({len(result.waived)} waived)" if result.waived else "▲ pass"
    return "≠ cannot compare" if result.verdict == "cannot compare" else "· no gold yet"


def badge(label: str, text: str, color: str) -> str:
    """A label and a text, side by side."""
    left, right = _width(label), _width(text)
    title = f"{label}: {text}"
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img"',
        f"     aria-label={quoteattr(title)}>",
        f" <title>{escape(title)}</title>",
        f' <clipPath id="r"><rect width="{left + right}" height="{HEIGHT}" rx="3"/></clipPath>',
        ' <g clip-path="url(#r)">',
        f'  <rect width="{left}" height="{HEIGHT}" fill="#37474f"/>',
        f'  <rect x="{left}" width="{right}" height="{HEIGHT}" fill={quoteattr(color)}/>',
        " </g>",
        ' <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">',
        f"  {_text(label, left / 2, left)}",
        f"  {_text(text, left + right / 2, right)}",
        " </g>",
        "</svg>",
        "",
    ))


def _text(text: str, middle: float, width: int) -> str:
    return f'<text x="{middle:g}" y="14" textLength="{width - 2 * PADDING}">{escape(text)}</text>'


def _width(text: str) -> int:
    return round(len(text) * LETTER) + 2 * PADDING
