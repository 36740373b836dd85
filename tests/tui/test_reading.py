"""How tokens, names, code and counts are written, without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.quality.answers import Answer
from ovt.quality.attribution.causes import FlipCause
from ovt.quality.slicediff import Flip, SourceVote
from ovt.schema.spec import Task
from ovt.workflows.committing.definitions import Definition, Written
from ovt_tui import editor
from ovt_tui.bits import against, names
from ovt_tui.codediff import code_lines, headline
from ovt_tui.decided import Decided
from ovt_tui.flipgroups import Heading, grouped, place_of, rows_of
from ovt_tui.tokengrid import spans, token_grid
from ovt_tui.votes import VotePair, posterior, weight, without

BIO = Task("Entity", "tokens", "multiclass", spans="BIO")
POS = Task("POS", "tokens", "multiclass")


def answers(gold: str, old: str, new: str) -> list[Answer]:
    triples = zip(gold.split(), old.split(), new.split(), strict=True)
    return [Answer("T", "q", at, *labels, 0.9, 0.9) for at, labels in enumerate(triples)]


def drawn(tokens: str, said: list[Answer], task: Task, position: int, width: int = 100) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip()
            for line in token_grid(tokens.split(), said, task, position, width)]


def test_labels_stand_below_their_tokens_and_wrong_ones_are_signed():
    said = answers("ADV ADJ NOUN", "ADV ADJ VERB", "ADV NOUN NOUN")
    assert drawn("how tall towers", said, POS, 1) == [
        "tokens   how ⟦tall⟧ towers",
        "gold     ADV ADJ    NOUN",
        "old      ✓   ✓      ✗VERB",
        "new      ✓   ✗NOUN  ✓",
    ]


def test_spans_are_drawn_over_what_they_cover():
    said = answers("O B-person I-person O B-city", "O B-person I-person O O", "O O B-person O B-city")
    assert drawn("is alan turing from paris", said, BIO, 2) == [
        "tokens   is alan ⟦turing⟧  from paris",
        "gold        [person]            [city]",
        "old         [✓person]           -city",
        "new              [+person]      [✓city]",
    ]


def test_a_long_sequence_is_shown_around_the_position():
    words = [f"word{at}" for at in range(60)]
    said = [Answer("T", "q", at, "X", "X", "Y" if at == 30 else "X", 0.9, 0.9) for at in range(60)]
    lines = drawn(" ".join(words), said, POS, 30, 78)
    assert "⟦word30⟧" in lines[0]
    assert lines[0].endswith("…")
    assert "…" in lines[0][:10]
    assert "✗Y" in lines[3]
    assert max(map(len, lines)) <= 78


@given(st.lists(st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b"]), max_size=12), st.integers(0, 11),
       st.integers(20, 90))
def test_any_sequence_fits_and_spans_cover_every_labelled_token(labels, position, width):
    found = spans(labels)
    covered = [at for start, stop, _ in found for at in range(start, stop)]
    assert covered == [at for at, label in enumerate(labels) if label != "O"]
    said = [Answer("T", "q", at, label, label, "O", 0.5, 0.5) for at, label in enumerate(labels)]
    for line in token_grid([f"t{at}" for at in range(len(labels))], said, BIO, position, width):
        assert len("".join(cell.text for cell in line).rstrip()) <= width


@pytest.mark.parametrize(("label", "gold", "shown"), [
    ('["a","b"]', '["a","b"]', "a b"), ('["a","c"]', '["a","b"]', "+c -b a"), ("[]", '["a"]', "-a"), ("[]", "[]", "(none)"),
])
def test_several_names_beside_gold(label, gold, shown):
    assert against(label, gold) == shown


def test_what_is_no_list_has_no_names():
    assert names("height") == names("3") == []


def written(path: str, line: int, lines: tuple[str, ...], digest: str, rest: tuple[str, ...] = ()) -> Written:
    return Written(path, line, lines, (*rest, *lines), digest)


def test_code_shows_what_came_what_went_and_what_stayed():
    old = written("labelers/a.py", 1, ("def f(r):", "\treturn 1"), "1")
    new = written("labelers/b.py", 3, ("def f(r):", "    x = 2", "    return x"), "2")
    found = Definition("labeling", "f", old, new, None)
    assert [(line.sign, line.text) for line in code_lines(found)] == [
        (" ", "def f(r):"), ("-", "    return 1"), ("+", "    x = 2"), ("+", "    return x")]
    assert headline(found) == "source f · labelers/a.py → labelers/b.py:3 · ~ edited"


def test_a_function_whose_words_alone_changed_shows_the_change_of_its_file():
    old = written("a.py", 2, ("def f(r):", "    return WORDS"), "1", ("WORDS = {1}",))
    new = written("a.py", 2, ("def f(r):", "    return WORDS"), "2", ("WORDS = {2}",))
    lines = [(line.sign, line.text) for line in code_lines(Definition("labeling", "f", old, new, None))]
    assert ("-", "WORDS = {1}") in lines
    assert ("+", "WORDS = {2}") in lines


def test_new_gone_and_unwritten():
    code = written("a.py", 1, ("x",), "1")
    assert Definition("slicing", "s", None, code, None).change == "new"
    assert Definition("slicing", "s", code, None, None).change == "gone"
    assert Definition("slicing", "s", code, code, None).change == "same"
    assert code_lines(Definition("slicing", "s", None, None, None)) == []


@pytest.mark.parametrize(("wanted", "words"), [
    ("vim", ["vim", "+7", "/p/a.py"]), ("", ["vi", "+7", "/p/a.py"]), ("emacs -nw", ["emacs", "-nw", "+7", "/p/a.py"]),
    ("/usr/bin/hx", ["/usr/bin/hx", "/p/a.py:7"]), ("code", ["code", "--wait", "--goto", "/p/a.py:7"]),
    ("code -w", ["code", "-w", "--goto", "/p/a.py:7"]),
])
def test_every_editor_is_told_the_line_in_its_own_way(wanted, words):
    assert editor.command(wanted, Path("/p/a.py"), 7) == words


def test_the_editor_is_the_users():
    assert editor.editor_of({"VISUAL": "a", "EDITOR": "b"}) == "a"
    assert editor.editor_of({"EDITOR": "b"}) == "b"
    assert editor.editor_of({}) == "vi"


def flip(number: int, kind: str = "broken") -> Flip:
    return Flip("T", f"q-{number}", 0, kind, "a", "a", "b", 0.5, 0.5, ())


def test_groups_have_sources_first_and_the_largest_on_top():
    flips = [flip(at, "fixed" if at == 5 else "broken") for at in range(6)]
    small, large = FlipCause("learned", "small"), FlipCause("vote", "large")
    causes = dict(zip(map(place_of, flips), [small, large, large, FlipCause("training noise", None), large], strict=False))
    rows = rows_of(grouped(flips, causes, {large: "edited"}), {small})
    shown = [row.text if isinstance(row, Heading) else row.id for row in rows]
    assert shown == [
        "▾ ◆ large · edited · ▼ 3 ▲ 0 · votes otherwise on these records", "q-1", "q-2", "q-4",
        "▸ ◆ small · ▼ 1 ▲ 0 · votes otherwise on train records like these",
        "▾ training noise · ▼ 1 ▲ 0 · training noise: most seeds do not flip", "q-3",
        "▾ unknown · ▼ 0 ▲ 1 · no source explains them", "q-5",
    ]


def test_flips_by_source_are_counted_over_all_ways(fake):
    flips = tuple(flip(at) for at in range(4))
    found = fake.causes_of("T", None, flips, (FlipCause("vote", "x"), FlipCause("learned", "x"), FlipCause("vote", "y")))
    counted = Decided.of([found])
    assert (counted.by("T", "x"), counted.by("T", "y"), counted.by("T", "z")) == ("-2 +0", "-1 +0", "–")
    assert counted.told(None) == counted.told("T") == "flips: 3 because of a source, 1 unknown"
    assert counted.told("U") == ""
    assert Decided().by("T", "x") == "…"
    assert Decided(trouble="gone").by("T", "x") == "?"


def test_weights_and_the_label_models_answer():
    pair = VotePair("x", SourceVote("x", "a", 0.5, 1.26), SourceVote("x", "a", 0.5, -0.5, 0.981, decisive=True))
    assert (weight(pair), without(pair), pair.mark) == ("+1.3 → -0.5", "0.98", "◇")
    assert weight(VotePair("x", None, SourceVote("x", None, 0.5))) == "–"
    assert posterior([("a", 0.9), ("b", 0.06), ("c", 0.04)], str) == "a 0.90, b 0.06"
    assert posterior([("a", 0.01)], str, several=True) == "(none), most likely of all a 0.01"
    assert posterior([], str) == "nothing: no source votes"
