"""`ovt publish [URL] [REV]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def publish(
    place: Annotated[str | None, typer.Argument(
        metavar="[URL]", help="s3://bucket/prefix or a folder (default: publish.to).")] = None,
    revision: Annotated[str, typer.Argument(metavar="[REV]", help="A commit or an alias.")] = "HEAD",
    again: Annotated[bool, typer.Option("--again", help="Send what is there already, too.")] = False,
) -> None:
    """Send a version where production finds it; aliases follow what was promoted."""
    from ovt.storage.git import git_of
    from ovt.workflows.shipping.publishing import publish as send

    found = project()
    # With the place in ovt.yaml, the only word may be a revision.
    lone = place if place and found.settings.publish.to and git_of(found.root).resolve(place) else None
    with progress() as listener:
        sent = send(found, lone or revision, listener, url=None if lone else place, again=again)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.publish/1", "url": sent.url, "commit": sent.commit, "bundle": sent.bundle.digest,
                     "sent": sent.bundle.sent, "bytes": sent.bundle.bytes, "files": sent.bundle.total,
                     "aliases": list(sent.aliases), "variants": list(sent.variants), "stale": list(sent.stale)})
        return
    what = f"{sent.bundle.sent} of {sent.bundle.total} files sent ({sent.bundle.bytes / 1e6:.1f} MB)" \
        if sent.bundle.sent else "nothing to send: it is all there"
    OUTPUT.data(f"{sent.commit[:12]} is bundle {sent.bundle.digest[:12]} at {sent.url}: {what}")
    if sent.variants:
        OUTPUT.data(f"with its variants {', '.join(sent.variants)}")
    for name in sent.stale:
        OUTPUT.note(f"variant `{name}` is stale: it was trained on other data than the model that is served")
    for alias in sent.aliases:
        OUTPUT.data(f"{alias} means it there too")
    OUTPUT.next(f"ovt serve {sent.url} --alias {sent.aliases[0]}" if sent.aliases
                else f"ovt promote {sent.commit[:12]} --to production")
