"""While it runs: bursts, refusals, clients that leave, models that are replaced, and the end."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ovt.errors import MissingError
from ovt.serving.bundle import Request, write_bundle
from ovt.serving.server.batching import Batcher, BusyError, FailedError
from ovt.serving.server.run import Listener, Options, serve
from ovt.serving.server.serving import Serving

from .conftest import RECORD


class SlowModel:
    """Answers when it is let; remembers how many it was asked at once."""

    def __init__(self) -> None:
        self.gate, self.sizes = threading.Event(), list[int]()

    def predict_json(self, lines: list[bytes]) -> list[bytes]:
        """Wait, then echo."""
        self.sizes.append(len(lines))
        assert self.gate.wait(10)
        if any(b"bad" in line for line in lines):
            raise ZeroDivisionError
        return lines


class Holder:
    """What a batcher needs of a `Serving`."""

    def __init__(self, model: SlowModel) -> None:
        self._model = model

    def model(self) -> SlowModel:
        """The same for all threads."""
        return self._model


def test_what_waits_is_answered_together_and_what_cannot_wait_is_refused() -> None:
    model = SlowModel()
    batcher = Batcher(Holder(model), workers=1, most_waiting=10)

    async def burst() -> None:
        tasks = [asyncio.create_task(batcher.answer([b"%d" % number])) for number in range(11)]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await batcher.answer([b"one too many"])
        model.gate.set()
        assert await asyncio.gather(*tasks) == [[b"%d" % number] for number in range(11)]

    asyncio.run(burst())
    batcher.close()
    assert model.sizes == [1, 10]


def test_who_leaves_is_not_computed_for_and_who_fails_fails_alone() -> None:
    model = SlowModel()
    batcher = Batcher(Holder(model), workers=1)

    async def leave() -> None:
        first = asyncio.create_task(batcher.answer([b"first"]))
        gone = asyncio.create_task(batcher.answer([b"gone", b"gone too"]))
        bad, good = (asyncio.create_task(batcher.answer([line])) for line in (b"bad", b"good"))
        await asyncio.sleep(0.05)
        gone.cancel()
        model.gate.set()
        assert await first == [b"first"]
        assert await good == [b"good"]
        with pytest.raises(FailedError):
            await bad
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(leave())
    batcher.close()
    assert model.sizes == [1, 2, 1, 1]


def test_a_burst_over_http_is_answered_or_refused(bundle: Path, start) -> None:
    server = start(lambda: bundle, most_waiting=8)
    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(lambda _: server.asks("POST", "/predict", [RECORD] * 4), range(60)))
    assert {reply.status for reply in found} <= {200, 429}
    assert any(reply.status == 200 for reply in found)
    for reply in found:
        if reply.status == 429:
            assert reply.headers["retry-after"] == "1"
    assert server.asks("POST", "/predict", RECORD).status == 200


def test_a_client_that_hangs_up_harms_nobody(bundle: Path, start) -> None:
    server = start(lambda: bundle)
    for sent in (b"", b"POST /predict HT", b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
                 b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]"):
        for _ in range(5):
            with socket.create_connection(server.place, timeout=5) as connection:
                connection.sendall(sent)
    assert server.asks("POST", "/predict", RECORD).status == 200
    assert not server.notes


def test_another_bundle_is_served_without_a_request_lost(
    bundle: Path, model_folder: Path, tmp_path: Path, start,
) -> None:
    other = tmp_path / "other"
    write_bundle(other, model_folder, Request(key="1" * 64))
    now = [bundle]
    server = start(lambda: now[0], poll_seconds=0.05)
    statuses, done = list[int](), threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            statuses.append(server.asks("POST", "/predict", RECORD).status)

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(keep_asking)
        now[0] = other
        deadline = time.monotonic() + 20
        while not server.notes and time.monotonic() < deadline:
            time.sleep(0.02)
        done.set()
    assert set(statuses) == {200}
    assert server.notes[0].startswith("now serving")
    assert '1111"' in server.asks("GET", "/metrics").content.decode()


def test_a_bad_replacement_changes_nothing(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    shutil.copytree(bundle, place)
    serving = Serving(lambda: place)
    before = serving.now
    assert serving.refresh() is False
    (place / "bundle.json").write_text("{}")
    assert serving.refresh() is False
    assert serving.now is before
    assert "another format" in str(serving.problem)
    shutil.rmtree(place)
    assert serving.refresh() is False
    assert serving.problem is not None
    shutil.copytree(bundle, place)
    (place / "model.onnx").write_bytes(b"")
    serving.refresh()
    assert serving.now is before
    assert serving.model().predict([RECORD])


def test_told_to_stop_it_gives_the_answers_it_owes(bundle: Path, start) -> None:
    server = start(lambda: bundle)
    body = b"[" + b",".join([b'{"payloads": {"query": "how tall is it"}}'] * 900) + b"]"
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(server.asks, "POST", "/predict", body)
        time.sleep(0.05)
        server.stop()
        assert (reply.result().status, len(reply.result().json)) == (200, 900)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(server.place, timeout=2)


def test_what_cannot_be_served(tmp_path: Path, bundle: Path) -> None:
    listener = Listener(lambda address: None, lambda note: None)
    with pytest.raises(MissingError, match="no bundle"):
        serve(lambda: tmp_path, Options(port=0), listener)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(MissingError, match="cannot listen"):
            serve(lambda: bundle, Options(port=taken.getsockname()[1]), listener)
