"""Settlement: move what was charged to the merchants' current accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.flows.record import GATEWAY
from tkkpg.gateway.flows.upkeep.each import each
from tkkpg.gateway.model.decisions.settlement import plan_settlement
from tkkpg.gateway.model.errors import GuardFailed
from tkkpg.gateway.store.base import EVER

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.decisions.settlement import Unsettled
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 16
"""Merchants settled at a time; they share commits."""
ATTEMPTS: Final = 5
"""Counts of one merchant before it waits for the next settlement."""


async def settle(gateway: Gateway, charged_before: datetime = EVER) -> int:
    """Settle what was charged before a time; give the number of merchants that it was for.

    A charge whose reversal begins while it is counted is not paid out. Its merchant is then
    counted again with everything, where charge and reservation make nothing, so that one reversal
    after midnight does not keep a day's money from it.

    Raises:
        ExceptionGroup: Some could not be settled, each for its own reason; all others are.
        StoreUnavailable: Not all of them are settled.
    """
    unsettled = await gateway.store.unsettled(charged_before)
    failed = await each(unsettled, lambda one: _settle(gateway, one), at_once=AT_ONCE)
    for one, error in failed.items():
        error.add_note(f"It happened while merchant {one.merchant_id} was being settled.")
    if failed:
        message = "Not every merchant could be settled"
        raise ExceptionGroup(message, list(failed.values()))
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
