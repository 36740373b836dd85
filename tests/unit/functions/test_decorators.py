"""A decorated function stays a function."""

from __future__ import annotations

import ovt
from ovt import ABSTAIN, labeling_function, slicing_function, transformation_function
from ovt.functions.decorators import collecting


def test_a_decorated_function_stays_callable():
    @labeling_function(task="Intent", name="source")
    def height(r):
        """Says height."""
        return "height" if r else ABSTAIN

    assert height("x") == "height"
    assert height("") is ABSTAIN
    assert (height.name, height.task, height.kind, height.__doc__) == ("source", "Intent", "labeling", "Says height.")
    assert repr(height) == "<labeling function source>"


def test_names_default_to_the_functions_own():
    @slicing_function()
    def rare(r):
        return True

    @transformation_function()
    def shout(r):
        return [r]

    assert (rare.name, rare.kind, rare("x")) == ("rare", "slicing", True)
    assert (shout.name, shout.kind, shout("x")) == ("shout", "transformation", ["x"])


def test_only_what_is_decorated_inside_is_collected():
    with collecting() as found:
        labeling_function("Intent", name="inside")(len)
    labeling_function("Intent", name="outside")(len)
    assert [function.name for function in found] == ["inside"]


def test_abstain_is_one_value():
    assert ovt.ABSTAIN is ABSTAIN
    assert repr(ABSTAIN) == "ABSTAIN"
