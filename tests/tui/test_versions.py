"""Choosing versions, and the sources of both."""

from __future__ import annotations


async def test_all_versions_with_who_when_quality_and_state(open_app):
    async with open_app() as screen:
        await screen.press("v")
        text = screen.text
        assert "workspace" in text
        for part in ("A  aaaaaaa", "B  bbbbbbb main", "2023-11-14 22:13 Ada", "0.944", "add salad words",
                     "pending 40 %", "no model", "ccccccc crowd"):
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
        assert " other " in line


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
