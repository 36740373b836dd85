"""Dark, light and without colour: the same text, and every character readable on its ground."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

GOLDEN = Path(__file__).with_name("goldens") / "slices-80x24.txt"
LOOKS = ["textual-dark", "textual-light", "NO_COLOR"]
LEAST_CONTRAST = 4.5
"""What WCAG asks of text (AA)."""


def painted(app) -> list[tuple[str, Color, Color]]:
    """Every piece of text on the screen with its colour and its ground."""
    found = []
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if segment.text.strip() and style and style.color and style.bgcolor:
                ground = Color.from_rich_color(style.bgcolor)
                ink = Color.from_rich_color(style.color)
                found.append((segment.text, ink, ground))
    return found


def contrast(first: Color, second: Color) -> float:
    """The contrast ratio of WCAG, from 1 to 21."""

    def luminance(color: Color) -> float:
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
                            for part in color.normalized)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=LOOKS)
def look(request, monkeypatch) -> str:
    if request.param == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    return request.param


async def opened(screen, look: str) -> None:
    if look != "NO_COLOR":
        screen.app.theme = look
        await screen.settle()


async def test_the_text_is_the_same(open_app, look):
    async with open_app(size=(80, 24)) as screen:
        await opened(screen, look)
        assert screen.text + "\n" == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("keys", [[], ["n"], ["slash", "a"], ["enter"], ["enter", "2"], ["S"], ["v"]],
                         ids=lambda keys: "-".join(keys) or "slices")
async def test_all_text_is_readable_on_its_ground(open_app, look, keys):
    async with open_app(size=(120, 36)) as screen:
        await opened(screen, look)
        await screen.press(*keys)
        await screen.rest()
        pieces = painted(screen.app)
        assert len(pieces) > 20
        faint = {(text.strip(), round(contrast(ink, ground), 1)) for text, ink, ground in pieces
                 if contrast(ink, ground) < LEAST_CONTRAST and any(char.isalnum() for char in text)}
        assert not faint
        if look == "NO_COLOR":
            assert all(len({colour.r, colour.g, colour.b}) == 1 for _, *colours in pieces for colour in colours)
