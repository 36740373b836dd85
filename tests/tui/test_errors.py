"""Errors and disagreements (`E`), rules under trial (`l`), corrections (`c`): keys and states."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from ovt.errors import MissingError, ProjectError, UsageError


def of(gateway, method):
    """The calls of one method."""
    return [call[1:] for call in gateway.calls if call[0] == method]


async def type_in(screen, text):
    """Type, and wait until the trial that follows has been shown."""
    names = {" ": "space", ",": "comma", "/": "slash", "[": "left_square_bracket"}
    await screen.pilot.press(*(names.get(letter, letter) for letter in text))
    await screen.pilot.pause(0.4)
    await screen.settle()
    return screen.text


# ------------------------------------------------------------- the lists


async def test_errors_come_first_and_test_is_only_counted(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        text = await screen.press("E")
        assert of(gateway, "disagreements") == [("HEAD", "Intent", "disambiguation", False)]
        assert "wrong: dev 3 of 90 · test 11 of 212 (kept out of sight, t shows them)" in text
        assert "[gold 3]  sources 1   open 1   silent 1" in text
        assert "0.97 height" in screen.here
        assert "a secret of the exam" not in text
        assert "no source speaks of it: l tries a rule" in text


async def test_the_highlighted_row_says_who_agrees_with_whom(open_app):
    async with open_app() as screen:
        await screen.press("E")
        assert "the model has not learned it" in await screen.press("j")
        assert "a rule is wrong or missing, or gold is" in await screen.press("j")
        assert "gold agrees with the model" in await screen.press("o")


async def test_o_goes_through_the_lists_and_back(open_app):
    async with open_app() as screen:
        await screen.press("E")
        assert "label model makes of the votes" in await screen.press("o")
        text = await screen.press("o")
        assert "[open 1]" in text
        assert "0.34 salad" in screen.here
        assert "model" not in next(line for line in screen.lines if "record" in line and "text" in line)
        assert "no source says anything about" in await screen.press("o")
        assert "[gold 3]" in await screen.press("o")
        assert "[silent 1]" in await screen.press("O")


async def test_test_is_shown_when_asked_with_a_warning(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E")
        text = await screen.press("t")
        assert "a secret of the exam" in text
        assert "! test is shown" in text
        assert "a secret of the exam" not in await screen.press("t")
        assert [call[-1] for call in of(gateway, "disagreements")] == [False, True, False]


async def test_errors_open_from_a_slice_too(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        assert "errors of HEAD · Intent · disambiguation" in await screen.press("enter", "E")
        assert "▼ 2 broken" in await screen.press("q")


@pytest.mark.parametrize(("rows", "said"), [((), "The model has nothing wrong here")])
async def test_an_empty_list_says_what_to_press(open_app, fake, rows, said):
    found = replace(fake.DISAGREEMENTS, rows=rows, silent=0, notes=("nothing of train is shown: gone",))
    async with open_app(fake.FakeGateway(disagreement_list=found)) as screen:
        text = await screen.press("E")
        assert said in text
        assert "note: nothing of train is shown: gone" in text
        for said_next in ("agree on every dev item", "No train item", "Some source speaks"):
            assert said_next in await screen.press("o")
        await screen.press("c", "space", "y")
        assert "no row to copy" in screen.said()


async def test_errors_that_cannot_be_read_say_what_to_type(open_app, fake):
    gateway = fake.FakeGateway(errors={"disagreements": MissingError("no predictions", command="ovt pull")})
    async with open_app(gateway) as screen:
        text = await screen.press("E")
        assert "no predictions" in text
        assert "ovt pull" in text
        gateway.errors.clear()
        assert "0.97 height" in await screen.press("R")


async def test_a_record_is_opened_whole_or_missed(open_app, fake):
    found = replace(fake.DISAGREEMENTS, rows=(replace(fake.DISAGREEMENTS.rows[0], id="q-17"), *fake.DISAGREEMENTS.rows))
    async with open_app(fake.FakeGateway(disagreement_list=found)) as screen:
        await screen.press("E")
        assert '"id": "q-17"' in await screen.press("space")
        await screen.press("q", "j", "enter")
        assert "not in data/" in screen.said()[-1]


async def test_rows_and_tables_are_copied(open_app):
    async with open_app() as screen:
        await screen.press("E", "y")
        assert screen.app.clipboard == "dev · q-40 · 0 · 0.97 height · salad · – · is a salad high in iron"
        await screen.press("Y")
        assert len(screen.app.clipboard.splitlines()) == 5


# ------------------------------------------------------------- the rule


async def test_a_rule_is_tried_as_it_is_typed(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        text = await screen.press("E", "l")
        assert "Nothing is written before you say so" in text
        assert "says       salad" in text  # what gold says of the highlighted error
        text = await type_in(screen, "spinach")
        assert of(gateway, "try_rule") == [("spinach", "salad", 3)]
        assert "coverage 15.0 % (votes on 12 of 80 items of 80 dev records)" in text
        assert "accuracy 90.0 % (9 of 10 with gold) · conflicts 2, overlaps 7\n right on 1 of the 3 dev errors" in text
        assert "✗ wrong" in screen.here
        assert "weak1, weak2" in screen.here
        assert not of(gateway, "write_rule")
        await screen.press("down")
        assert "· no gold" in screen.here
        assert "name       salad_spinach" in screen.text


async def test_a_rule_that_finds_nothing_or_is_none(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "l")
        assert "it finds nothing in 80 dev records" in await type_in(screen, "nowhere")
        gateway.errors["try_rule"] = ProjectError("`regex` does not compile", why="missing )", fix="mend it")
        text = await type_in(screen, "/(")
        assert "`regex` does not compile" in text
        assert "missing ) · mend it" in text
        await screen.pilot.press(*["backspace"] * 12)
        assert "Type what to look for" in await type_in(screen, "")


async def test_a_trial_that_was_overtaken_is_not_shown(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "l")
        gateway.held["try_rule"] = gate = threading.Event()
        await screen.pilot.press("a")
        await screen.pilot.pause(0.4)
        del gateway.held["try_rule"]
        assert "coverage" not in screen.text
        text = await type_in(screen, "b") if gate.set() is None else ""
        assert "coverage" in text
        assert [call[0] for call in of(gateway, "try_rule")] == ["a", "ab"]


async def test_a_rule_is_written_and_taken_back(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "l")
        await type_in(screen, "spinach")
        await screen.press("enter", "enter")  # the name
        await screen.pilot.press("m")
        text = await screen.press("enter", "enter")  # the file, then written
        (rule, file), = of(gateway, "write_rule")
        assert (rule.task, rule.pattern, rule.label, rule.name, file) == (
            "Intent", "spinach", "salad", "m", "labelers/terminal.yaml")
        assert "written: labelers/terminal.yaml:7" in text
        text = await screen.press("u")
        assert of(gateway, "take_back") == [("m",)]
        assert "taken back: the file is as it was" in text
        await type_in(screen, "s")
        assert of(gateway, "try_rule")[-1][0] == "spinachs"
        assert "[gold 3]" in await screen.press("escape")


async def test_what_cannot_be_written_is_told(open_app, fake):
    gateway = fake.FakeGateway(errors={"write_rule": UsageError("the name `x` is taken", at="labelers/a.yaml:3")})
    async with open_app(gateway) as screen:
        await screen.press("E", "l")
        await type_in(screen, "x")
        text = await screen.press("shift+tab", "enter")
        assert "the name `x` is taken" in text
        assert "labelers/a.yaml:3" in text
        assert "written:" not in text


async def test_a_name_of_ones_own_stays(open_app):
    async with open_app() as screen:
        await screen.press("E", "l", "tab", "tab")
        await screen.pilot.press(*"mine")
        await screen.press("shift+tab", "shift+tab")
        assert "name       mine" in await type_in(screen, "spinach")


# ------------------------------------------------------------- corrections


async def test_a_class_is_corrected_by_its_key(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        text = await screen.press("E", "c")
        assert "correct Intent of q-40 · dev" in text
        assert "now height (gold)" in text
        assert "● height" in screen.here
        text = await screen.press("4")
        assert of(gateway, "correct") == [("Intent", "q-40", [("salad", None)])]
        assert "corrected by ada@example.org in supervision/corrections.jsonl" in screen.said()[-1]
        assert "✎ q-40" in screen.here
        assert "corrected: the next run picks it up" in text


async def test_the_highlighted_class_is_chosen_with_enter(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "c", "j", "enter")
        assert of(gateway, "correct") == [("Intent", "q-40", [("president", None)])]


async def test_a_class_is_found_by_its_name(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "c", "slash", "s", "a", "l")
        assert "salad" in screen.here
        assert not of(gateway, "correct")  # letters typed there choose nothing
        await screen.press("enter")
        assert not of(gateway, "correct")
        await screen.press("enter")
        assert of(gateway, "correct") == [("Intent", "q-40", [("salad", None)])]


async def test_flips_are_corrected_too_and_esc_leaves_all_as_it_is(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        assert "correct Intent of q-17" in await screen.press("enter", "c")
        assert "▼ 2 broken" in await screen.press("escape")
        assert not of(gateway, "correct")


async def test_a_correction_is_taken_back(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("E", "c", "u")
        assert "nobody corrected this record before" in screen.said()
        text = await screen.press("q", "j", "j", "c")
        assert "corrected before, u takes it back" in text
        await screen.press("u")
        assert of(gateway, "correct") == [("Intent", "q-42", [(None, None)])]
        assert "correction taken back" in screen.said()[-1]


async def open_on(screen, task, position=0):
    """The screen on another kind of task."""
    from ovt_tui.screens.correct import CorrectScreen

    screen.app.push_screen(CorrectScreen(screen.app.screen.gateway, task, "q-17", position))
    await screen.settle()
    return screen.text


async def test_a_span_is_selected_and_saved(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        assert "⟦how⟧ tall is (the president)/title" in await open_on(screen, "Slots")
        text = await screen.press("l", "v", "l", "1")
        assert "how (tall ⟦is⟧)/measure (the president)/title" in text
        assert "was – (gold), will be I-measure" in text
        assert not of(gateway, "correct")
        await screen.press("enter")
        assert of(gateway, "correct") == [
            ("Slots", "q-17", [(["O", "B-measure", "I-measure", "B-title", "I-title"], None)])]


async def test_sets_on_tokens_are_toggled(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        assert "president/title" in await open_on(screen, "EntityType", 4)
        await screen.press("enter")
        assert "nothing has changed" in screen.said()[-1]
        await screen.press("x", "h", "2", "enter")
        assert of(gateway, "correct") == [("EntityType", "q-17", [(["person"], 3), ([], 4)])]


async def test_a_candidate_is_picked_by_its_number(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        assert "now 1 Height (gold)" in await open_on(screen, "IntentArg")
        await screen.press("0")
        assert of(gateway, "correct") == [("IntentArg", "q-17", [(0, None)])]


@pytest.mark.parametrize("method", ["question", "correct"])
async def test_a_correction_that_fails_is_told_and_loses_nothing(open_app, fake, method):
    gateway = fake.FakeGateway(errors={method: UsageError("Git does not know who you are", command="git config user.email")})
    async with open_app(gateway) as screen:
        text = await screen.press("E", "c", "4")
        assert "Git does not know who you are" in text
        assert "git config user.email" in text
        assert "[gold 3]" in await screen.press("escape")


async def test_a_record_without_items_says_so(open_app, fake, monkeypatch):
    ask = fake.question
    monkeypatch.setattr(fake, "question", lambda task, record: replace(ask(task, record), labels=(), choices=()))
    async with open_app(fake.FakeGateway()) as screen:
        text = await screen.press("E", "c")
        assert "There is nothing to label" in text
        await screen.press("4", "space", "x", "l", "enter", "y")
        assert "There is nothing to label" in screen.text

