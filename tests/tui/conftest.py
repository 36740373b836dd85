"""The app on a fake gateway, and its screen as plain text."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.worker import WorkerCancelled, WorkerFailed

from ovt_tui.app import SliceApp

if TYPE_CHECKING:
    from types import ModuleType

    from textual.pilot import Pilot

FAKE = Path(__file__).with_name("fake.py")


def _load_fake() -> ModuleType:
    """Load by path: the tests are no package, and the tmux test runs the same file as a script."""
    spec = importlib.util.spec_from_file_location("ovt_tui_fake", FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_fake = _load_fake()


class Screen:
    """An open app: keys in, text out."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.app = pilot.app

    async def settle(self) -> None:
        """Until no worker runs and every message was handled."""
        await self.pilot.pause()
        while True:
            running = [worker for worker in self.app.workers if not worker.is_finished]
            for worker in running:
                try:
                    await worker.wait()
                except (WorkerFailed, WorkerCancelled):
                    continue
            await self.pilot.pause()
            if not running:
                return

    async def press(self, *keys: str) -> str:
        """Press keys, wait, and read the screen."""
        await self.pilot.press(*keys)
        await self.settle()
        return self.text

    async def rest(self) -> str:
        """Let the highlight rest as long as it takes for votes to be read."""
        await self.pilot.pause(0.15)
        await self.settle()
        return self.text

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without trailing blanks."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def here(self) -> str:
        """The highlighted row of the first table."""
        return next((line for line in self.lines if line.startswith("›")), "")

    def rows(self, *signs: str) -> list[str]:
        """The lines of the table that have one of these signs, or any verdict's."""
        marks = signs or ("▼ regressed", "▲ improved", "· unclear", "░ thin", "≠ no")
        return [line for line in self.lines if line[2:].startswith(marks)]

    def said(self) -> list[str]:
        """The notices that are shown."""
        return [notification.message for notification in self.app._notifications]


Opener = Callable[..., Any]


@pytest.fixture
def fake() -> ModuleType:
    """The module of fakes: rows, flips, versions, `FakeGateway`."""
    return _fake


@pytest.fixture
def open_app(fake: ModuleType) -> Opener:
    """`async with open_app(gateway, size=…) as screen`: the app after its first comparison."""

    @asynccontextmanager
    async def opened(gateway: Any = None, *, size: tuple[int, int] = (120, 36), wait: bool = True,
                     versions: tuple[str, str] = ("HEAD~1", "HEAD"), **options: Any) -> AsyncIterator[Screen]:
        app = SliceApp(gateway or fake.FakeGateway(), *versions, **options)
        async with app.run_test(size=size) as pilot:
            screen = Screen(pilot)
            if wait:
                await screen.settle()
            yield screen

    return opened
