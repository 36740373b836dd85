from __future__ import annotations

from ovt.quality.policy.thresholds import Policy, Thresholds
from ovt.settings import Check, SlicePolicy


def test_what_a_slice_does_not_say_is_the_checks() -> None:
    policy = Policy.of(Check(floor=0.01, min_support=50, slices={
        "n": SlicePolicy(critical=True, minimum=0.8), "r": SlicePolicy(floor=0.0, min_support=10),
    }))
    assert policy.thresholds("n") == Thresholds(0.01, 50, critical=True, minimum=0.8)
    assert policy.thresholds("r") == Thresholds(0.0, 10)
    assert policy.thresholds(None) == policy.thresholds("other") == Thresholds(0.01, 50)


def test_alpha_is_what_confidence_leaves() -> None:
    assert Policy.of(Check(confidence=0.9)).alpha == 1 - 0.9


def test_the_order_of_the_file_is_no_difference() -> None:
    one, two = SlicePolicy(critical=True), SlicePolicy()
    assert Policy.of(Check(slices={"a": one, "b": two})) == Policy.of(Check(slices={"b": two, "a": one}))
