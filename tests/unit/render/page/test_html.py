"""The page: whole, self-contained, escaped, the same each time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ovt.quality.trend import Point
from ovt.render.page import plots
from ovt.render.page.elements import Markup, element, joined
from ovt.render.page.html import Page, page
from ovt.versions.history import Version

EVIL = "<script>alert('x')</script>\"&"
VERSION = Version("HEAD", "a" * 40, "key", f"say {EVIL}", "Ada", 1_700_000_000, (), "ready", None, "tree")


def entry(n: int, value: float) -> dict:
    found = {"value": value, "low": value - 0.1, "high": min(1.0, value + 0.1)}
    return {"n": n, "items": n, "accuracy": found, "f1_macro": found, "log_loss": found, "ece": found,
            "confusion": {"a": {"a": n - 1, EVIL: 1}, EVIL: {"a": 2}}}


@pytest.fixture
def made() -> Page:
    split = {"overall": entry(200, 0.9), "slices": {EVIL: entry(50, 0.7), "rare": entry(3, 0.5), "empty": {"n": 0, "items": 0}},
             "tags": {}}
    bits = {"overall": {**entry(9, 0.5), "confusion": {"x": {"hit": 1, "false": 2, "missed": 3}}}, "slices": {}, "tags": {}}
    report = {"tasks": {"Intent": {"primary": "accuracy", "splits": {"test": split}},
                        f"Bits {EVIL}": {"primary": "accuracy", "splits": {"test": bits}}}}
    points = [Point("measured", 0.8, 0.7, 0.9, 100), Point("no model"), Point("measured", 0.9, 0.85, 0.95, 100)]
    return Page(
        title="Quality report", version=VERSION, report=report, sources=None, diff=None,
        history=[replace(VERSION, commit=f"{number}" * 40) for number in range(3)], trends={"Intent": points},
        calibration={"Intent": [plots.Bin(0.3, 0.25, 4), plots.Bin(0.9, 0.95, 40)]}, least=30, notes=[f"mind {EVIL}"],
    )


class Tree(HTMLParser):
    """Fails where an element is not closed, or another one is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def parsed(text: str) -> Tree:
    tree = Tree()
    tree.feed(text)
    assert tree.open == []
    return tree


def test_it_is_whole_and_needs_nothing_else(made) -> None:
    text = page(made)
    tree = parsed(text)
    assert text.startswith("<!doctype html>")
    assert not re.findall(r"https?:|<script|@import|url\(|src=| on\w+=", text)
    assert {name for name, _ in tree.seen}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert text == page(made)


def test_nothing_that_people_wrote_becomes_markup(made) -> None:
    text = page(made)
    assert "alert('x')" not in text
    assert text.count("&lt;script&gt;") >= 6  # subject, note, slice, task, classes


def test_who_cannot_see_or_use_a_mouse_is_told_the_same(made) -> None:
    tree = parsed(page(made))
    plots_ = [attributes for name, attributes in tree.seen if name == "svg"]
    assert plots_
    assert all(attributes["role"] == "img" for attributes in plots_)
    names = [name for name, _ in tree.seen]
    assert names.count("svg") == names.count("desc") == names.count("title") - 1
    assert names.count("caption") == names.count("table")
    assert all("scope" in attributes for name, attributes in tree.seen if name == "th")
    assert ("html", {"lang": "en"}) in tree.seen
    assert "prefers-color-scheme: dark" in page(made)


def test_thin_slices_are_hollow_and_missing_ones_are_not_drawn() -> None:
    bars = [plots.Bar("a", 0.5, 0.4, 0.6), plots.Bar("b", 0.9, 0.1, 1.0, thin=True)]
    drawn = plots.forest(bars, "t")
    assert (drawn.count('class="dot"'), drawn.count('class="hollow"')) == (1, 1)
    assert plots.forest([], "t") == plots.trend([Point("no model")], ["x"], "t") == plots.calibration([], "t") == ""


def test_no_coordinate_leaves_the_picture() -> None:
    drawn = plots.trend([Point("measured", 0.5, 0.5, 0.5, 9)] * 3, ["a", "b", "c"], "t")
    assert all(0 <= float(value) <= plots.WIDTH for value in re.findall(r'c[xy]="([\d.]+)"', drawn))
    assert "nan" not in drawn.lower()


def test_elements_escape_text_and_attributes() -> None:
    assert element("a", "<b>", href='"x"', class_=None) == '<a href="&quot;x&quot;">&lt;b&gt;</a>'
    assert joined("&", Markup("&amp;"), None) == "&amp;&amp;"
    assert element("line", x1=1.0, stroke_width=2) == '<line x1="1" stroke-width="2"/>'
