"""Payloads in, rows out: reading, checking and storing records."""
