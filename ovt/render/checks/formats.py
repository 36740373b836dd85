"""The formats of `ovt check`, by name and by the ending of a file's name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ovt.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ovt.quality.policy.verdict import CheckResult

FORMATS = ("text", "md", "json", "junit", "sarif", "github", "codequality", "openmetrics", "badge")
SUFFIXES = {
    ".txt": "text", ".log": "text", ".md": "md", ".markdown": "md", ".json": "json", ".xml": "junit", ".sarif": "sarif",
    ".sarif.json": "sarif", ".codequality.json": "codequality", ".prom": "openmetrics", ".openmetrics": "openmetrics",
    ".svg": "badge",
}
STDOUT = "-"


@dataclass(frozen=True)
class Target:
    """One text to write, and where: a file, or `-` for stdout."""

    form: str
    path: str


def targets(forms: Sequence[str], outputs: Sequence[str], default: str = "text") -> tuple[Target, ...]:
    """What to write where.

    The n-th `--format` goes to the n-th `--output`. An output beyond the
    formats names its own: `FORMAT:FILE`, or by the ending of the file's name.
    A format beyond the outputs goes to stdout. Where nothing goes to stdout,
    the default does.

    Raises:
        UsageError: an unknown format, an ending that names none, two texts for stdout or for one file.
    """
    for form in forms:
        _known(form)
    paired = [_target(output, forms[number] if number < len(forms) else None) for number, output in enumerate(outputs)]
    found = [*paired, *(Target(form, STDOUT) for form in forms[len(outputs):])]
    if not any(target.path == STDOUT for target in found):
        found.append(Target(default, STDOUT))
    _refuse_twins(found)
    return tuple(found)


def render(result: CheckResult, form: str) -> str:
    """A check in one of `FORMATS`, ending in a line break unless it is empty."""
    text = _render(result, form)
    return f"{text.rstrip(chr(10))}\n" if text else ""


def _render(result: CheckResult, form: str) -> str:
    from ovt.render.as_json import check_json
    from ovt.render.checks.badge import check_badge
    from ovt.render.checks.codequality import check_codequality
    from ovt.render.checks.github import check_github
    from ovt.render.checks.junit import check_junit
    from ovt.render.checks.openmetrics import check_openmetrics
    from ovt.render.checks.sarif import check_sarif
    from ovt.render.checks.verdict_text import check_text
    from ovt.render.markdown import check_markdown

    texts = {"text": check_text, "md": check_markdown, "junit": check_junit, "github": check_github,
             "openmetrics": check_openmetrics, "badge": check_badge}
    values: dict[str, Any] = {"json": check_json, "sarif": check_sarif, "codequality": check_codequality}
    if form in texts:
        return texts[form](result)
    return json.dumps(values[form](result), ensure_ascii=False, indent=1, allow_nan=False)


def _target(output: str, form: str | None) -> Target:
    if form is not None:
        return Target(form, output)
    named, colon, path = output.partition(":")
    if colon and named in FORMATS:
        return Target(named, path)
    if colon and path == STDOUT:
        _known(named)
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if output.lower().endswith(suffix):
            return Target(SUFFIXES[suffix], output)
    raise UsageError(
        f"which format is `{output}`?", why="the ending of its name tells none",
        fix=f"say `FORMAT:FILE` with one of {', '.join(FORMATS)}", command=f"ovt check --output md:{output}",
    )


def _known(form: str) -> None:
    if form not in FORMATS:
        raise UsageError(f"no format `{form}`", why=nearest(form, FORMATS), command="ovt check --help")


def _refuse_twins(found: Sequence[Target]) -> None:
    seen: dict[str, Target] = {}
    for target in found:
        other = seen.setdefault(target.path, target)
        if other is not target:
            where = "stdout" if target.path == STDOUT else f"`{target.path}`"
            raise UsageError(f"{other.form} and {target.form} would both go to {where}",
                             fix="give each an `--output FILE` of its own", command="ovt check --help")
