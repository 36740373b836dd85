"""What every route does with a body: read it within limits, answer its records, and say what is wrong."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Response

from ovt.serving.requests import Problem
from ovt.serving.server.batching import Batcher, BusyError, FailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

    from ovt.serving.server.limits import Limits
    from ovt.serving.server.metrics import Metrics
    from ovt.serving.server.record_log import RecordLog
    from ovt.serving.server.serving import Serving

LOG = logging.getLogger("ovt.serve")
JSON = "application/json"
SHOWN = 20
"""Bad records of one request that its error names."""


@dataclass(frozen=True)
class State:
    """What the routes share."""

    serving: Serving
    batcher: Batcher
    metrics: Metrics
    limits: Limits
    name: str
    log: RecordLog | None = None


class RequestError(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, what: str, *, at: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.body = {key: value for key, value in (("what", what), ("at", at), ("why", why), ("fix", fix)) if value}


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body, read no further than the limit."""
    announced = request.headers.get("content-length", "")
    too_long = RequestError(413, "the body is too long", why=f"more than {limits.body_bytes} bytes",
                            fix="send fewer records at a time")
    if announced.isdigit() and int(announced) > limits.body_bytes:
        raise too_long
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > limits.body_bytes:
            raise too_long
    return bytes(found)


def records_in(body: bytes) -> tuple[list[bytes], bool]:
    """The records of a body, and whether it is a list."""
    several = body.lstrip()[:1] == b"["
    try:
        if several:
            return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])], True
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "the body is no JSON", why=str(error),
                           fix='{"payloads": {…}}, or a list of such records') from None
    return [body], False


async def answered(state: State, lines: Sequence[bytes], *, several: bool) -> list[bytes]:
    """The answers to all records of a request, as JSON.

    Raises:
        RequestError: too many at once (413), too many wait (429), a bad record (422), or the model failed (500).
    """
    if len(lines) > state.limits.records:
        raise RequestError(413, "too many records at once", why=f"{len(lines)}, at most {state.limits.records}",
                           fix="send fewer, or use `ovt predict` for files")
    try:
        found = await state.batcher.answer(lines)
    except BusyError:
        state.metrics.refused.inc()
        raise RequestError(429, "too many requests wait", why=f"{state.batcher.waiting} records",
                           fix="try again shortly, and more slowly") from None
    except FailedError as error:
        state.metrics.failures.inc()
        LOG.error("the model failed: %s", error)  # noqa: TRY400 - the worker's stack is gone, and not for clients
        raise RequestError(500, "the model failed on this record", fix="tell whoever runs this server") from None
    answers = [answer for answer in found if isinstance(answer, bytes)]
    if len(answers) < len(found):
        state.metrics.problems.inc(len(found) - len(answers))
        raise _bad_records(found, several=several)
    state.metrics.records.inc(len(answers))
    if state.log is not None:
        for line in lines:
            state.log.take(line)
    return answers


def _bad_records(found: Sequence[bytes | Problem], *, several: bool) -> RequestError:
    """The first bad record in full, and the places of more."""
    bad = [(place, one) for place, one in enumerate(found) if isinstance(one, Problem)]
    place, first = bad[0]
    at = ".".join(part for part in (f"[{place}]" if several else "", first.path) if part)
    error = RequestError(422, "this is no record of the model's schema", at=at, why=first.why, fix=first.fix)
    if len(bad) > 1:
        error.body["more"] = ", ".join(f"[{other}]" for other, _ in bad[1:SHOWN])
    return error


def json_response(value: Any) -> Response:
    """A value as a response."""
    return Response(msgspec.json.encode(value), media_type=JSON)
