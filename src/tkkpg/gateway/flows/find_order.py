"""Finding the order that a request speaks of, without telling a stranger anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.model.policy import check_ownership

if TYPE_CHECKING:
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import OrderRef


async def find_order(gateway: Gateway, merchant_id: str, ref: OrderRef) -> Order:
    """Find a merchant's order by number and session; one statement.

    Raises:
        OrderUnknown: No such order, wrong session, or somebody else's: one answer for all three.
    """
    order = await gateway.store.order(ref.order_id)
    return check_ownership(order, merchant_id, ref)
