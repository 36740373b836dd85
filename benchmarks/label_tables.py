"""The tables of `label_models.py` as the documentation shows them, and which bars were met."""

from __future__ import annotations

from typing import Any

OURS, MAJORITY = "ovt", "majority vote"
CROWDS = "crowds"
NO_GOLD = "ovt, no gold"
BARS = (
    ("youtube", "quality", 0.856, "accuracy"), ("bc5cdr", "quality", 0.806, "span F1"),
    ("bc5cdr", "quality", 0.839, "span F1, aim"),
    ("webquestions", "quality", 0.912, "accuracy"), ("webquestions", "log_loss", 0.32, "log-loss"),
    ("made 1,000,000 × 20 × 4, three copies", "quality", 0.95, "accuracy"),
    ("made 1,000,000 × 20 × 4, three copies", "seconds", 2.0, "CPU s"),
    ("made 1,000,000 × 20 × 4, three copies", "mb", 400.0, "MB"),
    ("made 100,000 × 1,000 × 50", "seconds", 30.0, "CPU s"), ("made 100,000 × 1,000 × 50", "mb", 2048.0, "MB"),
    ("made crowd, 1,800,000 votes", "seconds", 5.0, "CPU s"),
)
Sets = dict[str, list[dict[str, Any]]]
"""By set: a row for each method."""
Means = dict[str, dict[str, dict[str, float]]]
"""By group of sets, then by method: quality and log_loss."""
LOWER = {"log_loss", "seconds", "mb"}


def tables(sets: Sets, means: Means) -> list[dict[str, Any]]:
    """All tables: bars, means, and one for each set."""
    found = [_bars(sets, means), _means(means)]
    return [*found, *(_set(name, rows) for name, rows in sets.items())]


def _set(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    ours = next((row for row in rows if row["method"] == OURS), {})
    columns = ["method", "span F1" if name == "bc5cdr" else "accuracy", "log-loss", "calibration error", "CPU s",
               "MB", "time beside ovt", "ovt minus this, 95 %"]
    return {"title": name, "columns": columns, "rows": [_line(row, ours) for row in rows]}


def _line(row: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    if "quality" not in row:
        return [row["method"], row["why_not"], "", "", "", "", "", ""]
    ratio = f"{row['seconds'] / ours['seconds']:.1f} ×" if ours.get("seconds") and row is not ours else ""
    low, high = row.get("ours_minus_this", (None, None))
    return [row["method"], f"{100 * row['quality']:.2f} %", _number(row["log_loss"]), _number(row["ece"]),
            f"{row['seconds']:.2f}", f"{row['mb']:.0f}", ratio, "" if low is None else f"{low:+.2f} … {high:+.2f}"]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _means(means: Means) -> dict[str, Any]:
    columns = ["method", *(f"{group}: {measure}" for group in means for measure in ("mean quality", "mean log-loss"))]
    methods = list(dict.fromkeys(method for group in means.values() for method in group))
    rows = []
    for method in methods:
        cells = [method]
        for group in means.values():
            row = group.get(method, {})
            mean = f"{100 * row['quality']:.2f} %" if "quality" in row else "not on all"
            cells += [mean, _number(row.get("log_loss"))]
        rows.append(cells)
    return {"title": "Means", "columns": columns, "rows": rows}


def _bars(sets: Sets, means: Means) -> dict[str, Any]:
    rows = []
    for name, measure, bar, words in BARS:
        ours = next((row for row in sets.get(name, ()) if row["method"] == OURS and "quality" in row), None)
        if ours is not None:
            rows.append(_bar(f"{name}: {words}", ours[measure], bar, lower=measure in LOWER))
    rows += _over_sets(sets, means)
    return {"title": "What was asked", "columns": ["what", "ovt", "bar", ""], "rows": rows}


def _bar(what: str, value: float, bar: float, *, lower: bool) -> list[str]:
    met = value <= bar if lower else value >= bar
    return [what, f"{value:,.4g}", f"{'≤' if lower else '≥'} {bar:,.4g}", "met" if met else "missed"]


def _over_sets(sets: Sets, means: Means) -> list[list[str]]:
    """Bars over several sets: crowds against the peers' best mean, everything against every mean and majority vote."""
    crowds, every = means.get(CROWDS, {}), means.get("all public sets", {})
    rows = []
    for words, ours in (("with gold of dev", OURS), ("without gold", NO_GOLD)):
        if ours not in crowds:
            continue
        best = max(row["quality"] for name, row in crowds.items() if not name.startswith(OURS))
        rows.append(_bar(f"crowds, {words}: mean accuracy, against the best peer's", crowds[ours]["quality"], best,
                         lower=False))
        rows.append(_bar(f"crowds, {words}: mean log-loss, against majority vote's", crowds[ours]["log_loss"],
                         crowds[MAJORITY]["log_loss"], lower=True))
        worst = min(_against(sets[name], ours) for name in sets if name.startswith("crowd_"))
        rows.append(_bar(f"crowds, {words}: worst set, points above majority vote", worst, -0.5, lower=False))
    if OURS in every:
        best = max(row["quality"] for name, row in every.items() if not name.startswith(OURS))
        rows.append(_bar("all public sets: mean quality, against the best mean of a peer", every[OURS]["quality"], best,
                         lower=False))
        lost = sum(_surely_below_majority(rows) for rows in sets.values())
        rows.append(_bar("sets where it is significantly below majority vote", lost, 0, lower=True))
    return rows


def _against(rows: list[dict[str, Any]], method: str) -> float:
    quality = {row["method"]: row["quality"] for row in rows if "quality" in row}
    return 100 * (quality[method] - quality[MAJORITY])


def _surely_below_majority(rows: list[dict[str, Any]]) -> bool:
    return any(row["method"] == MAJORITY and "quality" in row and row["ours_minus_this"][1] < 0 for row in rows)
