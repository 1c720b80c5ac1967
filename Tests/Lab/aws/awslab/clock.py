"""The time as the endpoint sees it."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """The machine's time, moved by `skew` seconds: a positive skew makes the endpoint's clock run ahead."""

    def __init__(self) -> None:
        self.skew = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.skew

    def date(self) -> datetime:
        """The same as a date in UTC."""
        return datetime.fromtimestamp(self.now(), timezone.utc)


def iso_time(seconds: float) -> str:
    """A time as Run Command writes it: `2026-01-31T12:00:00.000Z`; empty for 0, which means never."""
    if not seconds:
        return ""
    date = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"
