"""A check in every format that a platform reads."""
