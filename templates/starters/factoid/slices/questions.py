"""Slicing functions: subsets that are easier to compute than to tag."""

from ovt import slicing_function


@slicing_function("leap-day")
def leap_day(r):
    """Questions about February 29: fewer than one in a hundred."""
    words = set(r.tokens)
    return bool(words & {"leap", "29"})
