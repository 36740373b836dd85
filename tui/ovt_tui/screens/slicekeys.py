"""The keys of the home screen, and what it says in place of a table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("slash", "filter", "filter", id="filter", priority=True),
    Binding("s", "sort", "sort", id="sort"),
    Binding("n", "regression(1)", "next ▼", show=False, id="next_regression"),
    Binding("N", "regression(-1)", "previous ▼", show=False, id="previous_regression"),
    Binding("r", "only_regressions", "only ▼", show=False, id="only_regressions"),
    Binding("u", "hide_unclear", "hide unclear", show=False, id="hide_unclear"),
    Binding("plus,equals_sign", "support(1)", "more records asked", show=False, id="more_support"),
    Binding("minus", "support(-1)", "fewer records asked", show=False, id="less_support"),
    Binding("t", "task", "task", show=False, id="task"),
    Binding("m", "metric", "metric", show=False, id="metric"),
    Binding("v", "versions", "versions", id="versions"),
    Binding("S", "sources", "sources", id="sources"),
    Binding("E", "errors", "errors", id="errors"),
    Binding("C", "commit", "commit", id="commit"),
    Binding("x", "swap", "swap A and B", show=False, id="swap"),
    Binding("R", "reload", "read again", show=False, id="reload"),
    Binding("q", "back", "quit", id="back"),
]

HINT = "v chooses other versions · R tries again · ? help · q quits"
NO_ROWS = (
    "These two versions have no test record in common that has gold.\n"
    "  fix  label records that carry the tag `test` with the gold source\n  try  ovt run\n\n"
)
ALL_THIN = "every slice shown is thin (░): too few test records for a verdict; label more of them, or look at flips"
