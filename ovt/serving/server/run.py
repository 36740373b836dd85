"""The process that serves: its socket, its signals, and the eye on what should be served."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.serving.server.limits import Limits
from ovt.serving.server.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ovt.serving.server.exchange import State
    from ovt.serving.server.record_log import LogPolicy
    from ovt.serving.server.serving import Origin

STOP_SECONDS = 10
"""What runs may go on so long after the server was told to stop."""


@dataclass(frozen=True)
class Options:
    """How to serve."""

    host: str = "127.0.0.1"
    port: int = 8100
    """0: any that is free."""
    name: str = "model"
    """Under which the Open Inference Protocol knows the model."""
    workers: int = 1
    """Threads that answer."""
    most_waiting: int = 1024
    """Records that may wait; beyond, requests are refused."""
    poll_seconds: float = 5.0
    """How often to look whether something else should be served."""
    limits: Limits = field(default_factory=Limits)
    log: LogPolicy | None = None


@dataclass
class Listener:
    """Hears what the server does."""

    ready: Callable[[str], None]
    """Its address, once it answers."""
    note: Callable[[str], None]
    """Another bundle is served, or could not be."""
    stop: list[Callable[[], None]] = field(default_factory=list)
    """Filled when it runs: call the first to stop it, as SIGTERM does."""


def serve(origin: Origin, options: Options, listener: Listener) -> None:
    """Serve until told to stop: then requests that are under way get their answers.

    Raises:
        MissingError: there is nothing to serve, the address is taken, or a package is not installed.
    """
    try:
        import prometheus_client  # noqa: F401
        import uvicorn

        from ovt.serving.server.app import make_app
    except ImportError as error:
        raise MissingError("serving needs packages that are not here", why=str(error), fix="install them",
                           command="pip install 'ovt[serve]'") from None
    state = _state(Serving(origin), options)
    listening = _socket(options)
    config = uvicorn.Config(
        make_app(state), log_level="error", access_log=False, lifespan="off", server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS, backlog=2048,
    )

    class Server(uvicorn.Server):
        """One that ends in order: uvicorn's own raises the signal once more, before the record log is closed."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            with _ending_on_signals(self):
                yield

    server = Server(config)
    listener.stop.append(lambda: setattr(server, "should_exit", True))
    try:
        asyncio.run(_run(server, listening, state, options, listener))
    finally:
        listening.close()
        state.batcher.close()
        if state.log is not None:
            state.log.close()


def _state(serving: Serving, options: Options) -> State:
    from ovt.serving.server.batching import Batcher
    from ovt.serving.server.exchange import State
    from ovt.serving.server.metrics import Metrics
    from ovt.serving.server.record_log import RecordLog

    metrics = Metrics()
    log = RecordLog(options.log, metrics.logged.inc) if options.log is not None else None
    batcher = Batcher(serving, options.workers, options.most_waiting, metrics.together.observe)
    return State(serving, batcher, metrics, options.limits, options.name, log)


async def _run(
    server: object, listening: socket.socket, state: State, options: Options, listener: Listener,
) -> None:
    import uvicorn

    assert isinstance(server, uvicorn.Server)
    again = asyncio.Event()
    with contextlib.suppress(RuntimeError):  # not in the main thread
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again.set)
    watching = asyncio.create_task(_watch(state, options.poll_seconds, again, listener))
    telling = asyncio.create_task(_tell_ready(server, listening, listener))
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in (watching, telling):
            task.cancel()


@contextlib.contextmanager
def _ending_on_signals(server: object) -> Iterator[None]:
    """Ctrl-C and SIGTERM let the server end well; a second one does not wait for answers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        setattr(server, "force_exit" if getattr(server, "should_exit", False) else "should_exit", True)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _tell_ready(server: object, listening: socket.socket, listener: Listener) -> None:
    while not getattr(server, "started", False):
        await asyncio.sleep(0.01)
    host, port = listening.getsockname()[:2]
    listener.ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


async def _watch(state: State, seconds: float, again: asyncio.Event, listener: Listener) -> None:
    """Look at what should be served, every so often and on SIGHUP."""
    told = None
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(again.wait(), seconds)
        again.clear()
        replaced = await asyncio.to_thread(state.serving.refresh)
        problem = state.serving.problem
        if replaced:
            state.metrics.reloads.labels("replaced").inc()
            listener.note(f"now serving {state.serving.now.identity[:12]}")
        elif problem is not None:
            state.metrics.reloads.labels("failed").inc()
            if str(problem) != told:
                listener.note(f"still serving {state.serving.now.identity[:12]}: {problem}")
        told = str(problem) if problem is not None else None


def _socket(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((options.host, options.port))
    except OSError as error:
        listening.close()
        raise MissingError(f"cannot listen on {options.host}:{options.port}", why=error.strerror or str(error),
                           fix="another port", command="ovt serve --port 0") from None
    return listening
