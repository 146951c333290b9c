"""Writing down that orders ran out of time; readers see it before that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.flows.record import GATEWAY
from tkkpg.gateway.flows.upkeep.each import each
from tkkpg.gateway.model.decisions.payment import plan_expiry

if TYPE_CHECKING:
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 100
"""Orders of a round: they share one commit, and payments wait no longer than for that."""
AGAIN_AFTER: Final = timedelta(minutes=1)
"""When an order that could not be expired is tried again; readers see it expired meanwhile."""


async def expire(gateway: Gateway) -> int:
    """Expire some of what is overdue; return the number of orders looked at.

    An order that cannot be expired is logged and passed over, so that others have their turn.

    Raises:
        StoreUnavailable: Not all of them were expired.
    """
    now, passed_over = gateway.clock.now(), gateway.upkeep.passed_over
    for order_id in [known for known, again_at in passed_over.items() if again_at <= now]:
        del passed_over[order_id]
    overdue = await gateway.store.overdue(now, AT_ONCE + len(passed_over))
    due = [order_id for order_id in overdue if order_id not in passed_over][:AT_ONCE]
    failed = await each(
        due, lambda order_id: decide(gateway, order_id, GATEWAY, plan_expiry), at_once=AT_ONCE
    )
    for order_id, error in failed.items():
        gateway.log.error("order_not_expired", order_id=order_id, exc_info=error)
        passed_over[order_id] = now + AGAIN_AFTER
    return len(due)
