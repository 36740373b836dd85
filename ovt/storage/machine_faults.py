"""Faults of the machine in words: a full disk, a folder that may not be written to. They are no bugs of ovt."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ovt.errors import MissingError

if TYPE_CHECKING:
    from ovt.errors import OvtError

UNTOUCHED = "nothing was half written: the last good state is as it was"
FAULTS = {
    errno.ENOSPC: ("the disk is full", "make room, then type it again", "ovt gc"),
    errno.EDQUOT: ("your quota on this disk is used up", "make room, then type it again", "ovt gc"),
    errno.EFBIG: ("a file is larger than this system allows", "raise the limit (`ulimit -f`), type it again", None),
    errno.EROFS: ("this disk cannot be written to", "work on a disk that can", "ovt doctor"),
    errno.EACCES: ("this may not be written or read", "change the owner or the rights", "ovt doctor"),
    errno.EPERM: ("this may not be written or read", "change the owner or the rights", "ovt doctor"),
    errno.EIO: ("the disk does not answer as it should", "look at the disk, then at what is on it", "ovt fsck"),
    errno.EMFILE: ("too many files are open", "raise the limit (`ulimit -n`), then type it again", None),
    errno.ENFILE: ("too many files are open on this machine", "end other programs, then type it again", None),
}


def told(error: BaseException) -> OvtError | None:
    """The error, or what caused it, as one for the user; None if it is no fault of the machine."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FAULTS:
            what, fix, command = FAULTS[seen.errno]
            at = os.fsdecode(seen.filename) if isinstance(seen.filename, (str, bytes)) else None
            return MissingError(what, at=at, why=f"{os.strerror(seen.errno)}; {UNTOUCHED}", fix=fix, command=command)
        seen = seen.__cause__ or seen.__context__
    return None
