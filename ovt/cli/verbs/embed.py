"""`ovt embed [--payload P]`."""

from __future__ import annotations

from typing import Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

app = verb_app()


@app.command()
def embed(
    payload: Annotated[list[str] | None, typer.Option(
        "--payload", "-p", help="Whose vectors; may be repeated (default: those of ovt.yaml).")] = None,
) -> None:
    """Vectors of words, entities or records as a versioned product, compared with the last one."""
    from ovt.workflows.shipping.embedding import FOLDER, WARN_BELOW
    from ovt.workflows.shipping.embedding import embed as write

    with progress() as listener:
        made = write(project(), tuple(payload or ()), listener)
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.embed/1", "products": [
            {"payload": one.payload, "kind": one.kind, "rows": one.rows, "size": one.size,
             "overlap": one.drift.overlap if one.drift else None, "distance": one.drift.distance if one.drift else None}
            for one in made]})
        return
    OUTPUT.table(
        ("payload", "of", "vectors", "size", "neighbours kept", "distance"),
        [(one.payload, one.kind, f"{one.rows:,}", str(one.size), f"{one.drift.overlap:.2f}" if one.drift else "–",
          f"{one.drift.distance:.2f}" if one.drift else "–") for one in made], right=frozenset(range(2, 6)),
    )
    for one in made:
        if one.moved:
            OUTPUT.note(f"`{one.payload}` moved a lot: fewer than {WARN_BELOW:.0%} of the neighbours are the same, "
                        "so whoever uses the last one should train again")
    OUTPUT.next(f'git add {FOLDER} && git commit -m "vectors" && ovt push')
