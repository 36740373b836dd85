"""`ovt hooks install|uninstall|status`."""

from __future__ import annotations

from ovt.cli.output import OUTPUT
from ovt.cli.session import project, verb_app

app = verb_app()


@app.command()
def install() -> None:
    """Put the Git hooks in place; an existing hook is kept and runs first."""
    from ovt.workflows.background.hooks import install as put_in

    _tell(put_in(project()), "the hooks are in place already")


@app.command()
def uninstall() -> None:
    """Take them out; what was there before comes back byte for byte."""
    from ovt.workflows.background.hooks import uninstall as take_out

    _tell(take_out(project()), "there are none of ovt's hooks")


@app.command()
def status() -> None:
    """Which hooks are in place."""
    from ovt.workflows.background.hooks import status as look

    found = look(project())
    if OUTPUT.as_json:
        OUTPUT.json({"format": "ovt.hooks/1", "hooks": [
            {"event": hook.event, "state": hook.state, "chained": hook.chained, "path": str(hook.path)}
            for hook in found]})
        return
    OUTPUT.table(("hook", "state", "runs before it", "path"), [
        (hook.event, hook.state, "yes" if hook.chained else "–", str(hook.path)) for hook in found])


def _tell(lines: tuple[str, ...], nothing: str) -> None:
    for line in lines or (nothing,):
        OUTPUT.data(line)
