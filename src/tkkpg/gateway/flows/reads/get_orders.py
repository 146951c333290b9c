"""GetOrders: rows of a merchant's own orders that fit a filter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.reads.order_row import order_row
from tkkpg.gateway.model.decisions.order_query import in_order, order_query, too_many
from tkkpg.gateway.model.plan import Facts
from tkkpg.protocol.messages import GetOrdersRequest, GetOrdersResponse

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.messages import OrderInformation

AT_ONCE: Final = 20
"""Rows made in one go, so that a payment in between is not kept waiting."""


async def get_orders(
    gateway: Gateway, merchant: Merchant, request: GetOrdersRequest
) -> GetOrdersResponse:
    """Answer GetOrders (protocol description, 2.11); nothing changes.

    Raises:
        PolicyRefusal: Status 30: the filter crosses a limit or contradicts itself, or more would
            have to be looked at than one question may.
    """
    now = gateway.clock.now()
    query = order_query(request.filter, merchant.merchant_id, now)
    found = await gateway.store.orders(query)
    if not found.complete:
        raise too_many(query)
    rows: list[OrderInformation] = []
    for order in found.orders:
        transactions = found.transactions[order.order_id]
        facts = Facts(order=order, merchant=merchant, transactions=transactions)
        rows.append(order_row(facts, now))
        if len(rows) % AT_ONCE == 0:
            await asyncio.sleep(0)
    return GetOrdersResponse(orders=in_order(rows, request.filter))
