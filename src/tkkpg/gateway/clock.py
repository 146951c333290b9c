"""The gateway's clocks: business time, wall time and network time.

Business time rules the life of orders, settlement and retries; wall time rules certificates, TLS
and logs. Flows are handed a clock, so that time is a value that a test moves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What flows may know about time."""

    def now(self) -> datetime:
        """Business time, UTC."""
        ...

    def wall(self) -> datetime:
        """Wall time, UTC."""
        ...


class SystemClock:
    """The machine's clock for both."""

    def now(self) -> datetime:
        """Business time, UTC."""
        return datetime.now(UTC)

    def wall(self) -> datetime:
        """Wall time, UTC."""
        return datetime.now(UTC)
