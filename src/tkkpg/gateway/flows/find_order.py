"""Finding the order that a request speaks of, without telling a stranger anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.policy import check_ownership
from tkkpg.protocol.values import AZN, Language, OrderRef, OrderStatus, OrderType

if TYPE_CHECKING:
    from tkkpg.gateway.runtime import Gateway

_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
DUMMY: Final = Order(
    order_id=0,
    session_id="0" * 32,
    merchant_id="",
    order_type=OrderType.PURCHASE,
    status=OrderStatus.ERROR,
    version=1,
    amount_minor=1,
    currency=AZN,
    language=Language.AZ,
    description="",
    approve_url="",
    cancel_url="",
    decline_url="",
    created_at=_NEVER,
    updated_at=None,
    expires_at=_NEVER,
)
"""Compared with where there is no order, so that all refusals take the same way."""


async def find_order(gateway: Gateway, merchant_id: str, ref: OrderRef) -> Order:
    """Find a merchant's order by number and session; one statement.

    Raises:
        OrderUnknown: No such order, wrong session, or somebody else's: one answer for all three.
    """
    order = await gateway.store.order(ref.order_id)
    return check_ownership(order, DUMMY, merchant_id, ref)
