"""A server under a burst: how long clients wait while ten times as many come, and what they get.

    python benchmarks/serving_http.py

`ovt serve` runs in a process of its own, with the CNN and the LSTM of `serving.py`. Clients send single records at
given moments, whether or not earlier ones were answered (an open loop: a slow server cannot slow its clients down),
and a request's time counts from the moment at which it was due. Clients and server share this machine's cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from measuring import THREADS, Row, save
from serving import SHAPES, Shape, records, untrained

STEADY, BURST = 60, 600
"""Requests a second."""
BEFORE, DURING, AFTER = 4.0, 3.0, 4.0
"""Seconds."""
CONNECTIONS = 64


@dataclass
class Phase:
    """What the requests of one phase got."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    other: int = 0

    def at(self, percent: float) -> float:
        """Milliseconds that so many percent did not exceed."""
        return round(1000 * float(np.percentile(self.seconds, percent)), 2)


def main() -> None:
    """Measure both networks."""
    rows = []
    for name in ("CNN", "LSTM"):
        for phase, found, rate in measured(SHAPES[name]):
            what = f"{name}: {phase}, {rate} requests/s"
            answered = round(100 * len(found.seconds) / total(found), 2)
            told = (("p50", found.at(50), "ms"), ("p99", found.at(99), "ms"), ("answered", answered, "%"))
            rows += [Row(f"{what}, {part}", "–", None, value, unit) for part, value, unit in told]
            assert not found.other, f"{found.other} requests got neither an answer nor 429"
    save("serving_http", "A server under a burst", rows, ("onnxruntime", "fastapi", "uvicorn"))


def total(found: Phase) -> int:
    """Requests of a phase."""
    return len(found.seconds) + found.refused + found.other


def measured(shape: Shape) -> list[tuple[str, Phase, int]]:
    """Before, during and after a burst."""
    with tempfile.TemporaryDirectory(prefix="ovt-http-") as scratch:
        bundle(Path(scratch), shape)
        command = [sys.executable, "-m", "ovt", "--json", "serve", str(Path(scratch, "bundle")), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  env={**os.environ, **THREADS})
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            host, _, port = address.removeprefix("http://").rpartition(":")
            asyncio.run(load(host, int(port), [("warm", 1.0, STEADY)]))
            plan = [("steady", BEFORE, STEADY), ("burst", DURING, BURST), ("steady again", AFTER, STEADY)]
            found = asyncio.run(load(host, int(port), plan))
            return [(name, found[name], rate) for name, _, rate in plan]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def bundle(folder: Path, shape: Shape) -> None:
    """Write a bundle of an untrained network."""
    from ovt.serving.bundle import Request, write_bundle
    from ovt.training.model_files import save_model
    from ovt.training.optimisation.fit import Fitted
    from ovt.training.optimisation.outcome import Outcome

    save_model(folder / "model", Fitted(*untrained(shape), Outcome(1, 1, None)))
    write_bundle(folder / "bundle", folder / "model", Request(key="0" * 64))


async def load(host: str, port: int, plan: list[tuple[str, float, int]]) -> dict[str, Phase]:
    """Send requests as planned, at random moments (Poisson), and wait for all of them."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))
    dice, bodies = random.Random(1), records(500)
    found = {name: Phase() for name, _, _ in plan}
    sent, due = [], time.perf_counter()
    for name, seconds, rate in plan:
        end = due + seconds
        while (due := due + dice.expovariate(rate)) < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(asyncio.create_task(ask(free, dice.choice(bodies), due, found[name])))
        due = end
    await asyncio.gather(*sent)
    while not free.empty():
        free.get_nowait()[1].close()
    return found


async def ask(
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]], body: bytes, due: float, phase: Phase,
) -> None:
    """One request over a connection that is free."""
    reader, writer = await free.get()
    writer.write(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    await reader.readexactly(int(lengths[0].split(b":")[1]))
    free.put_nowait((reader, writer))
    status = int(head.split(b" ", 2)[1])
    if status == 200:
        phase.seconds.append(time.perf_counter() - due)
    elif status == 429:
        phase.refused += 1
    else:
        phase.other += 1


if __name__ == "__main__":
    main()
