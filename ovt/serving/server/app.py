"""The routes: bodies in, answers and errors out.

    POST /predict                    one record, or a list of them
    GET  /signature                  inputs, outputs and classes
    GET  /metrics                    for Prometheus
    GET  /v2, /v2/health/live, /v2/health/ready
    GET  /v2/models/NAME[/versions/V][/ready]
    POST /v2/models/NAME[/versions/V]/infer

A client that errs gets a 4xx that says what, where, why and the fix; nobody
gets a stack trace. The status is 429 where too many wait, 503 while the
server starts or stops.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from ovt.serving.server.exchange import JSON, LOG, RequestError, State, answered, json_response, read_body, records_in
from ovt.serving.server.metrics import CONTENT_TYPE
from ovt.serving.server.protocol_routes import add_protocol_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ovt.serving.server.metrics import Metrics

RETRY_AFTER = "1"


def make_app(state: State) -> FastAPI:
    """The application."""
    app = FastAPI(title=f"ovt: {state.name}", version=state.serving.now.key[:12] or "0", redoc_url=None)
    app.add_middleware(Counted, metrics=state.metrics)
    _tell_errors(app)
    _predict_routes(app, state)
    add_protocol_routes(app, state)
    return app


def _predict_routes(app: FastAPI, state: State) -> None:
    @app.post("/predict")
    async def predict(request: Request) -> Response:
        """Answer a record, or a list of records; nothing is answered unless all of them can be."""
        body = await read_body(request, state.limits)
        lines, several = records_in(body)
        answers = await answered(state, lines, several=several)
        return Response(b"[" + b",".join(answers) + b"]" if several else answers[0], media_type=JSON)

    @app.get("/signature")
    async def signature() -> Response:
        """Inputs, outputs and classes: they change with the schema alone."""
        return json_response(state.serving.now.model.signature)

    @app.get("/metrics")
    async def metrics() -> Response:
        """For Prometheus."""
        state.metrics.waiting.set(state.batcher.waiting)
        state.metrics.serves(state.serving)
        return Response(state.metrics.text(), media_type=CONTENT_TYPE)


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def mistaken(request: Request, error: RequestError) -> Response:
        headers = {"Retry-After": RETRY_AFTER} if error.status == 429 else {}
        body = error.body
        if request.url.path.startswith("/v2/"):  # the protocol has one line for it
            body = "; ".join(body.values())  # type: ignore[assignment]
        return Response(msgspec.json.encode({"error": body}), error.status, headers, JSON)

    @app.exception_handler(HTTPException)
    async def elsewhere(_request: Request, error: HTTPException) -> Response:
        fix = "POST /predict, or see /docs"
        return Response(msgspec.json.encode({"error": {"what": str(error.detail).lower(), "fix": fix}}),
                        error.status_code, dict(error.headers or {}), JSON)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return Response(msgspec.json.encode({"error": {"what": "the server failed", "fix": "its log says why"}}), 500,
                        media_type=JSON)


class Counted:
    """Every request by route and status; all paths that are no route are counted under one name.

    Plain ASGI: Starlette's own middleware hides from a route that its client has gone.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and look at the status of what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)
