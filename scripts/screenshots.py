"""Pictures of the terminal app for the documentation: SVG files below docs/images, made from the factoid starter.

Called as `python scripts/screenshots.py`. It makes the project of `scripts/demo.sh` in a temporary folder (some minutes
of training), or takes one that was made like that: `--project demo`. Names and dates of its commits are fixed, so that
a second run on the same machine makes the same pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE = (120, 32)
MOST_BYTES = 150_000
FIXED = {
    "GIT_AUTHOR_NAME": "Ada", "GIT_COMMITTER_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_AUTHOR_DATE": "2026-01-05T09:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-05T09:00:00Z", "TZ": "UTC",
}
REST = 0.3
"""Seconds that the highlight must rest before the app reads votes."""

SHOTS: dict[str, Sequence[str]] = {
    "slices": [],
    "flips": ["enter"],
    "confusion": ["enter", "2"],
    "sources": ["S", "t", "t", "t"],
    "versions": ["v"],
    "commit": ["C", *"Drop the telling words"],
    "help": ["question_mark"],
}
"""Picture → the keys that lead to it from the slice table."""
SPACE = {" ": "space"}
FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Rich lets the reader's browser fetch a font from elsewhere; a picture in a repository must not."""


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description="pictures of the terminal app")
    parser.add_argument("--project", type=Path, help="a project made by scripts/demo.sh; it is copied, not changed")
    given = parser.parse_args().project
    os.environ.update(FIXED)
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory(prefix="ovt-screenshots-") as made:
        folder = Path(made) / "demo"
        if given:
            shutil.copytree(given, folder, symlinks=True)
        else:
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            subprocess.run(["sh", str(ROOT / "scripts" / "demo.sh"), str(folder)], check=True,
                           env={**os.environ, "PATH": path})
        (folder / "labelers" / "telling_word.py").unlink()  # what the check advises: there is something to commit
        for name, keys in SHOTS.items():
            write(name, asyncio.run(picture(folder, keys)))


async def picture(folder: Path, keys: Sequence[str]) -> str:
    """The screen that keys lead to, as SVG."""
    from ovt.project import Project
    from ovt_tui.app import SliceApp
    from ovt_tui.gateway import ProjectGateway

    app = SliceApp(ProjectGateway(Project(folder)), "HEAD~1", "HEAD")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for key in keys:
            await pilot.press(SPACE.get(key, key))
            await settle(pilot)
        await pilot.pause(REST)
        await settle(pilot)
        return FONT.sub("", app.export_screenshot(title="ovt tui"))


async def settle(pilot: Pilot[None]) -> None:
    """Until no worker runs and every message was handled."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause(0.05)
    await pilot.pause()


def write(name: str, svg: str) -> None:
    """Keep a picture; one that is too large for a repository is an error."""
    content = "\n".join(line.rstrip() for line in svg.splitlines()).encode() + b"\n"
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{name}.svg has {len(content):,} bytes, more than {MOST_BYTES:,}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / f"{name}.svg").write_bytes(content)
    print(f"{IMAGES.relative_to(ROOT) / name}.svg: {len(content):,} bytes")


if __name__ == "__main__":
    main()
