"""GetOrderStatus: where an order is in its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.model.receipt import WITH_RECEIPT, receipt
from tkkpg.protocol.messages import GetOrderStatusRequest, GetOrderStatusResponse

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway


async def get_order_status(
    gateway: Gateway, merchant: Merchant, request: GetOrderStatusRequest
) -> GetOrderStatusResponse:
    """Answer GetOrderStatus (protocol description, 2.3).

    Raises:
        OrderUnknown: Status 30.
    """
    order = await find_order(gateway, merchant.merchant_id, request.ref)
    facts = await gateway.store.facts(order.order_id) if order.status in WITH_RECEIPT else None
    seen = facts.order if facts else order  # status and receipt are of one look
    return GetOrderStatusResponse(
        order_id=seen.order_id,
        order_status=seen.told_at(gateway.clock.now(), merchant.profile.refund_shown_s),
        receipt=receipt(seen, facts.merchant, facts.transactions) if facts else None,
    )
