"""What is tried again and what is not."""

from __future__ import annotations

import errno

import pytest

from ovt.errors import MissingError
from ovt.storage.remotes import retrying
from ovt.storage.remotes.retrying import is_passing, patiently


class EndpointConnectionError(Exception):
    """As botocore names it."""


class AnswerError(Exception):
    """As aiohttp's errors carry a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(("error", "passing"), [
    (ConnectionResetError(), True), (TimeoutError(), True), (OSError(errno.EBUSY, "busy"), True),
    (EndpointConnectionError(), True), (AnswerError(503), True), (AnswerError(429), True), (AnswerError(404), False),
    (PermissionError(errno.EACCES, "no"), False), (FileNotFoundError(), False), (OSError(errno.ENOSPC, "full"), False),
    (ValueError("x"), False), (caused(MissingError("x"), TimeoutError()), True), (MissingError("x"), False),
    (caused(PermissionError(), TimeoutError()), False),
])
def test_passing(error: Exception, passing: bool) -> None:
    assert is_passing(error) is passing


def test_it_waits_longer_each_time_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    notes: list[str] = []
    failing = [ConnectionResetError(), caused(MissingError("x"), TimeoutError())]
    monkeypatch.setattr("time.sleep", waited.append)

    def action() -> None:
        if failing:
            raise failing.pop()

    patiently(action, notes.append, "pushing")
    assert waited == list(retrying.WAITS[:2])
    assert notes == ["pushing: TimeoutError; again in 1 s", "pushing: ConnectionResetError; again in 3 s"]


def test_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "WAITS", (0.0, 0.0))
    calls: list[int] = []

    def action() -> None:
        calls.append(1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        patiently(action, lambda _: None, "x")
    assert len(calls) == 3


def test_what_lasts_is_not_tried_again() -> None:
    calls: list[int] = []

    def action() -> None:
        calls.append(1)
        raise PermissionError

    with pytest.raises(PermissionError):
        patiently(action, lambda _: None, "x")
    assert len(calls) == 1
