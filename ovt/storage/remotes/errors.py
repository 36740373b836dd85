"""What goes wrong between here and a remote, as errors that say what to do; without secrets.

Every kind of remote has exceptions of its own. They are told apart by what a
person would do about them: mend the secret, mend the address, or wait.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ovt.errors import MissingError
from ovt.storage.remotes.retrying import is_passing
from ovt.storage.remotes.secrets import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRANSFER_LOGGER = "dvc_data.hashfile.transfer"
"""Where DVC tells why an object could not be copied; its result names the object alone."""
_NO_SECRET = ("NoCredentials", "PartialCredentials", "CredentialRetrieval", "NoAuth", "ProfileNotFound")
_REFUSED = ("Forbidden", "AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "Authentication",
            "Unauthorized")


class _Listener(logging.Handler):
    def __init__(self, heard: list[BaseException]) -> None:
        super().__init__(logging.ERROR)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self._heard.append(record.exc_info[1])


@contextmanager
def hearing() -> Iterator[list[BaseException]]:
    """Collect the reasons for which DVC cannot copy objects; they are printed nowhere."""
    heard: list[BaseException] = []
    logger, listener = logging.getLogger(TRANSFER_LOGGER), _Listener(heard)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagate


def unusable(error: BaseException, place: str, known: Iterable[str] = ()) -> MissingError:
    """The error for a remote that cannot be used.

    Args:
        error: what a library raised.
        place: the remote's address.
        known: secrets of this project.
    """
    text = redacted(str(error), known)
    name = type(error).__name__
    why = f"{name}: {text}" if text else name
    at = redacted(place, known)
    if any(word in name for word in _NO_SECRET):
        return MissingError("no credentials for the remote", at=at, why=why,
                            fix="put them into the environment (AWS_…), or into .dvc/config.local")
    if isinstance(error, PermissionError) or any(word in f"{name} {text}" for word in _REFUSED):
        return MissingError("the remote refuses access", at=at, why=why,
                            fix="check the credentials: the environment (AWS_…), or .dvc/config.local")
    if isinstance(error, FileNotFoundError):
        return MissingError("the remote does not exist", at=at, why=why,
                            fix="make the bucket or folder, or name another", command="ovt remote add URL")
    if is_passing(error):
        return MissingError("the remote cannot be reached", at=at, why=why,
                            fix="check network and address, then try again: what was copied stays")
    return MissingError(f"the remote cannot be used: {name}", at=at, why=text or None,
                        fix="check the network, the address and the credentials")


def incomplete(failed: Iterable[str], heard: list[BaseException], what: str, known: Iterable[str] = ()) -> MissingError:
    """The error for objects that were not copied; `heard` has the reasons, its cause is the first."""
    names = sorted(failed)
    lasting = [found for found in heard if not is_passing(found)]
    cause = next(iter(lasting or heard), None)
    if isinstance(cause, PermissionError):
        error = unusable(cause, f"{len(names)} objects", known)
    else:
        why = f"{type(cause).__name__}: {redacted(str(cause), known)}" if cause else "the remote refused or broke off"
        error = MissingError(f"{len(names)} objects could not be {what}ed", at=", ".join(names[:3]), why=why,
                             fix="try again: what is there stays there", command=f"ovt {what}")
    error.__cause__ = cause
    return error


def altered(digests: Iterable[str]) -> MissingError:
    """The error for objects that the remote has, with another content than their name says."""
    names = sorted(digests)
    return MissingError(f"{len(names)} objects on the remote are damaged", at=", ".join(names[:3]),
                        why="their content does not have the hash that they are named by; they were not kept",
                        fix="find out which versions need them, and heal them from a machine that has them",
                        command="ovt fsck --remote")
