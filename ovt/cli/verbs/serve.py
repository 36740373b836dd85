"""`ovt serve [PLACE]`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()
MEGABYTE = 1 << 20


@app.command()
def serve(
    place: Annotated[str | None, typer.Argument(
        metavar="[PLACE]", help="A bundle, or where versions are published (default: this project).")] = None,
    revision: Annotated[str | None, typer.Option("--rev", metavar="REV", help="A version of this project.")] = None,
    alias: Annotated[str | None, typer.Option("--alias", help="Follow what is promoted, e.g. production.")] = None,
    variant: Annotated[str | None, typer.Option("--variant", help="Of the model, instead of the first.")] = None,
    host: Annotated[str, typer.Option("--host", help="0.0.0.0 for everyone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", help="0: any that is free.")] = 8100,
    name: Annotated[str, typer.Option("--name", help="In the paths of the Open Inference Protocol.")] = "model",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Threads that answer (default: one a core).")] = (
        os.cpu_count() or 1),
    waiting: Annotated[int, typer.Option("--queue", min=1, help="Records that may wait; then 429.")] = 1024,
    body: Annotated[float, typer.Option("--max-body", min=0.001, help="Megabytes of one request.")] = 1.0,
    poll: Annotated[float, typer.Option("--poll", min=0.05, help="Seconds between looks at the alias.")] = 5.0,
    cache: Annotated[Path | None, typer.Option("--cache", help="Where fetched bundles are kept.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Of an S3 server that is not Amazon's.")] = None,
    log: Annotated[Path | None, typer.Option("--log", metavar="DIR", help="Write a sample of the records.")] = None,
    share: Annotated[float, typer.Option("--log-share", min=0, max=1, help="Of the records.")] = 0.01,
    redact: Annotated[bool, typer.Option("--redact/--no-redact", help="Take out mail addresses and the like.")] = True,
) -> None:
    """Answer over HTTP: JSON records, and the Open Inference Protocol v2. Stops on Ctrl-C or SIGTERM."""
    from ovt.serving.server.limits import Limits
    from ovt.serving.server.record_log import LogPolicy
    from ovt.serving.server.run import Listener, Options
    from ovt.serving.server.run import serve as run
    from ovt.workflows.shipping.serving import Asked, origin_of

    # One's own folder: what is fetched is believed later, so nobody else may write there.
    kept = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ovt/bundles"
    with progress() as listener:
        origin = origin_of(Asked(place, revision, alias, variant, endpoint), project, listener, kept)
        origin()
    policy = LogPolicy(log, share, redact) if log is not None else None
    options = Options(host, port, name, workers, waiting, poll, Limits(int(body * MEGABYTE)), policy)
    run(origin, options, Listener(_ready, OUTPUT.note))


def _ready(address: str) -> None:
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.serve/1", "address": address})
    else:
        OUTPUT.data(f"serving at {address}")
    OUTPUT.note(f"try: curl {address}/predict -d '{{\"payloads\": {{…}}}}'  ·  {address}/docs")
