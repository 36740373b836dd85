"""Routes of the Open Inference Protocol, version 2 (see `protocol`)."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI, Request, Response  # noqa: TC002 - FastAPI reads the annotations

from ovt.serving.server.exchange import RequestError, State, answered, json_response, read_body
from ovt.serving.server.protocol import InferRequest, TensorError, metadata, outputs_of, records_of

SHORT = 12
"""Letters of a bundle's digest that name a version."""


def add_protocol_routes(app: FastAPI, state: State) -> None:
    """Server, model and inference."""
    _server_routes(app)
    _model_routes(app, state)

    @app.post("/v2/models/{name}/infer")
    @app.post("/v2/models/{name}/versions/{version}/infer")
    async def infer(request: Request, name: str, version: str | None = None) -> Response:
        _known(state, name, version)
        asked = _infer_request(await read_body(request, state.limits))
        schema = state.serving.now.model.schema
        try:
            lines = records_of(asked, schema)
            outputs_of(asked, schema, ())
            found = [msgspec.json.decode(answer) for answer in await answered(state, lines, several=True)]
            outputs = outputs_of(asked, schema, found)
        except TensorError as error:
            raise RequestError(400, "the tensors are not what the model takes", why=str(error),
                               fix=f"GET /v2/models/{name} tells what it takes") from None
        answer = {"model_name": name, "model_version": version_of(state), "outputs": outputs}
        return json_response(answer if asked.id is None else {**answer, "id": asked.id})


def _server_routes(app: FastAPI) -> None:
    from ovt import __version__

    @app.get("/v2")
    async def server() -> Response:
        return json_response({"name": "ovt", "version": __version__, "extensions": []})

    @app.get("/v2/health/live")
    async def live() -> Response:
        return json_response({"live": True})

    @app.get("/v2/health/ready")
    async def ready() -> Response:
        return json_response({"ready": True})


def _model_routes(app: FastAPI, state: State) -> None:
    @app.get("/v2/models/{name}")
    @app.get("/v2/models/{name}/versions/{version}")
    async def about(name: str, version: str | None = None) -> Response:
        _known(state, name, version)
        model = state.serving.now.model
        return json_response(metadata(name, version_of(state), model.schema, model.signature))

    @app.get("/v2/models/{name}/ready")
    @app.get("/v2/models/{name}/versions/{version}/ready")
    async def model_ready(name: str, version: str | None = None) -> Response:
        _known(state, name, version)
        return json_response({"name": name, "ready": True})


def _known(state: State, name: str, version: str | None) -> None:
    if name != state.name:
        raise RequestError(404, f"no model `{name}`", fix=f"there is `{state.name}`")
    if version not in {None, version_of(state)}:
        raise RequestError(404, f"no version `{version}`", fix=f"`{version_of(state)}` is served")


def _infer_request(body: bytes) -> InferRequest:
    try:
        return msgspec.json.decode(body, type=InferRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, "the body is no inference request", why=str(error),
                           fix='{"inputs": [{"name": …, "shape": …, "datatype": …, "data": […]}]}') from None


def version_of(state: State) -> str:
    """The version of the model, as the protocol names it."""
    return state.serving.now.identity[:SHORT]
