"""Every screen as text, at 80×24 and 120×36; `OVT_UPDATE_GOLDENS=1 pytest` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GOLDENS = Path(__file__).with_name("goldens")
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
SCREENS = {
    "slices": [],
    "slices-filtered": ["slash", "r", "enter", "u", "s"],
    "slice-flips": ["enter"],
    "slice-confusion": ["enter", "2"],
    "slice-sources": ["enter", "3"],
    "record": ["enter", "space"],
    "versions": ["v"],
    "sources": ["S", "t"],
    "help": ["question_mark"],
    "missing": ["R"],
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
async def test_golden(open_app, fake, name, size):
    gateway = fake.FakeGateway(errors={"compare": fake.missing()} if name == "missing" else {})
    async with open_app(gateway, size=SIZES[size]) as screen:
        for key in SCREENS[name]:
            await screen.press(key)
            await screen.rest()
        text = screen.text + "\n"
    golden = GOLDENS / f"{name}-{size}.txt"
    if os.environ.get("OVT_UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_no_golden_is_left_over():
    assert {path.stem for path in GOLDENS.glob("*.txt")} == {f"{name}-{size}" for name in SCREENS for size in SIZES}
