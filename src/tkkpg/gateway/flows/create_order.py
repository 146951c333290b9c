"""CreateOrder: make an order and say where its payer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.model.decisions.new_order import plan_order
from tkkpg.gateway.model.policy import check_order_request
from tkkpg.protocol.messages import CreateOrderRequest, CreateOrderResponse

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway


async def create_order(
    gateway: Gateway, merchant: Merchant, request: CreateOrderRequest
) -> CreateOrderResponse:
    """Answer CreateOrder (protocol description, 2.2).

    Raises:
        PolicyRefusal: Status 30.
        StoreUnavailable: The order is not stored.
    """
    check_order_request(request, merchant)
    ref = await gateway.ids.order_ref()
    actor = f"merchant {merchant.merchant_id}"
    await commit(gateway, plan_order(context(gateway, actor), merchant, request, ref))
    return CreateOrderResponse(
        order_id=ref.order_id, session_id=ref.session_id, url=gateway.config.page_url
    )
