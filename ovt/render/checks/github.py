"""A check as GitHub workflow commands: lines of a log that GitHub shows as annotations on files.

GitHub shows ten errors and ten warnings of a step; the worst come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.render.checks.problems import changed_spots, problems

if TYPE_CHECKING:
    from ovt.quality.policy.verdict import CheckResult
    from ovt.render.checks.problems import Level, Spot

COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


def check_github(result: CheckResult) -> str:
    """One command per line, without a final newline; empty where there is nothing to annotate."""
    lines = [
        _command(COMMANDS[problem.level], problem.spot, f"ovt: {problem.rule}",
                 f"{problem.message}. {problem.fix}" if problem.fix else problem.message)
        for problem in problems(result)
    ]
    if result.standing and (result.blame is None or not result.blame.blames):
        lines += [_command("notice", spot, "ovt: changed", f"{spot.message}; it may or may not be to blame")
                  for spot in changed_spots(result)]
    return "\n".join(lines)


def _command(name: str, spot: Spot, title: str, message: str) -> str:
    parts = {"file": spot.path, "line": str(spot.line), "title": title}
    shown = ",".join(f"{key}={_property(value)}" for key, value in parts.items())
    return f"::{name} {shown}::{_data(message)}"


def _data(text: str) -> str:
    """As the runner unescapes it: a line break would end the command, and start another one."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
