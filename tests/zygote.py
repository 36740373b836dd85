"""Runs `ovt` command lines in forked children of one warm process, and kills a child where it is told to.

Started as `python zygote.py`; one JSON request a line on stdin, one JSON answer a line on stdout. A request:
`cwd`, `words` (after `ovt`), and at most one of

- `kill_at`: the number of the event before which the child is killed. Events are what changes files below the folder
  (or below `ZYGOTE_TOP` of `env`): every rename, replace, link, removal and opening for writing, as Python's audit
  hooks report them, so that no line of the program knows about it;
- `fail_at`: the number of the event that fails with ENOSPC instead;
- `kill_after`: seconds, for the child with all its children.

The answer: `code` (negative: the signal), `events`, `out`, `err`, and `names` of the events where `names` was asked for.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.remove", "os.link", "os.symlink", "os.rmdir", "os.truncate", "os.mkdir"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    warm_up()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()


def warm_up() -> None:
    """Import what costs a second each time."""
    import dvc.repo  # noqa: F401
    import dvc_data.hashfile.transfer  # noqa: F401
    import dvc_objects.fs.local  # noqa: F401

    import ovt.cli.main
    import ovt.cli.verbs.commit
    import ovt.workflows.committing.commit  # noqa: F401


def serve(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            run_child(request, Path(folder))
        timer = threading.Timer(request.get("kill_after") or 600.0, stop, (child,))
        timer.start()
        _, status = os.waitpid(child, 0)
        timer.cancel()
        read = {name: (Path(folder) / name).read_text(errors="replace") if (Path(folder) / name).is_file() else ""
                for name in ("out", "err", "events")}
    names = read["events"].splitlines()
    return {"code": os.waitstatus_to_exitcode(status), "out": read["out"], "err": read["err"], "events": len(names),
            **({"names": names} if request.get("names") else {})}


def stop(child: int) -> None:
    """Kill the child and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def run_child(request: dict[str, Any], folder: Path) -> None:
    os.setpgid(0, 0)
    os.chdir(request["cwd"])
    os.environ.update(request.get("env") or {})
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(folder / "events", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    from ovt.cli.main import main as ovt

    watch(log, request)
    code = 70
    try:
        code = ovt(request["words"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def watch(log: int, request: dict[str, Any]) -> None:
    """Count what changes files, and strike at the event that was asked for."""
    me, count = os.getpid(), [0]
    top = os.environ.get("ZYGOTE_TOP", request["cwd"])

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not changes(event, arguments, top) or os.getpid() != me:
            return
        count[0] += 1
        os.write(log, f"{event} {arguments[0]}\n".encode(errors="replace"))
        if count[0] == request.get("kill_at"):
            os.kill(me, signal.SIGKILL)
        if count[0] == request.get("fail_at"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

    sys.addaudithook(hook)


def changes(event: str, arguments: tuple[Any, ...], top: str) -> bool:
    """Whether an event changes a file of the project (or one that is named relative to it)."""
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, (str, bytes)) or not isinstance(flags, int) or not flags & WRITING:
            return False
    elif event not in CHANGES:
        return False
    name = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
    return name.startswith(top) or not name.startswith("/")


if __name__ == "__main__":
    main()
