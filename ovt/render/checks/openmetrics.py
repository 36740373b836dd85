"""A check as OpenMetrics text, which GitLab's metrics report shows as a table of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovt.quality.policy.demands import negative_flips
from ovt.quality.policy.findings import ALL_RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ovt.quality.policy.verdict import CheckResult
    from ovt.quality.slicediff import SliceRow

DIGITS = 6


def check_openmetrics(result: CheckResult) -> str:
    """The whole text, with its end mark."""
    return "".join(f"{line}\n" for line in (*_lines(result), "# EOF"))


def _lines(result: CheckResult) -> Iterator[str]:
    rows = sorted(result.diff.rows, key=lambda row: (row.task, row.slice or ""))
    yield from _family("ovt_quality", "Metric of the newer version on test records.", [
        (_labels(row) | {"metric": row.metric}, row.new) for row in rows if row.new is not None])
    yield from _family("ovt_records", "Test records compared.", [(_labels(row), row.n) for row in rows])
    rates = ((row, negative_flips(row)) for row in rows)
    yield from _family("ovt_negative_flip_rate", "Records right before and wrong now, as a share.", [
        (_labels(row), rate) for row, rate in rates if rate is not None])
    counts = [({"verdict": verdict}, sum(row.verdict == verdict for row in rows))
              for verdict in ("regressed", "improved", "unclear", "thin", "not_comparable")]
    yield from _family("ovt_rows", "Rows of the comparison by verdict.", counts)
    yield from _family("ovt_findings", "Things that are wrong.", [
        ({"waived": "false"}, len(result.standing)), ({"waived": "true"}, len(result.waived))])
    for budget in result.budgets:
        name = "ovt_model_size_megabytes" if budget.name == "size" else "ovt_prediction_latency_milliseconds"
        yield from _family(name, f"{budget.how}.", [({}, budget.value)])


def _labels(row: SliceRow) -> dict[str, str]:
    return {"task": row.task, "slice": row.slice or ALL_RECORDS}


def _family(name: str, text: str, samples: Sequence[tuple[dict[str, str], float]]) -> Iterator[str]:
    if not samples:
        return
    yield f"# TYPE {name} gauge"
    yield f"# HELP {name} {_escaped(text)}"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{{{inside}}} {round(value, DIGITS)!r}" if inside else f"{name} {round(value, DIGITS)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
