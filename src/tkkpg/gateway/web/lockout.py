"""Failures in a row of those who prove themselves by a password, and the lock that follows.

It is kept in this process's memory: a restart forgets it, and each process counts for itself. Only
names of merchants that have a password are counted, so made-up names fill no memory.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FAILURES_MAX: Final = 10
"""Failures in a row before the lock: a wrong setting is found in fewer."""
LOCKED_FOR: Final = timedelta(minutes=1)
"""At most 14,400 guesses a day, against passwords of twelve characters."""


class Lockout:
    """Counts failures by merchant."""

    def __init__(self) -> None:
        """Start with nobody locked."""
        self._failures: dict[str, int] = {}
        self._locked_at: dict[str, datetime] = {}

    def locks(self, merchant_id: str, now: datetime) -> bool:
        """Say whether a merchant is locked at a wall time."""
        locked_at = self._locked_at.get(merchant_id)
        # A clock that was set back unlocks: it must not lock somebody for as long as it was wrong.
        return locked_at is not None and locked_at <= now < locked_at + LOCKED_FOR

    def failed(self, merchant_id: str, now: datetime) -> None:
        """Count a failure; the tenth in a row locks, and the next ten are counted anew."""
        failures = self._failures.pop(merchant_id, 0) + 1
        if failures == FAILURES_MAX:
            self._locked_at[merchant_id] = now
        else:
            self._failures[merchant_id] = failures

    def succeeded(self, merchant_id: str) -> None:
        """Forget what failed before."""
        self._failures.pop(merchant_id, None)
