"""The one place that knows what day it is; `OVT_TODAY=2026-03-01` moves it, for tests and for looking ahead."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

from ovt.errors import UsageError

VARIABLE = "OVT_TODAY"


def today() -> date:
    """The date in UTC, so that a waiver ends at the same moment for everyone.

    Raises:
        UsageError: the variable holds no date.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{VARIABLE} is no date", why=f"found {text!r}", fix="e.g. 2026-03-01") from None
