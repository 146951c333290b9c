"""Settlement: move what was charged to the merchants' current accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.flows.record import GATEWAY
from tkkpg.gateway.model.decisions.settlement import plan_settlement
from tkkpg.gateway.model.errors import GuardFailed
from tkkpg.gateway.store.base import EVER

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.decisions.settlement import Unsettled
    from tkkpg.gateway.runtime import Gateway

ATTEMPTS: Final = 5
"""Counts of one merchant before it waits for the next settlement."""


async def settle(gateway: Gateway, charged_before: datetime = EVER) -> int:
    """Settle what was charged before a time; give the number of merchants that it was for.

    A charge whose reversal begins while it is counted is not paid out. Its merchant is then
    counted again with everything, where charge and reservation make nothing, so that one reversal
    after midnight does not keep a day's money from it.
    """
    unsettled = await gateway.store.unsettled(charged_before)
    for one in unsettled:
        await _settle(gateway, one)
    return len(unsettled)


async def _settle(gateway: Gateway, counted: Unsettled) -> None:
    account = (counted.merchant_id, counted.currency)
    for _ in range(ATTEMPTS):
        try:
            await commit(gateway, plan_settlement(context(gateway, GATEWAY), counted))
        except GuardFailed:
            again = [
                one
                for one in await gateway.store.unsettled()
                if (one.merchant_id, one.currency) == account
            ]
            if not again:
                return  # somebody else was faster
            (counted,) = again
        else:
            return
    gateway.log.warning("settlement_overtaken", merchant_id=counted.merchant_id)
