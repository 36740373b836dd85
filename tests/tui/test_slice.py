"""One slice: its flips with every source's vote, its confusion, its sources."""

from __future__ import annotations

import json
import threading


def votes(screen) -> list[str]:
    """The lines of the votes table."""
    start = next(at for at, line in enumerate(screen.lines) if "vote before" in line)
    return [line for line in screen.lines[start + 1:-1] if line.strip()]


async def test_enter_opens_the_flips_with_old_and_new_and_their_probabilities(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter")
        text = await screen.rest()
        assert ("flips", "HEAD~1", "HEAD", "Intent", "disambiguation") in gateway.calls
        assert "Intent · disambiguation · accuracy 0.912 → 0.851" in text
        assert "▼ 2 broken  ▲ 1 fixed" in text
        line = next(line for line in screen.lines if "q-17" in line)
        assert line.split() == ["›", "▼", "broken", "q-17", "how", "tall", "is", "the", "president", "height",
                                "0.81", "height", "→", "0.64", "president"]


async def test_each_sources_vote_before_and_after_stands_below_and_the_deciding_one_is_marked(open_app):
    async with open_app() as screen:
        await screen.press("enter")
        await screen.rest()
        assert [line[2:].split() for line in votes(screen)] == [
            ["◆", "new_lf", "not", "there", "president", "–", "0.900", "–", "→", "+2.2", "0.34"],
            ["weak1", "president", "president", "0.710", "0.700", "-0.9", "→", "+0.8", "0.66"],
            ["weak2", "height", "height", "0.830", "0.820", "+1.6", "→", "-1.5", "0.95"],
            ["old_lf", "abstains", "not", "there", "0.600", "–", "–", "–"],
        ]
        assert "how tall is the president" in screen.text
        assert "label model  before height 0.67, president 0.33 · after president 0.82, height 0.18" in screen.text


async def test_the_votes_follow_the_highlight(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("enter")
        await screen.rest()
        await screen.press("j")
        await screen.rest()
        assert ("votes_on", "HEAD~1", "Intent", "q-21", 0) in gateway.calls
        assert ("votes_on", "HEAD", "Intent", "q-21", 0) in gateway.calls
        assert "q-21 is neither in data/ of the working tree nor in a store of these versions" in screen.text
        assert "◆" not in screen.text


async def test_a_held_key_reads_the_votes_where_it_rests_alone(open_app, fake):
    flips = tuple(fake.Flip("Intent", f"q-{at}", 0, "broken", "a", "a", "b", 0.5, 0.5, ()) for at in range(40))
    gateway = fake.FakeGateway(flip_list=flips)
    async with open_app(gateway) as screen:
        await screen.press("enter")
        await screen.rest()
        gateway.calls.clear()
        table = screen.app.screen.query_one("#flip-table")
        for _ in range(20):  # as fast as a terminal repeats a key; the pilot would wait after each
            table.action_move(1)
        await screen.rest()
        assert [call[3] for call in gateway.calls if call[0] == "votes_on"] == ["q-20", "q-20"]


async def test_b_and_f_show_one_kind_and_again_both(open_app):
    async with open_app() as screen:
        await screen.press("enter")
        assert len(screen.rows("▼ broken", "▲ fixed")) == 3
        await screen.press("b")
        assert [line[4:10] for line in screen.rows("▼ broken", "▲ fixed")] == ["broken"] * 2
        assert "broken only (b shows all)" in screen.text
        await screen.press("f")
        assert len(screen.rows("▲ fixed")) == 1
        assert not screen.rows("▼ broken")
        await screen.press("f")
        assert len(screen.rows("▼ broken", "▲ fixed")) == 3


async def test_a_kind_that_does_not_occur_can_be_left_again(open_app, fake):
    async with open_app(fake.FakeGateway(flip_list=fake.FLIPS[:2])) as screen:
        await screen.press("enter", "f")
        await screen.rest()
        assert not screen.rows("▼ broken", "▲ fixed")
        await screen.press("f")
        assert len(screen.rows("▼ broken", "▲ fixed")) == 2


async def test_space_shows_the_whole_record_as_json(open_app, fake):
    async with open_app() as screen:
        await screen.press("enter")
        await screen.rest()
        text = await screen.press("space")
        assert '"query": "how tall is the president"' in text
        await screen.press("y")
        assert json.loads(screen.app.clipboard) == fake.RECORD
        await screen.press("escape")
        assert "▼ 2 broken" in screen.text


async def test_space_on_a_record_that_is_not_here_says_so(open_app):
    async with open_app() as screen:
        await screen.press("enter", "j")
        await screen.rest()
        await screen.press("space")
        assert "this record is not on this machine" in screen.said()


async def test_a_select_task_shows_candidates_by_name(open_app, fake):
    flip = fake.Flip("IntentArg", "q-17", 0, "fixed", "1", "0", "1", 0.6, 0.7, ())
    gateway = fake.FakeGateway(flip_list=(flip,))
    gateway.votes_on = lambda *_: fake.ItemVotes((fake.SourceVote("crowd", "1", 0.8),), (("1", 0.8), ("0", 0.2)))
    async with open_app(gateway) as screen:
        await screen.press("j", "enter")
        await screen.rest()
        assert "1 Height" in votes(screen)[0]
        assert "candidates 0 President_(title) ← old ✗ · 1 Height ← gold, new ✓" in screen.text
        assert "label model  before 1 Height 0.80, 0 President_(title) 0.20" in screen.text
        line = next(line for line in screen.lines if "▲ fixed  q-17" in line)
        assert "0.60 0 President_(" in line  # named in the list too, from the stores


async def test_a_token_task_shows_the_token_in_its_sentence_and_a_bitvector_its_names(open_app, fake):
    flip = fake.Flip("EntityType", "q-17", 4, "broken", '["title"]', '["title"]', "[]", 0.6, 0.7, ())
    said = [fake.Answer("EntityType", "q-17", at, "[]", "[]", "[]", 0.9, 0.9) for at in range(4)]
    said.append(fake.Answer("EntityType", "q-17", 4, '["title"]', '["title"]', '["person"]', 0.6, 0.7))
    async with open_app(fake.FakeGateway(flip_list=(flip,), token_answers=tuple(said))) as screen:
        await screen.press("j", "j", "enter")
        await screen.rest()
        line = next(line for line in screen.lines if "▼ broken q-17" in line)
        assert line.split() == ["›", "▼", "broken", "q-17", "…", "is", "the", "⟦president⟧", "4", "title", "0.60",
                                "title", "→", "0.70", "-title"]
        assert [one.split() for one in screen.lines if one.startswith((" tokens", " gold", " old", " new"))] == [
            ["tokens", "how", "tall", "is", "the", "⟦president⟧"], ["gold", "title"], ["old", "✓"],
            ["new", "+person", "-title"]]


async def test_tabs_by_number_and_by_h_and_l(open_app):
    async with open_app() as screen:
        await screen.press("enter")
        assert "rows gold, columns predicted" in await screen.press("2")
        assert "label model dawid" in await screen.press("3")
        assert "▼ 2 broken" in await screen.press("1")
        assert "rows gold, columns predicted" in await screen.press("l")
        assert "label model dawid" in await screen.press("right")
        assert "slices/a.py:4" in await screen.press("l")
        assert "▼ 2 broken" in await screen.press("l")
        assert "slices/a.py:4" in await screen.press("h")
        assert "label model dawid" in await screen.press("left")
        assert "slices/a.py:4" in await screen.press("4")


async def test_the_confusion_shows_the_new_counts_and_their_change(open_app):
    async with open_app() as screen:
        await screen.press("enter", "2")
        assert [line.split() for line in screen.lines if "height " in line or line.startswith("  president")] == [
            ["gold", "height", "president"], ["›", "height", "90", "(-6)", "▸10"], ["president", "12", "100"]]
        await screen.press("j", "y")
        assert screen.app.clipboard == "president 12 100"


async def test_a_confusion_too_wide_for_the_terminal_becomes_a_list_of_mistakes(open_app, fake):
    names = [f"class-number-{at:02}" for at in range(30)]
    old = {gold: {gold: 5} for gold in names}
    new = {gold: {gold: 4, names[0]: at} for at, gold in enumerate(names[1:], start=1)}
    gateway = fake.FakeGateway()
    for spec, table in (("HEAD~1", old), ("HEAD", new)):
        report = fake.quality(0.0)
        report["tasks"]["Intent"]["splits"]["test"]["slices"]["disambiguation"]["confusion"] = table
        gateway.reports[spec, "quality.json"] = report
    async with open_app(gateway) as screen:
        await screen.press("enter", "2")
        first = screen.here
        assert first.split() == ["›", "class-number-29", "class-number-00", "0", "29", "+29"]


async def test_the_sources_tab_tells_new_gone_and_changed(open_app):
    async with open_app() as screen:
        await screen.press("enter", "3")
        assert [line[2:].split()[:3] for line in screen.lines if "_lf" in line or "weak" in line] == [
            ["+", "new", "new_lf"], ["-", "gone", "old_lf"], ["~", "edited", "weak1"], ["same", "weak2", "40.0"]]
        assert "label model dawid_skene" in screen.text


async def test_copying_takes_the_open_tab(open_app):
    async with open_app() as screen:
        await screen.press("enter", "y")
        row, _, why = screen.app.clipboard.partition(", because ")
        assert row == "broken Intent q-17 at 0: gold height, height 0.81 → president 0.64"
        assert why == "new_lf votes otherwise on these records"
        await screen.press("Y")
        assert screen.app.clipboard.splitlines()[0] == "| kind | record | at | gold | old | new | source |"
        await screen.press("3", "Y")
        assert screen.app.clipboard.splitlines()[2].startswith("| new | Intent | new_lf |")


async def test_q_and_escape_go_back_one_step(open_app):
    async with open_app() as screen:
        await screen.press("enter", "q")
        assert len(screen.rows()) == 8
        await screen.press("enter", "escape")
        assert len(screen.rows()) == 8


async def test_flips_that_arrive_late_do_not_pull_the_reader_back_from_another_tab(open_app, fake):
    gates = {"flips": threading.Event(), "report": threading.Event()}
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        gateway.held.update(gates)
        await screen.pilot.press("enter")
        await screen.pilot.pause(0.1)
        assert "reading flips …" in screen.text
        await screen.pilot.press("2")
        await screen.pilot.pause(0.1)
        assert "reading reports …" in screen.text
        for gate in gates.values():
            gate.set()
        await screen.rest()
        assert "rows gold, columns predicted" in screen.text
        await screen.press("j")  # the table has the keys although it came late
        assert screen.here.startswith("› president")
        assert "▼ 2 broken" in await screen.press("h")
        await screen.press("j")
        assert "q-21" in screen.here
