"""Dark, light and without colour: the same text, and every character readable on its ground."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import ColorSystem
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


@pytest.mark.parametrize("keys", [[], ["n"], ["slash", "a"], ["enter"], ["enter", "2"], ["S"], ["v"], ["enter", "4"],
                                  ["j", "j", "enter"]],
                         ids=lambda keys: "-".join(keys) or "slices")
async def test_all_text_is_readable_on_its_ground(open_app, fake, look, keys):
    gateway = fake.FakeGateway(flip_list=(*fake.FLIPS, fake.TOKEN_FLIP), token_answers=fake.TOKEN_ANSWERS)
    async with open_app(gateway, size=(120, 36)) as screen:
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


STANDARD = (
    (0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170),
    (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255),
    (255, 255, 255),
)
"""The 16 colours of a VGA console; other palettes are brighter."""


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("keys", [[], ["v"], ["C"]], ids=lambda keys: "-".join(keys) or "slices")
async def test_sixteen_colours_keep_text_apart_from_its_ground(open_app, theme, keys):
    async with open_app(size=(120, 36)) as screen:
        await opened(screen, theme)
        await screen.press(*keys)
        faint = {(text.strip(), ink, ground) for text, *colours in painted(screen.app)
                 if any(char.isalnum() for char in text)
                 for ink, ground in [[sixteen(colour) for colour in colours]]
                 if contrast(ink, ground) < LEAST_IN_SIXTEEN}
        assert not faint


LEAST_IN_SIXTEEN = 2.5
"""Sixteen colours are few: less than WCAG asks, but never ink on its own colour."""


def sixteen(colour: Color) -> Color:
    """What a terminal of 16 colours shows instead."""
    number = colour.rich_color.downgrade(ColorSystem.STANDARD).number
    assert number is not None
    return Color(*STANDARD[number])
