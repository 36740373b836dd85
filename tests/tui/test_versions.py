"""Choosing versions, and the sources of both."""

from __future__ import annotations

import threading


async def test_all_versions_with_who_when_quality_and_state(open_app):
    async with open_app() as screen:
        await screen.press("v")
        text = screen.text
        assert "workspace" in text
        for part in ("A  aaaaaaa", "B  bbbbbbb main", "2023-11-14 22:13 Ada", "0.944", "0.850 disambig", "= same",
                     "add salad words", "pending 40 %", "no model", "ccccccc crowd"):
            assert part in text
        assert screen.here.startswith("› B  bbbbbbb")


async def test_space_marks_a_and_enter_compares(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "space")
        assert "A bbbbbbbbbbbb → B HEAD" in screen.text
        await screen.press("g", "enter")
        assert ("compare", "b" * 12, "workspace") in gateway.calls
        assert screen.lines[0].startswith(" ovt  bbbbbbbbbbbb")
        assert len(screen.rows()) == 8


async def test_without_a_mark_a_stays(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "g", "enter")
        assert ("compare", "HEAD~1", "workspace") in gateway.calls


async def test_x_swaps(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "x")
        assert ("compare", "HEAD", "HEAD~1") in gateway.calls


async def test_escape_chooses_nothing(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "space", "escape")
        assert [call[0] for call in gateway.calls].count("compare") == 1
        assert len(screen.rows()) == 8


async def test_another_exam_is_told(open_app, fake):
    gateway = fake.FakeGateway()
    other = fake.quality(0.0) | {"eval_set": "another"}
    gateway.reports["b" * 40, "quality.json"] = other
    async with open_app(gateway) as screen:
        await screen.press("v")
        line = next(line for line in screen.lines if "bbbbbbb" in line)
        assert "≠ other" in line
        assert "another exam than A" in screen.text


async def test_versions_are_copied_as_markdown(open_app):
    async with open_app() as screen:
        await screen.press("v", "Y")
        lines = screen.app.clipboard.splitlines()
        assert lines[0].startswith("| version | when | who | model |")
        assert len(lines) == 2 + 5


async def test_shift_r_reads_the_history_again(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "R")
        assert [call[0] for call in gateway.calls].count("versions") == 2


async def test_shift_s_shows_the_sources_and_t_their_task(open_app):
    async with open_app() as screen:
        await screen.press("S")
        assert "sources  HEAD~1 → HEAD" in screen.text
        assert "task all" in screen.text
        assert "0.710 → 0.700" in screen.text
        await screen.press("t")
        assert "task Intent · before → after · label model dawid_skene" in screen.text
        await screen.press("t", "y")
        assert screen.app.clipboard.startswith("new · Intent · new_lf · – → 10.0")
        await screen.press("q")
        assert len(screen.rows()) == 8


def line_of(screen, text: str) -> str:
    return next(line for line in screen.lines if text in line)


async def test_jobs_are_rows_with_progress(open_app, fake):
    jobs = (fake.job(2, "failed", "d", why="`keyword` needs a word"), fake.job(3, "running", "c", 0.4),
            fake.job(4, "waiting", "f"))
    async with open_app(fake.FakeGateway(job_list=jobs)) as screen:
        await screen.press("v")
        assert "running 40 %" in line_of(screen, "ccccccc crowd")
        assert "failed" in line_of(screen, "ddddddd")
        assert "waiting" in line_of(screen, "fffffff")  # of a commit that is not in the list
        assert "job 4, queued" in line_of(screen, "fffffff")
        text = await screen.press("G")
        assert "job 2 failed · `keyword` needs a word · ovt jobs log 2" in text
        text = await screen.press("k")
        assert "job 3 running · ▰▰▰▰▱▱▱▱▱▱ 40 % train: epoch 4 of 10 · ovt jobs log 3" in text


async def test_a_job_that_ends_brings_its_version(open_app, fake):
    gateway = fake.FakeGateway(job_list=(fake.job(3, "running", "c", 0.4),))
    async with open_app(gateway) as screen:
        await screen.press("v")
        versions = screen.app.screen
        versions._watch()
        await screen.settle()
        assert [call[0] for call in gateway.calls].count("versions") == 1
        gateway.job_list = (fake.job(3, "done", "c"),)
        versions._watch()
        await screen.settle()
        assert [call[0] for call in gateway.calls].count("versions") == 2
        asked = len(gateway.calls)
        versions._watch()  # nothing runs any more: nobody asks
        await screen.settle()
        assert len(gateway.calls) == asked


async def test_f_fetches_and_reads_the_history_again(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        text = await screen.press("v", "G", "f")
        assert ("fetch", "d" * 40) in gateway.calls
        assert "ddddddd: 12 objects and 1 runs fetched" in text
        assert [call[0] for call in gateway.calls].count("versions") == 2
        assert screen.here.startswith("›    ddddddd")


async def test_f_says_when_all_is_here(open_app, fake):
    async with open_app(fake.FakeGateway(fetched=fake.Fetched(0, 0))) as screen:
        assert "nothing to fetch, it is all here" in await screen.press("v", "f")


async def test_the_workspace_cannot_be_fetched(open_app, fake):
    gateway = fake.FakeGateway()
    async with open_app(gateway) as screen:
        await screen.press("v", "g", "f")
        assert "the workspace is here already" in screen.said()
        assert "fetch" not in {call[0] for call in gateway.calls}


async def test_a_fetch_that_fails_says_why_and_leaves_the_list(open_app, fake):
    gateway = fake.FakeGateway(errors={"fetch": fake.missing()})
    async with open_app(gateway) as screen:
        text = await screen.press("v", "f")
        assert "its training is pending, 40 %" in text
        assert "ovt jobs wait" in text
        assert "first version" in text


async def test_a_fetch_tells_how_far_it_is_and_escape_stops_it(open_app, fake):
    gate = threading.Event()
    gateway = fake.FakeGateway(held={"fetch": gate})
    async with open_app(gateway) as screen:
        await screen.press("v")
        await screen.pilot.press("f")
        await screen.pilot.pause(0.1)
        assert "pull: objects ▰▰▱▱▱▱▱▱▱▱ 25 % · esc stops it" in screen.text
        await screen.pilot.press("f", "escape")
        await screen.pilot.pause()
        assert any("one at a time" in said for said in screen.said())
        gate.set()
        await screen.settle()
        assert "stopped: what was fetched is kept" in screen.text
        await screen.press("escape")
        assert len(screen.rows()) == 8


async def test_a_version_without_a_model_says_how_to_get_one(open_app):
    async with open_app() as screen:
        assert "ovt run --rev ddddddd" in await screen.press("v", "G")
