"""Which records are in which slice."""
