"""HTML and SVG as text in which nothing that people wrote can become a tag: a string is escaped unless made here."""

from __future__ import annotations

from html import escape

VOID = frozenset({"meta", "line", "rect", "circle", "path", "polyline", "polygon", "br"})
"""Elements that have no end tag here; those of SVG are closed in place."""
HTML_VOID = frozenset({"meta", "br"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | Markup | None


def element(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """An element; strings among the children are escaped, `None` is left out.

    Attributes: `class_` is `class`, and `_` stands for `-`; those that are `None` are left out.

    Example:
        >>> element("td", "a < b", class_="number")
        '<td class="number">a &lt; b</td>'
    """
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
                    for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Markup(f"<{name}{named}>" if name in HTML_VOID else f"<{name}{named}/>")
    return Markup(f"<{name}{named}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Children one after the other, what is no markup escaped."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children
                          if child is not None))


def _text(value: str | float) -> str:
    """An attribute; numbers with two digits, so that the page is the same wherever it is made."""
    if isinstance(value, str):
        return value
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
