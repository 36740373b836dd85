"""Why: flips under their causes, cells of the confusion, code of sources and slices, the editor."""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from textual.app import SuspendNotSupported

from ovt.errors import MissingError
from ovt.functions.listing import Place


def headings(screen) -> list[str]:
    return [line[2:] for line in screen.lines if line[2:3] in "▾▸" and line[2:3]]


async def test_g_groups_by_cause_at_once_and_again_takes_it_back(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter")
        await screen.rest()
        text = await screen.press("g")
        assert ("causes", "HEAD~1", "HEAD", "Intent", "disambiguation") in gateway.calls
        assert headings(screen) == [
            "▾ ◆ new_lf · new · ▼ 1 ▲ 0 · votes otherwise on these records",
            "▾ unknown · ▼ 1 ▲ 1 · no source explains them"]
        assert "by cause (g takes it back" in text
        assert len(screen.rows("▼ broken", "▲ fixed")) == 3
        await screen.pilot.pause(0.6)
        await screen.press("g")
        assert not headings(screen)


async def test_gg_goes_to_the_first_row_and_groups_nothing(open_app):
    async with open_app() as screen:
        await screen.press("enter", "G")
        assert "q-30" in screen.here
        await screen.press("g", "g")
        assert not headings(screen)
        assert "q-17" in screen.here
        await screen.press("end")
        assert "q-30" in screen.here
        await screen.press("home")
        assert "q-17" in screen.here


async def test_enter_closes_and_opens_a_group_and_shows_the_record_of_a_flip(open_app):
    async with open_app() as screen:
        await screen.press("enter")
        await screen.press("g")
        await screen.press("enter")
        assert headings(screen)[0].startswith("▸ ◆ new_lf")
        assert len(screen.rows("▼ broken", "▲ fixed")) == 2
        await screen.press("enter")
        assert len(screen.rows("▼ broken", "▲ fixed")) == 3
        await screen.press("j")
        await screen.rest()
        assert '"query": "how tall is the president"' in await screen.press("enter")


async def test_many_flips_stay_closed_below_their_headings(open_app, fake):
    flips = tuple(fake.Flip("Intent", f"q-{at:03}", 0, "broken", "a", "a", "b", 0.5, 0.5, ()) for at in range(80))
    async with open_app(fake.FakeGateway(flip_list=flips)) as screen:
        await screen.press("enter", "g")
        await screen.rest()
        assert headings(screen)[1] == "▸ unknown · ▼ 79 ▲ 0 · no source explains them"
        assert not screen.rows("▼ broken")


async def test_causes_that_are_elsewhere_leave_the_flips_as_they_are(open_app, fake):
    gone = MissingError("the votes of `HEAD~1` are not on this machine", command="ovt pull HEAD~1")
    async with open_app(fake.FakeGateway(errors={"causes": gone})) as screen:
        await screen.press("enter")
        await screen.press("g")
        assert any("the votes of `HEAD~1` are not on this machine" in text for text in screen.said())
        assert len(screen.rows("▼ broken", "▲ fixed")) == 3
        assert not headings(screen)


async def test_the_cause_is_marked_even_where_two_votes_moved(open_app, fake):
    gateway = fake.FakeGateway(cause_list=(fake.FlipCause("learned", "weak2"),))
    async with open_app(gateway) as screen:
        await screen.press("enter")
        await screen.rest()
        assert next(line for line in screen.lines if "◆" in line).split()[2] == "weak2"
        assert next(line for line in screen.lines if "◇" in line).split()[1] == "new_lf"  # decisive for the label model


async def test_the_rows_around_the_highlight_show_their_text_from_the_stores(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter")
        await screen.rest()
        assert ("records", "HEAD~1", "HEAD", ("q-17", "q-21", "q-30")) in gateway.calls
        assert "how old is the queen" in next(line for line in screen.lines if "q-30" in line)
        await screen.press("G")
        await screen.rest()  # q-30 is not in data/ of the working tree, but in a store
        assert '"query": "how old is the queen"' in await screen.press("space")


async def test_enter_on_a_cell_of_the_confusion_shows_what_came_left_and_stays(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter", "2", "enter")
        text = await screen.rest()
        wanted = next(call[5] for call in gateway.calls if call[0] == "cell")
        assert (wanted.gold, wanted.predicted, sorted(wanted.classes)) == ("height", "president", ["height", "president"])
        assert "gold height, predicted president" in text
        assert "+ 1 came  - 1 left  = 1 stays · 2 now, 2 before" in text
        rows = [line[2:19].split() for line in screen.rows("+ came", "- left", "= stays")]
        assert rows == [["+", "came", "▼", "broken"], ["-", "left", "▲", "fixed"], ["=", "stays", "✗", "wrong"]]
        assert "vote before" in text
        await screen.press("G")
        await screen.rest()
        assert '"id": "q-17"' in await screen.press("enter")
        await screen.press("escape", "y")
        assert screen.app.clipboard == "stays wrong q-17 0 height president 0.80 president 0.64"
        assert "rows gold" in await screen.press("q")


async def test_tab_chooses_another_cell_of_the_row(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter", "2")
        assert "▸10" in screen.here
        await screen.press("tab")
        assert "▸90 (-6)" in screen.here
        await screen.press("shift+tab")
        assert "▸10" in screen.here
        await screen.press("j")
        assert "▸12" in screen.here
        await screen.press("tab", "enter")
        assert next(call[5].predicted for call in gateway.calls if call[0] == "cell") == "president"


async def test_an_empty_cell_and_predictions_that_are_elsewhere_say_what_to_type(open_app, fake):
    async with open_app(fake.FakeGateway(answer_list=())) as screen:
        assert "ovt pull" in await screen.press("enter", "2", "enter")
    gone = MissingError("`build/predictions.parquet` of `HEAD` is not on this machine", command="ovt pull HEAD")
    async with open_app(fake.FakeGateway(errors={"cell": gone})) as screen:
        assert "ovt pull HEAD" in await screen.press("enter", "2", "enter")


async def test_the_definition_shows_what_changed_in_the_slice(open_app):
    async with open_app() as screen:
        text = await screen.press("enter", "4")
        assert "slice disambiguation · slices/a.py:4 · ~ edited" in text
        assert [line[2:].rstrip() for line in screen.lines if "return" in line] == [
            "-     return len(r.entities) > 1", "+     return len(r.entities) > 2"]
        await screen.press("Y")
        assert "| - |     return len(r.entities) > 1 |" in screen.app.clipboard


async def test_slices_without_a_definition_say_why(open_app):
    async with open_app() as screen:
        await screen.press("j", "j", "j", "j")
        assert "All test records" in await screen.press("enter", "4")
        await screen.press("q", "j", "j", "j")
        assert "No file of either version defines the slice rare" in await screen.press("enter", "4")


@pytest.fixture
def edited(monkeypatch):
    """The commands that would have opened an editor."""
    commands = []

    def run(words, check):
        commands.append(words)
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr("ovt_tui.screens.definition.subprocess.run", run)
    monkeypatch.setenv("VISUAL", "nano -w")
    return commands


async def test_e_opens_the_editor_where_the_working_tree_has_it(open_app, fake, edited, monkeypatch, tmp_path):
    gateway = fake.FakeGateway(root=tmp_path)
    async with open_app(gateway) as screen:
        monkeypatch.setattr(screen.app, "suspend", contextlib.nullcontext)
        await screen.press("enter", "4", "e")
        assert edited == [["nano", "-w", "+5", str(tmp_path / "slices/a.py")]]
        assert [call[0] for call in gateway.calls].count("definition") == 2  # read again afterwards
        assert any("`C` on the slice table" in text for text in screen.said())


async def test_an_editor_that_cannot_be_opened_says_where_the_line_is(open_app, fake, edited, monkeypatch, tmp_path):
    def never():
        raise SuspendNotSupported

    async with open_app(fake.FakeGateway(root=tmp_path)) as screen:
        monkeypatch.setattr(screen.app, "suspend", never)
        await screen.press("enter", "4", "e")
        assert f"no editor can be opened from here; it is at {tmp_path}/slices/a.py:5" in screen.said()
        monkeypatch.setattr(screen.app, "suspend", contextlib.nullcontext)
        monkeypatch.setattr("ovt_tui.screens.definition.subprocess.run", _missing)
        await screen.press("e")
        assert any("Set EDITOR" in text for text in screen.said())
        assert edited == []


def _missing(words, check):
    raise FileNotFoundError(words[0])


async def test_what_the_working_tree_does_not_have_cannot_be_edited(open_app, fake):
    gone = fake.replace(fake.DEFINITIONS["disambiguation"], here=None)
    async with open_app(fake.FakeGateway(definitions={"disambiguation": gone})) as screen:
        await screen.press("enter", "4", "e")
        assert "the working tree does not define it: nothing to edit" in screen.said()


async def test_sources_tell_their_flips_and_open_on_their_code_and_flips(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        text = await screen.press("enter", "3")
        assert "flips: 1 because of a source, 2 unknown" in text
        assert [line.split()[-2:] for line in screen.lines if "new_lf" in line] == [["-1", "+0"]]
        assert next(line for line in screen.lines if "weak2" in line).endswith("–")
        text = await screen.press("enter")
        assert ("definition", "HEAD~1", "HEAD", "labeling", "new_lf") in gateway.calls
        assert "source new_lf · labelers/new.py:1 · + new in this comparison" in text
        await screen.press("l")
        await screen.rest()
        assert [line.split()[2] for line in screen.rows("▼ broken", "▲ fixed")] == ["broken"]
        assert "q-17" in screen.here
        assert "flips: 1 because" in await screen.press("q")


async def test_a_source_without_flips_or_code_says_so(open_app):
    async with open_app() as screen:
        await screen.press("S", "t", "G")
        assert "No file of either version defines weak2" in await screen.press("enter")
        assert "No flip is because of weak2" in await screen.press("2")


async def test_sources_whose_flips_are_not_known_say_why(open_app, fake):
    gone = MissingError("the votes of `HEAD~1` are not on this machine", command="ovt pull HEAD~1")
    async with open_app(fake.FakeGateway(errors={"causes": gone})) as screen:
        text = await screen.press("enter", "3")
        assert "flips by source are not known: the votes of `HEAD~1` are not on this machine" in text
        assert "weak2" in text


async def test_the_editor_comes_back_to_a_moved_line(open_app, fake, edited, monkeypatch, tmp_path):
    gateway = fake.FakeGateway(root=tmp_path)
    async with open_app(gateway) as screen:
        monkeypatch.setattr(screen.app, "suspend", contextlib.nullcontext)
        await screen.press("enter", "4", "e")
        moved = fake.replace(fake.DEFINITIONS["disambiguation"], here=Place("slices/b.py", 9, "2"))
        gateway.definitions["disambiguation"] = moved
        await screen.press("e")
        await screen.press("enter")
        assert edited[-1] == ["nano", "-w", "+9", str(tmp_path / "slices/b.py")]
