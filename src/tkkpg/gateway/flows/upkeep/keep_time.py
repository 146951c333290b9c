"""Keeping business time on disk, and telling the log that the machine's clock was set back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tkkpg.gateway.runtime import Gateway

KEEP_EVERY_S: Final = 10.0
"""By so much business time may go back over a crash, where nothing was stored since."""
WORTH_TELLING: Final = timedelta(seconds=1)
"""Less than this is how machines are set right all day long."""


class TimeKeeper:
    """Keeps the time of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin with a clock that nobody has set back."""
        self._gateway = gateway
        self._told = False

    async def keep(self) -> None:
        """Put business time on disk; log once that the machine is behind it, and once its end."""
        behind = await asyncio.to_thread(self._gateway.clock.keep)
        if behind >= WORTH_TELLING and not self._told:
            self._told = True
            self._gateway.log.warning(
                "machine_clock_is_behind",
                behind_s=round(behind.total_seconds()),
                advice="Business time goes at half its pace until the machine has caught up.",
            )
        elif not behind and self._told:
            self._told = False
            self._gateway.log.info("machine_clock_has_caught_up")
