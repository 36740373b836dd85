"""`ovt promote REV --to ALIAS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ovt.cli.output import OUTPUT
from ovt.cli.session import progress, project, verb_app

if TYPE_CHECKING:
    from ovt.versions.promotions import Promotion
    from ovt.workflows.shipping.promoting import Promoted

app = verb_app()


@app.command()
def promote(
    revision: Annotated[str, typer.Argument(metavar="REV", help="A branch, tag or commit.")],
    to: Annotated[str, typer.Option("--to", metavar="ALIAS", help="e.g. production.")],
    waive: Annotated[str, typer.Option("--waive", metavar="REASON", help="Promote it whatever the check says.")] = "",
    publish: Annotated[bool, typer.Option(
        "--publish/--no-publish", help="Also send it where `publish.to` of ovt.yaml says.")] = True,
) -> None:
    """Let production mean this version, if its check against the present one passes: exit 1 where it does not."""
    from ovt.versions.history import resolve
    from ovt.workflows.shipping.promoting import promote as move
    from ovt.workflows.shipping.publishing import follow, stale_variants

    found = project()
    with progress() as listener:
        result = move(found, revision, to, listener, waive=waive)
        place = follow(found, result.promotion, listener) if publish and result.promotion else None
    for name in stale_variants(found, resolve(found, revision)):
        OUTPUT.note(f"variant `{name}` is stale: it was trained on other data than the model that is served")
    if OUTPUT.as_json:
        OUTPUT.json(_plain(result, place))
    else:
        _tell(result, revision, to, place)
    if result.promotion is None:
        raise typer.Exit(result.check.exit_code if result.check else 1)


def _plain(result: Promoted, place: str | None) -> dict[str, object]:
    made = result.promotion
    return {"format": "ovt.promote/1", "moved": result.moved, "published": place,
            "promotion": promotion_json(made) if made else None,
            "check": {"verdict": result.check.verdict, "reasons": list(result.check.reasons)} if result.check else None}


def promotion_json(made: Promotion) -> dict[str, object]:
    """A move of an alias for `--json`."""
    return {"alias": made.alias, "serial": made.serial, "tag": made.tag, "commit": made.commit, "kind": made.kind,
            "by": made.by, "when": made.when, "key": made.key, "verdict": made.verdict, "against": made.against,
            "waiver": made.waiver}


def _tell(result: Promoted, revision: str, alias: str, place: str | None) -> None:
    made, found = result.promotion, result.check
    if found is not None and (made is None or made.waiver):
        for reason in found.reasons:
            OUTPUT.note(f"  {reason}")
    if made is None:
        OUTPUT.data(f"{revision} was not promoted: its check did not pass")
        OUTPUT.next(f"ovt check {_present(found)} --head {revision} --blame")
        return
    if not result.moved:
        OUTPUT.data(f"{alias} means {made.commit[:12]} already ({made.tag})")
    else:
        waived = f", waived: {made.waiver}" if made.waiver else ""
        OUTPUT.data(f"{alias} means {made.commit[:12]} now ({made.tag}; {made.verdict}{waived})")
    if place:
        OUTPUT.data(f"published: {place}")
    OUTPUT.next(f"git push origin {made.tag}")


def _present(found: object) -> str:
    diff = getattr(found, "diff", None)
    return diff.a.name if diff is not None else ""
