"""One round of each kind of upkeep, whether a worker's turn has come or the clock was moved."""

from __future__ import annotations

import asyncio
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.upkeep import deliver, expire
from tkkpg.gateway.flows.upkeep.reconcile import reconcile, recover
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkkpg.gateway.runtime import Gateway
    from tkkpg.gateway.store.base import Unresolved

HOST_GRACE_S: Final = 10.0
"""Beyond the host's time-out, before somebody else than the sender may touch a transaction."""
SETTLE_AGAIN: Final = timedelta(seconds=5)
"""After a settlement that failed; the next business day would be too late."""


async def expire_rounds(gateway: Gateway) -> None:
    """Expire everything that is overdue, round after round."""
    while await gateway.upkeep.expired.run(lambda: expire.expire(gateway)) == expire.AT_ONCE:
        pass


async def reconcile_round(gateway: Gateway, left_behind: Sequence[Unresolved] = ()) -> None:
    """Resolve what a crash left behind, then what nobody waits for any more."""
    grace = timedelta(seconds=gateway.config.host_timeout_s + HOST_GRACE_S)

    async def work() -> int:
        await recover(gateway, left_behind)
        sent_before = gateway.clock.now() - grace
        if gateway.upkeep.looks_old:
            await asyncio.wait(gateway.upkeep.looks_old)
            gateway.upkeep.looks_old.clear()
        return await reconcile(gateway, sent_before)

    await gateway.upkeep.reconciled.run(work)


async def settle_round(gateway: Gateway) -> None:
    """Settle every merchant, and say when the next settlement is due."""
    upkeep = gateway.upkeep

    async def work() -> int:
        now = gateway.clock.now()
        upkeep.settle_at = now + SETTLE_AGAIN
        by_day = gateway.config.settle_every_s is None
        settled = await settle(gateway, *([business_day(now)] if by_day else []))
        upkeep.settle_at = next_settlement(now, gateway.config.settle_every_s)
        return settled

    await upkeep.settled.run(work)


async def deliver_round(gateway: Gateway) -> bool:
    """Attempt some of the notifications that are due; say whether there may be more."""
    gateway.outbox.clear()
    attempted = await gateway.upkeep.notified.run(lambda: deliver.deliver(gateway))
    return attempted == deliver.AT_ONCE


def next_settlement(now: datetime, every_s: float | None) -> datetime:
    """Say when to settle next.

    Args:
        now: Business time of this settlement.
        every_s: Pause between settlements; `None` for the beginning of the next business day.
    """
    if every_s is not None:
        return now + timedelta(seconds=every_s)
    return business_day(now) + timedelta(days=1)


def business_day(now: datetime) -> datetime:
    """Give the beginning of a moment's business day: midnight in Baku."""
    return datetime.combine(now.astimezone(BAKU).date(), time(), BAKU)
