"""Writing down that orders ran out of time; readers see it before that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.flows.record import GATEWAY
from tkkpg.gateway.model.decisions.payment import plan_expiry

if TYPE_CHECKING:
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 100
"""Orders per round, so that payments are not kept waiting."""


async def expire(gateway: Gateway) -> int:
    """Expire what is overdue; give the number of orders looked at."""
    overdue = await gateway.store.overdue(gateway.clock.now(), AT_ONCE)
    for order_id in overdue:
        await decide(gateway, order_id, GATEWAY, plan_expiry)
    return len(overdue)
