"""GetOrderInformation: everything about an order, as one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.model.errors import OrderUnknown
from tkkpg.gateway.model.xmlout import local, payment_of
from tkkpg.protocol.messages import (
    GetOrderInformationRequest,
    OrderInformation,
    UnpaidOrderInformation,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Facts
    from tkkpg.gateway.runtime import Gateway


async def get_order_information(
    gateway: Gateway, merchant: Merchant, request: GetOrderInformationRequest
) -> OrderInformation:
    """Answer GetOrderInformation (protocol description, 2.4).

    Raises:
        OrderUnknown: Status 30.
    """
    await find_order(gateway, merchant.merchant_id, request.ref)
    facts = await gateway.store.facts(request.order_id)
    if facts is None:
        raise OrderUnknown
    return information(facts, gateway.clock.now())


def information(facts: Facts, now: datetime) -> OrderInformation:
    """Write facts as the document's row; an unpaid order has empty elements (description, 7.21)."""
    order = facts.order
    paid = local(order.paid_at)
    payment = payment_of(facts.transactions) if paid else None
    kind = OrderInformation if paid else UnpaidOrderInformation
    return kind(
        order_id=order.order_id,
        session_id=order.session_id,
        created=local(order.created_at) or order.created_at,
        updated=local(order.updated_at),
        paid=paid,
        merchant_id=order.merchant_id,
        amount_minor=order.amount_minor,
        currency=order.currency,
        language=order.language,
        description=order.description,
        approve_url=order.approve_url,
        cancel_url=order.cancel_url,
        decline_url=order.decline_url,
        order_status=order.status_at(now),
        receipt=None,
        two_id=payment.two_id if payment else None,
        refund_amount_minor=order.refunded_minor if paid else None,
        refund_currency=order.currency if order.refunded_minor else None,
        order_type=order.order_type,
        fee_minor=order.fee_minor,
        refunded=local(order.refunded_at),
        two_date=paid,
        two_time=paid.time() if paid else None,
    )
