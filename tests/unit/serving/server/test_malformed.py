"""Ten thousand requests that are wrong: always a 4xx that says why, never a 500, never a word about the inside."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from ovt.serving.server.app import make_app
from ovt.serving.server.batching import Batcher
from ovt.serving.server.exchange import State
from ovt.serving.server.limits import Limits
from ovt.serving.server.metrics import Metrics
from ovt.serving.server.serving import Serving

GOOD = b'{"id": "r", "payloads": {"query": "how tall is the tower", "tokens": ["how", "tall"]}}'
TENSORS = b'{"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": ["how tall"]}]}'
PATHS = ("/predict", "/v2/models/model/infer")
INSIDE = ("Traceback", 'File "', ".py", "site-packages", "/home", "/tmp", "object at 0x")
VALUES: tuple[Any, ...] = (
    None, True, -1, 1e308, 2**70, "", "\x00", "\ud800", "x" * 3000, [], {}, [[]], {"a": {"b": []}}, [None], float("nan"),
)


@pytest.fixture(scope="module")
def app(bundle: Path):
    """The application without a socket."""
    serving = Serving(lambda: bundle)
    return make_app(State(serving, Batcher(serving, 1, 10_000), Metrics(), Limits(body_bytes=2000), "model"))


async def asks(app: Any, path: str, body: bytes) -> tuple[int, bytes]:
    """One request, as a server would hand it over."""
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
             "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [], "client": ("x", 1),
             "server": ("x", 80), "root_path": ""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def bent(dice: random.Random, good: bytes) -> bytes:
    """A body with something wrong in it, most of the time."""
    kind = dice.randrange(4)
    if kind == 0:  # bytes changed, cut or doubled
        raw = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(len(raw))
            raw[place:place + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
            raw = raw or bytearray(b"x")
        return bytes(raw)
    if kind == 1:
        return dice.randbytes(dice.randrange(200))
    value = json.loads(good)
    _bend(dice, value)
    text = json.dumps(value if kind == 2 else [value, json.loads(good)])
    return text.encode("utf-8", "surrogatepass")


def _bend(dice: random.Random, value: Any) -> None:
    """Replace, remove or add something somewhere inside."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = dice.choice(keys)
    if isinstance(value[key], dict | list) and value[key] and dice.random() < 0.7:
        _bend(dice, value[key])
    elif dice.random() < 0.3 and isinstance(value, dict):
        value[dice.choice(["x", "payload", "", "tasks", "tags", "id"])] = dice.choice(VALUES)
    else:
        value[key] = dice.choice(VALUES)


@pytest.mark.parametrize("requests", [1500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_malformed_requests(app: Any, caplog: pytest.LogCaptureFixture, requests: int) -> None:
    dice = random.Random(4)

    async def all_of_them() -> dict[int, int]:
        counts: dict[int, int] = {}
        for number in range(requests):
            path, good = (PATHS[0], GOOD) if number % 2 else (PATHS[1], TENSORS)
            body = bent(dice, good)
            status, answer = await asks(app, path, body)
            assert status < 500, body
            if status != 200:
                error = json.loads(answer)["error"]
                told = error if isinstance(error, str) else " ".join(error.values())
                assert len(told) > 10, body
                assert not any(word in told for word in INSIDE), (body, told)
            counts[status] = counts.get(status, 0) + 1
        return counts

    counts = asyncio.run(all_of_them())
    assert counts[400] > requests / 5
    assert counts[422] > requests / 10
    assert counts[413] > requests / 100
    assert not caplog.records
