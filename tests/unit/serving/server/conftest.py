"""A server on a free port of this machine, and somebody who talks to it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ovt.serving.server.run import Listener, Options, serve

RECORD = {"id": "r", "payloads": {"query": "how tall is the tower"}}


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.content)


@dataclass
class Running:
    """A server that runs in a thread."""

    address: str
    notes: list[str]
    stop: Callable[[], None]

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        return host, int(port)

    def asks(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send one request."""
        connection = http.client.HTTPConnection(*self.place, timeout=30)
        try:
            content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            return Reply(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@dataclass
class Started:
    """Servers that this test started, ended with it."""

    ends: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, origin: Callable[[], Path], **options: Any) -> Running:
        """Serve in a thread; back when it answers."""
        ready, notes, addresses = threading.Event(), list[str](), list[str]()

        def told(address: str) -> None:
            addresses.append(address)
            ready.set()

        listener = Listener(told, notes.append)
        thread = threading.Thread(target=serve, args=(origin, Options(port=0, **options), listener))
        thread.start()
        assert ready.wait(30)

        def stop() -> None:
            listener.stop[0]()
            thread.join(30)
            assert not thread.is_alive()

        self.ends.append(stop)
        return Running(addresses[0], notes, stop)


@pytest.fixture
def start() -> Iterator[Started]:
    """Starts servers with options of one's own."""
    found = Started()
    yield found
    for end in found.ends:
        end()


@pytest.fixture(scope="module")
def running(bundle: Path) -> Iterator[Running]:
    """A server of the world's bundle."""
    found = Started()
    yield found(lambda: bundle)
    for end in found.ends:
        end()
