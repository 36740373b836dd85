"""Trying again where a network or a server may be better in a moment, and not where it never will be.

A wrong secret, a missing bucket and a full disk are told at once. A lost
connection, a timeout and a server that is busy are waited for, longer each
time, with a word each time.
"""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITS = (1.0, 3.0, 10.0, 30.0)
"""Seconds before each further attempt."""
_ERRNOS = frozenset({
    errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.ETIMEDOUT, errno.EPIPE, errno.ENETUNREACH,
    errno.EHOSTUNREACH, errno.EBUSY, errno.EAGAIN, errno.EIO, errno.ENETDOWN, errno.ESTALE, errno.EREMOTEIO,
})
_NAMES = ("Timeout", "ConnectionError", "ConnectionClosed", "Disconnected", "IncompleteRead", "ChunkedEncoding",
          "ServiceUnavailable", "SlowDown", "TooManyRequests", "IncompleteBody", "ClientPayloadError")
_NEVER = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError)


def is_passing(error: BaseException) -> bool:
    """Whether the same may succeed in a moment."""
    chain = list(_chain(error))
    if any(isinstance(found, _NEVER) for found in chain):
        return False
    return any(_passing(found) for found in chain)


def patiently(action: Callable[[], None], note: Callable[[str], None], what: str) -> None:
    """Do it, again after each passing error; whatever was done stays done, so `action` goes on where it was.

    Args:
        action: raises what went wrong.
        note: told each time that it is waited for.
        what: the action in words, for the note.

    Raises:
        Exception: the last error, if it was a lasting one or there were too many.
    """
    for wait in WAITS:
        try:
            action()
        except Exception as error:
            if not is_passing(error):
                raise
            cause = next((found for found in _chain(error) if _passing(found)), error)
            note(f"{what}: {type(cause).__name__}; again in {wait:.0f} s")
            time.sleep(wait)
        else:
            return
    action()


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__


def _passing(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return True
    status = getattr(error, "status", None) or getattr(error, "status_code", None)
    if isinstance(status, int) and (status == 429 or status >= 500):
        return True
    return any(name in type(error).__name__ for name in _NAMES)
