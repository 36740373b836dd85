"""The use cases; they never print."""
