"""Reports and comparisons as text: pure functions."""
