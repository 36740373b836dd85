"""`ovt status`."""

from __future__ import annotations

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app
from ovt.cli.verbs.jobs import show

app = verb_app()


@app.command()
def status() -> None:
    """What is up to date here, and what trains in the background."""
    from ovt.workflows.background.jobs import resume
    from ovt.workflows.status import look

    resume(project())
    found = look(project())
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.status/1", "state": found.state, "stages": found.stale,
                     "changed": list(found.changed), "metrics": found.metrics, "jobs": len(found.queue.open)})
        return
    states = [(name, f"stale: {why}" if why else "up to date") for name, why in found.stale.items()]
    OUTPUT.table(("stage", "state"), states)
    for folder in found.changed:
        OUTPUT.note(f"{folder}/ has changes that DVC has not recorded yet")
    for product in found.due:
        age = "were never made" if product.age is None else f"are {product.age / 86400:.0f} days old"
        OUTPUT.note(f"embeddings of {product.payload} {age}, and due every {product.every}: ovt embed")
    for name in found.stale_variants:
        OUTPUT.note(f"variant `{name}` is stale: it was trained on other data than the model that is served")
    for task, value in found.metrics.items():
        OUTPUT.note(f"{task}: {value:.4f} on test")
    if found.queue.open:
        show(found.queue)
        OUTPUT.next("ovt jobs wait")
    elif any(found.stale.values()):
        OUTPUT.next("ovt run")
    else:
        OUTPUT.next("ovt show")
