"""Versions elsewhere: push, pull, checkout, pinned revisions."""
