"""The Textual app: the slice diff between two versions."""
