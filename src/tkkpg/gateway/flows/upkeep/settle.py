"""Settlement: move what was charged to the merchants' current accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.flows.record import GATEWAY
from tkkpg.gateway.model.decisions.settlement import plan_settlement
from tkkpg.gateway.model.errors import GuardFailed
from tkkpg.gateway.store.base import EVER

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.runtime import Gateway


async def settle(gateway: Gateway, charged_before: datetime = EVER) -> int:
    """Settle what was charged before a time; give the number of merchants that it was for."""
    unsettled = await gateway.store.unsettled(charged_before)
    for one in unsettled:
        try:
            await commit(gateway, plan_settlement(context(gateway, GATEWAY), one))
        except GuardFailed:
            gateway.log.info("settled_by_another", merchant_id=one.merchant_id)
    return len(unsettled)
