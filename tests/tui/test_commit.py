"""Commit from here: the message, the stages as they go, stopping, errors, what is shown next."""

from __future__ import annotations

import threading

import pytest

from ovt.errors import ProjectError
from ovt_tui.screens.commit import CommitScreen


async def started(screen, *keys: str) -> str:
    """Press keys and read the screen while the work is still held."""
    await screen.pilot.press(*keys)
    for _ in range(50):
        await screen.pilot.pause(0.02)
        if "▰" in screen.text:
            break
    return screen.text


@pytest.fixture
def gate():
    found = threading.Event()
    yield found
    found.set()


async def test_it_asks_for_the_message_and_tells_what_has_changed(open_app):
    async with open_app() as screen:
        text = await screen.press("C")
        assert "labelers/words.yaml changed" in text
        assert "label will run: labelers changed" in text
        assert "HEAD~1 → HEAD" in text


async def test_every_key_is_a_character_of_the_message(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("C", "q", "question_mark", "space", "y", "enter")
        assert ("commit", "q? y") in gateway.calls


async def test_then_the_new_version_is_compared_with_the_one_before(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway, versions=("HEAD", "workspace")) as screen:
        await screen.press("C", "m", "enter")
        assert gateway.calls.count(("compare", "HEAD~1", "HEAD")) == 1
        assert len(screen.rows()) == 8
        assert "eeeeeee: 3 files recorded" in screen.said()


async def test_without_a_message_it_only_runs_and_shows_the_workspace(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("C", "space", "enter")
        names = [call[0] for call in gateway.calls]
        assert "run" in names
        assert "commit" not in names
        assert ("compare", "HEAD", "workspace") in gateway.calls


async def test_stages_are_told_while_they_run(open_app, fake, gate):
    async with open_app(fake.FakeGateway(held={"work": gate})) as screen:
        text = await started(screen, "C", "m", "enter")
        for part in ("= compile   unchanged", "✓ label     ran", "▸ train     running    ▰▰▰▱▱▱▱▱▱▱ 30 %  epoch 3 of 10",
                     "○ evaluate  waiting", "labeling functions: 2 passes run", "esc stops the run"):
            assert part in text


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_it_is_stopped_and_the_screen_stays_until_it_has_stopped(open_app, fake, gate, key):
    gateway = fake.FakeGateway(held={"work": gate})
    async with open_app(gateway) as screen:
        await started(screen, "C", "m", "enter")
        await screen.pilot.press(key, key)
        await screen.pilot.pause()
        assert "stopping …" in screen.text
        gate.set()
        await screen.settle()
        assert "stopped: nothing was committed" in screen.text
        assert "■ train     stopped" in screen.text
        assert ("compare", "HEAD", "HEAD~1") not in gateway.calls
        assert len((await screen.press(key)) and screen.rows()) == 8


async def test_once_stopped_it_can_go_on_with_the_same_message(open_app, fake, gate):
    gateway = fake.FakeGateway(held={"work": gate})
    async with open_app(gateway) as screen:
        await started(screen, "C", "m", "enter")
        await screen.pilot.press("escape")
        gate.set()
        await screen.settle()
        await screen.press("R", "enter")
        assert gateway.calls.count(("commit", "m")) == 2
        assert len(screen.rows()) == 8


async def test_an_error_is_told_with_place_and_fix(open_app, fake):
    gateway = fake.FakeGateway(errors={"work": fake.wrong_labeler()})
    async with open_app(gateway) as screen:
        text = await screen.press("C", "m", "enter")
        for part in ("`keyword` needs at least one word", "labelers/words.yaml:7", "name a word", "ovt label", "R tries again"):
            assert part in text
        gateway.errors.clear()
        await screen.press("R", "enter")
        assert len(screen.rows()) == 8


async def test_what_has_changed_may_be_wrong_itself(open_app, fake):
    error = ProjectError("schema.json is not valid JSON", at="schema.json:3", command="ovt doctor")
    async with open_app(fake.FakeGateway(errors={"changes": error})) as screen:
        assert "schema.json:3" in await screen.press("C")


async def test_nothing_to_commit_says_so(open_app, fake):
    async with open_app(fake.FakeGateway(new_commit=None, change_list=())) as screen:
        assert "nothing has changed since HEAD" in await screen.press("C")
        assert "nothing to commit" in await screen.press("m", "enter")
        await screen.press("escape")
        assert len(screen.rows()) == 8


async def test_the_first_version_has_nothing_to_be_compared_with(open_app, fake):
    gateway = fake.FakeGateway(first=True)
    async with open_app(gateway) as screen:
        assert "ovt show" in await screen.press("C", "m", "enter")


async def test_escape_at_the_message_changes_nothing(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("C", "m", "escape")
        assert {"run", "commit"}.isdisjoint(call[0] for call in gateway.calls)
        assert [call[0] for call in gateway.calls].count("compare") == 1
        assert len(screen.rows()) == 8


async def test_leaving_the_app_stops_the_run(open_app, fake, gate):
    gateway = fake.FakeGateway(held={"work": gate})
    async with open_app(gateway) as screen:
        await started(screen, "C", "m", "enter")
        commit = screen.app.screen
        assert isinstance(commit, CommitScreen)
        stop = commit._stop
        await screen.pilot.press("ctrl+c")
        gate.set()
    assert stop.is_set()


async def test_a_long_list_of_changes_leaves_room(open_app, fake):
    many = tuple(f"labelers/{number}.yaml changed" for number in range(40))
    async with open_app(fake.FakeGateway(change_list=many), size=(80, 24)) as screen:
        text = await screen.press("C")
        assert "… and 32 more" in text
        assert "enter runs what is stale" in text


async def test_stages_are_copied(open_app, fake):
    async with open_app(fake.FakeGateway(errors={"work": fake.wrong_labeler()})) as screen:
        await screen.press("C", "m", "enter", "Y")
        assert "| train | stopped | epoch 3 of 10 |" in screen.app.clipboard
        await screen.press("y")
        assert "✓ label     ran" in screen.app.clipboard
