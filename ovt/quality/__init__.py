"""Metrics, intervals, comparison of versions, and the verdict."""
