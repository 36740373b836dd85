"""From a working tree to a commit: what is added, staged, stale, ill defined."""
