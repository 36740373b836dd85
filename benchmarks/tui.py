"""How long one waits for the terminal app: the first table, a key, and a list of 100,000 flips; in a real terminal.

    python benchmarks/tui.py

The project has 300 slices and 50 versions. The app runs in a pseudo-terminal; time goes from the start of the process
(or the key) until what it should show stands in what it has written. Other work on the machine only adds to it.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from measuring import THREADS, Row, repeat_command, save
from startup import IDENTITY, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SLICES, VERSIONS, FLIPS = 300, 50, 100_000
TIMES, KEYS = 5, 20
BAR_FRAME, BAR_KEY = 800.0, 50.0
"""Milliseconds that must not be exceeded."""
PATIENCE = 60.0
SIZE = (36, 120)
ESCAPES = re.compile(r"\x1b\[[0-9;?>=]*[a-zA-Z~$]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1b[P\]_].*?(?:\x1b\\|\x07)", re.DOTALL)


def main() -> None:
    """Make the project, then wait for the app as a person does."""
    with tempfile.TemporaryDirectory(prefix="ovt-benchmark-") as folder:
        root = project(Path(folder) / "project")
        command = [tool("ovt"), "-C", str(root), "tui", "HEAD~1", "HEAD"]
        frames = [first_frame(command) for _ in range(TIMES)]
        keys = {key: key_of(command, "(all)", key) for key in "js"}
    many = [sys.executable, __file__, "flips"]
    page, end = (key_of(many, "(all)", key, "\r") for key in ("\x04", "G"))
    save("tui", "The terminal app", [
        Row(f"ovt tui: the first table, {SLICES} slices, {VERSIONS} versions", "at most", BAR_FRAME,
            min(wall for wall, _ in frames), "ms wall"),
        Row("the same", "at most", BAR_FRAME, min(cpu for _, cpu in frames), "ms CPU"),
        Row("the next row is highlighted", "at most", BAR_KEY, keys["j"], "ms wall"),
        Row(f"{SLICES} slices in another order", "at most", BAR_KEY, keys["s"], "ms wall"),
        Row(f"half a page down in {FLIPS:,} flips", "at most", BAR_KEY, page, "ms wall"),
        Row(f"from the first to the last of {FLIPS:,} flips", "at most", BAR_KEY, end, "ms wall"),
    ], ["ovt", "textual"])


def first_frame(command: Sequence[str]) -> tuple[float, float]:
    """Milliseconds (wall, CPU) from the start of the process until rows of the table stand on the screen."""
    with Terminal(command) as terminal:
        wall = terminal.wait(lambda text: "unclear" in text and "(all)" in text)
        return wall, terminal.cpu()


def key_of(command: Sequence[str], ready: str, key: str, first: str = "") -> float:
    """Milliseconds from a key until the screen has changed: the median of several, after the keys that lead there."""
    with Terminal(command) as terminal:
        terminal.wait(lambda text: ready in text)
        terminal.rest()
        if first:
            terminal.press(first)
            terminal.rest(2.0)
        found = []
        for number in range(KEYS):
            if key == "G" and number % 2:
                terminal.press("g")
                terminal.rest()
                continue
            started = time.perf_counter()
            terminal.press(key)
            terminal.wait(bool)
            found.append(1000 * (time.perf_counter() - started))
            terminal.rest()
        return round(sorted(found)[len(found) // 2], 2)


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._command, self._environment = command, environment or {}

    def __enter__(self) -> Self:
        self.started = time.perf_counter()
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            os.execvpe(self._command[0], list(self._command), {
                **os.environ, **THREADS, "TERM": "xterm-256color", "COLORTERM": "truecolor", **self._environment})
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._handle)

    def press(self, key: str) -> None:
        """Send a key; what was on the screen before does not count any more."""
        self._text = ""
        os.write(self._handle, key.encode())

    def wait(self, done: Callable[[str], object]) -> float:
        """Read until what was written since the last key satisfies `done`; milliseconds since the process started."""
        while not done(ESCAPES.sub("", self._text)):
            if not self._read(PATIENCE):
                raise SystemExit(f"nothing more after {PATIENCE:.0f} s:\n{ESCAPES.sub('', self._text)[-2000:]}")
        return round(1000 * (time.perf_counter() - self.started), 2)

    def cpu(self) -> float:
        """Milliseconds of CPU that the process has used."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rest(self, quiet: float = 0.4) -> None:
        """Until nothing has been written for a while."""
        while self._read(quiet):
            pass

    def _read(self, patience: float) -> bool:
        if not select.select([self._handle], [], [], patience)[0]:
            return False
        try:
            self._text += self._decoder.decode(os.read(self._handle, 65536))
        except OSError:
            return False
        return True


def project(root: Path) -> Path:
    """A project from the smallest starter with many slices and many versions; the last two have models of their own."""
    run = [tool("ovt"), "-C", str(root)]
    repeat_command([tool("ovt"), "init", str(root), "--template", "classify", "--no-hooks"], root.parent, 1, IDENTITY)
    words = sorted(set(re.findall(r"[a-z]{3,}", "".join(
        path.read_text(encoding="utf-8") for path in (root / "data").glob("*.jsonl")))))
    lines = [f"slice-{number:03d}: {{keyword: [{words[number % len(words)]}], field: text}}\n"
             for number in range(SLICES)]
    (root / "slices" / "many.yaml").write_text("".join(lines), encoding="utf-8")
    repeat_command([*run, "commit", "-m", "first version"], root, 1, IDENTITY)
    for number in range(VERSIONS - 2):
        (root / "NOTES.md").write_text(f"note {number}\n", encoding="utf-8")
        repeat_command(["git", "add", "NOTES.md"], root, 1, IDENTITY)
        repeat_command(["git", "commit", "-q", "-m", f"note {number}"], root, 1, IDENTITY)
    labelers = root / "labelers" / "words.yaml"
    with labelers.open("a", encoding="utf-8") as file:
        file.write("- {name: parcel_words, task: Topic, keyword: [parcel, courier], label: delivery}\n")
    repeat_command([*run, "commit", "-m", "parcels"], root, 1, IDENTITY)
    return root


def flips() -> None:
    """The app on a comparison with many flips; the tests' gateway answers."""
    tests = Path(__file__).resolve().parent.parent / "tests" / "tui"
    sys.path.insert(0, str(tests))
    import fake

    from ovt.quality.slicediff import Flip
    from ovt_tui.app import SliceApp

    many = tuple(
        Flip("Intent", f"q-{number}", 0, "broken" if number % 2 else "fixed", "height", "height", "age", 0.8, 0.6, ())
        for number in range(FLIPS))
    SliceApp(fake.FakeGateway(flip_list=many), "HEAD~1", "HEAD").run()


if __name__ == "__main__":
    flips() if sys.argv[1:] == ["flips"] else main()
