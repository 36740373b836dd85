"""Loading, empty, missing, thin and crashed: each says what is the matter and what to type."""

from __future__ import annotations

import threading

import pytest

from ovt.errors import MissingError


async def test_loading_says_what_is_compared(open_app, fake):
    gate = threading.Event()
    async with open_app(fake.FakeGateway(held={"compare": gate}), wait=False) as screen:
        await screen.pilot.pause()
        assert "comparing HEAD~1 → HEAD …" in screen.text
        await screen.pilot.press("n", "t", "m", "s", "slash", "escape", "y", "Y")  # no key may need the comparison
        gate.set()
        await screen.settle()
        assert len(screen.rows()) == 8


async def test_a_comparison_that_comes_late_does_not_replace_a_newer_one(open_app, fake):
    gate = threading.Event()
    gateway = fake.FakeGateway(held={"compare": gate})
    async with open_app(gateway, wait=False) as screen:
        await screen.pilot.pause()
        await screen.pilot.press("x")
        gate.set()
        await screen.settle()
        assert screen.lines[0].startswith(" ovt  HEAD bbbbbbb")


async def test_missing_says_why_and_what_to_type_and_shift_r_tries_again(open_app, fake):
    gateway = fake.FakeGateway(errors={"compare": fake.missing()})
    async with open_app(gateway) as screen:
        for part in ("HEAD has no model yet", "its training is pending, 40 %", "wait for it", "ovt jobs wait",
                     "v chooses other versions"):
            assert part in screen.text
        assert "verdict" not in screen.text
        gateway.errors.clear()
        await screen.press("R")
        assert len(screen.rows()) == 8


async def test_other_versions_can_be_chosen_when_these_are_missing(open_app, fake):
    gateway = fake.FakeGateway(errors={"compare": fake.missing()})
    async with open_app(gateway) as screen:
        await screen.press("v")
        gateway.errors.clear()
        await screen.press("G", "enter")
        assert len(screen.rows()) == 8


async def test_a_crash_is_told_with_its_place_and_the_app_goes_on(open_app, fake):
    gateway = fake.FakeGateway(errors={"compare": ZeroDivisionError("division by zero")})
    async with open_app(gateway) as screen:
        assert "ovt crashed while reading comparison" in screen.text
        assert "ZeroDivisionError: division by zero" in screen.text
        assert "ovt doctor" in screen.text
        await screen.press("question_mark")
        assert "what the signs mean" in screen.text


async def test_a_history_that_cannot_be_read_only_leaves_its_column_out(open_app, fake):
    async with open_app(fake.FakeGateway(errors={"lineage": RuntimeError("no git")})) as screen:
        assert len(screen.rows()) == 8
        assert "last 10" not in screen.text


async def test_nothing_to_compare_says_what_to_type(open_app, fake):
    async with open_app(fake.FakeGateway(diff=fake.make_diff(()))) as screen:
        assert "no test record in common" in screen.text
        assert "ovt run" in screen.text


async def test_thin_alone_says_what_it_means(open_app, fake):
    row = fake.row("Intent", "rare", n=4, verdict="thin", low=None, high=None)
    async with open_app(fake.FakeGateway(diff=fake.make_diff((row,)))) as screen:
        assert "░ 1 thin" in screen.text
        assert "too few test records for a verdict" in screen.text


async def test_no_flips_says_where_to_go(open_app, fake):
    async with open_app(fake.FakeGateway(flip_list=())) as screen:
        text = await screen.press("enter")
        assert "No record of this slice changed" in text
        assert "2 confusion" in text
        await screen.press("l", "escape")
        assert len(screen.rows()) == 8


async def test_flips_that_are_elsewhere_say_what_to_type(open_app, fake):
    gone = MissingError("`build/predictions.parquet` of `HEAD~1` is not on this machine", command="ovt pull HEAD~1")
    async with open_app(fake.FakeGateway(errors={"flips": gone})) as screen:
        assert "ovt pull HEAD~1" in await screen.press("enter")


async def test_votes_that_are_elsewhere_say_so_under_the_flips(open_app, fake):
    gone = MissingError("`build/labels` of `HEAD` is not on this machine", command="ovt pull HEAD")
    async with open_app(fake.FakeGateway(errors={"votes_on": gone})) as screen:
        await screen.press("enter")
        text = await screen.rest()
        assert "`build/labels` of `HEAD` is not on this machine" in text
        assert "▼ broken q-17" in text


@pytest.mark.parametrize("tab", ["2", "3"])
async def test_reports_that_are_missing_say_what_to_type(open_app, fake, tab):
    gateway = fake.FakeGateway(reports={(spec, name): None for spec in ("HEAD~1", "HEAD")
                                        for name in ("quality.json", "sources.json")})
    async with open_app(gateway) as screen:
        text = await screen.press("enter", tab)
        assert "Neither version" in text
        assert "ovt run" in text


@pytest.mark.parametrize(("key", "method"), [("v", "versions"), ("S", "report")])
async def test_every_other_screen_tells_its_own_trouble(open_app, fake, key, method):
    async with open_app() as screen:
        screen.app.screen.gateway.errors[method] = fake.missing()
        assert "ovt jobs wait" in await screen.press(key)
        await screen.press("escape")
        assert len(screen.rows()) == 8


async def test_a_repository_without_commits(open_app, fake):
    async with open_app(fake.FakeGateway(version_list=())) as screen:
        assert "ovt commit" in await screen.press("v")


async def test_a_crash_of_a_worker_leaves_its_traceback_in_the_project(open_app, fake, tmp_path):
    (tmp_path / "schema.json").write_text("{}")
    gateway = fake.FakeGateway(errors={"compare": ZeroDivisionError("division by zero")})
    async with open_app(gateway, root=tmp_path) as screen:
        (log,) = (tmp_path / ".ovt" / "logs").glob("crash-*.log")
        assert "ZeroDivisionError: division by zero" in log.read_text()
        assert "crash-" in screen.text


def test_a_crash_of_the_app_itself_reaches_the_command_line_without_pages_of_source(tmp_path, monkeypatch, capfd):
    from ovt.project import Project
    from ovt_tui import app as module

    class Broken(module.SliceApp):
        def on_mount(self) -> None:
            raise ZeroDivisionError("drawn by zero")

        def run(self, *args, **options):
            return super().run(*args, **options, headless=True)

    (tmp_path / "schema.json").write_text("{}")
    monkeypatch.setattr(module, "SliceApp", Broken)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(ZeroDivisionError, match="drawn by zero"):
        module.run_app(Project(tmp_path), "HEAD~1", "HEAD")
    assert "locals" not in "".join(capfd.readouterr())
