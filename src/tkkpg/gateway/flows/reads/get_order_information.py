"""GetOrderInformation: everything about an order, as one row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.flows.reads.order_row import operations, order_row, params, positions
from tkkpg.gateway.model.errors import OrderUnknown
from tkkpg.protocol.messages import ClassicOrderInformation, GetOrderInformationRequest

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.messages import OrderInformation


async def get_order_information(
    gateway: Gateway, merchant: Merchant, request: GetOrderInformationRequest
) -> OrderInformation | ClassicOrderInformation:
    """Answer GetOrderInformation (protocol description, 2.4).

    Raises:
        OrderUnknown: Status 30.
    """
    await find_order(gateway, merchant.merchant_id, request.ref)
    facts = await gateway.store.facts(request.order_id)
    if facts is None:
        raise OrderUnknown
    row = replace(
        order_row(facts, gateway.clock.now()),
        params=params(facts) if request.show_params else (),
        operations=operations(facts) if request.show_operations else (),
        positions=positions(facts) if request.show_positions else (),
    )
    return ClassicOrderInformation(orders=(row,)) if request.classic_view else row
