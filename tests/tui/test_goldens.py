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
    "slice-definition": ["enter", "4"],
    "slice-causes": ["enter", "g"],
    "slice-tokens": ["j", "j", "enter"],
    "cell": ["enter", "2", "enter"],
    "source": ["enter", "3", "enter"],
    "source-flips": ["enter", "3", "enter", "2"],
    "record": ["enter", "space"],
    "versions": ["v"],
    "sources": ["S", "t"],
    "errors": ["E"],
    "errors-open": ["E", "o", "o"],
    "errors-test": ["E", "t"],
    "rule": ["E", "l", "a", "down", "up", "down"],
    "rule-written": ["E", "l", "a", "shift+tab", "down", "enter"],
    "correct": ["E", "c"],
    "help": ["question_mark"],
    "missing": ["R"],
    "commit": ["C"],
    "commit-failed": ["C", "m", "enter"],
    "versions-jobs": ["v", "j", "j"],
}


def gateway_for(fake, name):
    """What the screen of that name is opened on."""
    if name == "missing":
        return fake.FakeGateway(errors={"compare": fake.missing()})
    if name == "commit-failed":
        return fake.FakeGateway(errors={"work": fake.wrong_labeler()})
    if name == "versions-jobs":
        return fake.FakeGateway(job_list=(fake.job(2, "failed", "d", why="`keyword` needs at least one word"),
                                          fake.job(3, "running", "c", 0.4), fake.job(4, "waiting", "f")))
    if name == "slice-tokens":
        return fake.FakeGateway(flip_list=(fake.TOKEN_FLIP,), token_answers=fake.TOKEN_ANSWERS)
    return fake.FakeGateway()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCREENS)
async def test_golden(open_app, fake, name, size):
    async with open_app(gateway_for(fake, name), size=SIZES[size]) as screen:
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
