"""Writing down that a merchant asked for something that its order or filter does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.plan import Plan
from tkkpg.protocol.values import Operation, OperationStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.messages import Request

Reply = TypeVar("Reply")

NOTED: Final = frozenset(
    {
        Operation.COMPLETION,
        Operation.REVERSE,
        Operation.REFUND,
        Operation.PURCHASE,
        Operation.GET_ORDERS,
    }
)
"""Operations whose refusals are audited: they move money that is there, or look through orders.

A refused CreateOrder has no order, and costs no more than the log line about it.
"""
DECIDED: Final = frozenset(
    {
        OperationStatus.NOT_PERMITTED,
        OperationStatus.INVALID_MESSAGE,
        OperationStatus.WRONG_ORDER_STATUS,
        OperationStatus.ACCOUNT_SHORT,
    }
)
"""Refusals before anything was sent; what came of a sent message stands in the audit anyway."""


async def refusal_noted(
    gateway: Gateway,
    merchant: Merchant,
    operation: Operation,
    request: Request,
    work: Awaitable[Reply],
) -> Reply:
    """Do what a merchant asks for; where it is refused, leave an audit row that says so.

    A row that cannot be written is logged: it never stands in the way of the answer. Nothing is
    noted of an order that is not the merchant's: it would be another one's audit, and the time it
    takes would tell that there is such an order.

    Raises:
        Exception: Whatever the work raised.
    """
    try:
        return await work
    except PolicyRefusal as refusal:
        order_id = getattr(request, "order_id", None)  # a list is about none
        try:
            await _note(gateway, merchant, operation, order_id, refusal)
        except Exception:
            gateway.log.exception("refusal_not_noted", operation=operation, order_id=order_id)
        raise


async def _note(
    gateway: Gateway,
    merchant: Merchant,
    operation: Operation,
    order_id: int | None,
    refusal: PolicyRefusal,
) -> None:
    unknown = isinstance(refusal, OrderUnknown)
    if unknown or operation not in NOTED or refusal.status not in DECIDED:
        return
    # Refused with 10 before anybody looked whose order it is.
    looked = refusal.status is not OperationStatus.NOT_PERMITTED
    plan = Plan(
        context=context(gateway, f"merchant {merchant.merchant_id}"),
        action="request_refused",
        order_id=order_id if looked else None,
        detail={
            "operation": operation,
            "status": merchant.profile.told(refusal.status).status,
            "reason": refusal.message,
        },
    )
    await commit(gateway, plan)
