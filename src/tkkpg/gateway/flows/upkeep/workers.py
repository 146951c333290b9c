"""The workers of a gateway: round after round for as long as it is open.

They pause in business time, so a move of the clock wakes them. Two go by the event loop's time: the
outbox, since what makes haste there is a promise, and whoever keeps the time itself.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.upkeep.keep_time import KEEP_EVERY_S, TimeKeeper
from tkkpg.gateway.flows.upkeep.rounds import (
    SETTLE_AGAIN,
    deliver_round,
    expire_rounds,
    reconcile_round,
    settle_round,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.runtime import Gateway
    from tkkpg.gateway.store.base import Unresolved

EXPIRE_EVERY: Final = timedelta(seconds=1)
DELIVER_EVERY_S: Final = 1.0
PAUSE_S: Final = 0.5
"""After a failure, so that what fails at once does not fail without end."""
RECONCILE_EVERY: Final = timedelta(seconds=5)


def workers(
    gateway: Gateway, left_behind: Sequence[Unresolved]
) -> list[Coroutine[None, None, None]]:
    """Give the work of an open gateway, to be run at the same time.

    Args:
        gateway: What to work with.
        left_behind: What a crash left unresolved.
    """
    clock, log = gateway.clock, gateway.log
    first_round = [left_behind]

    async def unresolved() -> None:
        """Take what a crash left behind first: two rounds at once would ask twice."""
        await reconcile_round(gateway, first_round.pop() if first_round else ())

    async def outbox() -> None:
        if await deliver_round(gateway):
            gateway.outbox.set()

    async def woken() -> None:
        # Not wait_for: Python 3.11's loses a cancellation that meets the event: closing hangs.
        with suppress(TimeoutError):
            async with asyncio.timeout(DELIVER_EVERY_S):
                await gateway.outbox.wait()

    async def until_settlement() -> None:
        await clock.sleep_until(gateway.upkeep.settle_at or clock.now() + SETTLE_AGAIN)

    return [
        _repeat(
            lambda: expire_rounds(gateway),
            lambda: clock.sleep_until(clock.now() + EXPIRE_EVERY),
            log,
        ),
        _repeat(lambda: settle_round(gateway), until_settlement, log),
        _repeat(unresolved, lambda: clock.sleep_until(clock.now() + RECONCILE_EVERY), log),
        _repeat(outbox, woken, log),
        _repeat(TimeKeeper(gateway).keep, lambda: asyncio.sleep(KEEP_EVERY_S), log),
    ]


async def _repeat(
    work: Callable[[], Awaitable[object]],
    rest: Callable[[], Awaitable[None]],
    log: FilteringBoundLogger,
) -> None:
    """Work, rest, and again; whichever fails is logged, and after a pause all goes on."""
    while True:
        for step in (work, rest):
            try:
                await step()
            except Exception:
                log.exception("worker_round_failed")
                await asyncio.sleep(PAUSE_S)
