"""A correction before it is written: spans, sets, candidates; which rows it becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt_tui import correction
from ovt_tui.correction import choose, clear, draft_of, key_of, line, mark, move, rows


def test_spans_are_cut_and_joined_whole(fake):
    draft = draft_of(fake.question("Slots", "q"), 4)
    assert line(draft) == "how tall is (the ⟦president⟧)/title"
    assert rows(draft) == []
    cut = clear(move(draft, -1))  # the beginning of the span
    assert rows(cut) == [(["O", "O", "O", "O", "B-title"], None)]
    wide = choose(move(move(draft_of(fake.question("Slots", "q")), 1), 2, extend=True), 0)
    assert wide.labels == ("O", "B-measure", "I-measure", "I-measure", "B-title")
    assert line(wide) == "how (tall is ⟦the⟧)/measure (president)/title"


@given(st.lists(st.tuples(st.sampled_from(["left", "right", "extend", "mark", "clear", "0", "1"])), max_size=30))
def test_whatever_is_pressed_the_spans_are_well_formed(fake_question, keys):
    draft = draft_of(fake_question)
    steps = {"left": lambda d: move(d, -1), "right": lambda d: move(d, 1), "extend": lambda d: move(d, 1, extend=True),
             "mark": mark, "clear": clear, "0": lambda d: choose(d, 0), "1": lambda d: choose(d, 1)}
    for (key,) in keys:
        draft = steps[key](draft)
        for before, label in zip(("O", *draft.labels), draft.labels, strict=False):
            assert label == "O" or label[:2] == "B-" or before[2:] == label[2:]
        assert line(draft).count("(") == line(draft).count(")") == sum(label[:2] == "B-" for label in draft.labels)


@pytest.fixture(scope="module")
def fake_question(request):
    from ovt.workflows.review.question import Question

    return Question("Slots", "q", "dev", "multiclass", True, "a b c d e", tuple("abcde"), ("measure", "title"),
                    ("O", "B-title", "I-title", "O", "B-measure"), "gold", False)


def test_a_set_on_tokens_is_written_for_those_that_changed(fake):
    draft = draft_of(fake.question("EntityType", "q"), 3)
    both = choose(move(mark(draft), 1), 1)
    assert both.labels[3:] == (("person",), ("person", "title"))
    assert rows(both) == [(["person"], 3), (["person", "title"], 4)]
    gone = choose(both, 1)
    assert gone.labels[4] == ("title",)
    assert clear(move(gone, 1)).labels[4] == ()


def test_a_candidate_and_a_class_are_said_at_once(fake):
    select = draft_of(fake.question("IntentArg", "q"))
    assert select.at_once
    assert [key_of(select.question, at) for at in (0, 9, 10)] == ["0", "9", ""]
    assert rows(choose(select, 0)) == [(0, None)]
    assert rows(choose(draft_of(fake.question("Intent", "q")), 3)) == [("salad", None)]


def test_choice_keys_are_no_keys_of_the_screen(fake):
    from ovt_tui.screens.correct import CorrectScreen
    from ovt_tui.screens.view import View
    from ovt_tui.widgets.table import LineTable

    taken = {key for owner in (CorrectScreen, View, LineTable) for binding in owner.BINDINGS for key in binding.key.split(",")}
    assert not taken & set(correction.LETTERS)
    assert len(set(correction.LETTERS)) == len(correction.LETTERS) > 40


@pytest.mark.parametrize(("label", "text"), [(None, "?"), ("O", "–"), ((), "–"), (("a", "b"), "a,b"), ("x", "x"), (2, "2")])
def test_a_label_in_few_letters(label, text):
    assert correction.shown(label) == text
