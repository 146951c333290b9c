"""What may be asked for: rules that need no more than facts, each a function that refuses."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.order import NOBODYS_ORDER, Order
from tkkpg.protocol.redirect import resolve_return_url
from tkkpg.protocol.values import Operation, OperationStatus, OrderRef, OrderStatus, OrderType

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Facts
    from tkkpg.protocol.messages import CreateOrderRequest, RefundRequest

REFUND_EVENTS: Final = {
    OrderStatus.APPROVED: Event.REFUND_SENT,
    OrderStatus.REFUNDED: Event.FURTHER_REFUND_SENT,
}
"""Statuses from which money may be refunded, and the step it is."""


def check_access(merchant: Merchant | None, merchant_id: str, operation: Operation) -> Merchant:
    """Hold the merchant in the message against the certificate that brought it.

    Raises:
        PolicyRefusal: Status 10: unregistered certificate, another merchant's name, a merchant
            that is not active, or an operation it may not use.
    """
    if merchant is None:
        why = "The client certificate is not registered for any merchant here."
    elif merchant.merchant_id != merchant_id:
        why = "Order/Merchant is not the merchant of the client certificate."
    elif not merchant.active:
        why = "The merchant is not active."
    elif operation not in merchant.operations:
        why = f"The merchant has no access to {operation}."
    else:
        return merchant
    raise PolicyRefusal(why, status=OperationStatus.NOT_PERMITTED)


def check_order_request(request: CreateOrderRequest, merchant: Merchant) -> None:
    """Check what the field tables cannot: where the return URLs lead, and the order type.

    Raises:
        PolicyRefusal: Status 30.
    """
    if request.order_type is not OrderType.PURCHASE:
        message = "OrderType must be Purchase; pre-authorisation is not offered yet."
        raise PolicyRefusal(message)
    urls = {
        "ApproveURL": request.approve_url,
        "CancelURL": request.cancel_url,
        "DeclineURL": request.decline_url,
    }
    for name, url in urls.items():
        try:
            resolve_return_url(url, merchant.base_url)
        except ValueError as error:
            message = f"Order/{name} {error}."
            raise PolicyRefusal(message) from None


def check_ownership(order: Order | None, merchant_id: str, ref: OrderRef) -> Order:
    """Let an order be used only by who knows its session and owns it.

    Every comparison runs whatever the others said, against nobody's order where there is none, so
    that answer and time are the same for an unknown order, a wrong session and somebody else's.

    Args:
        order: The order with that number, if there is one.
        merchant_id: Who asks.
        ref: Number and session as sent.

    Raises:
        OrderUnknown: In all three cases.
    """
    subject = order or NOBODYS_ORDER
    same_session = compare_digest(subject.session_id.encode(), ref.session_id.encode())
    same_merchant = compare_digest(subject.merchant_id.encode(), merchant_id.encode())
    if not (same_session & same_merchant & (order is not None)):
        raise OrderUnknown
    return subject


def check_refund(request: RefundRequest, facts: Facts, two_id: int | None) -> Event:
    """Say whether an amount may be refunded now, and which step that is.

    Args:
        request: What is asked for.
        facts: The order as it is.
        two_id: TwoId of the payment, which `TranId` must repeat where it is given.

    Raises:
        PolicyRefusal: Status 30.
    """
    order = facts.order
    event = REFUND_EVENTS.get(order.status)
    if event is None:
        message = f"An order in {order.status} cannot be refunded; it must be APPROVED or REFUNDED."
        raise PolicyRefusal(message)
    if request.two_id is not None and request.two_id != two_id:
        message = "TranId is not the TwoId of this order's payment. Send that, or leave it empty."
        raise PolicyRefusal(message)
    if request.currency is not None and request.currency != order.currency:
        message = f"Refund/Currency must be {order.currency.code}, the order's own."
        raise PolicyRefusal(message)
    if request.amount_minor > order.refundable_minor:
        message = (
            f"Refund/Amount is more than the {order.refundable_minor} minor units "
            "that are left of this order."
        )
        raise PolicyRefusal(message)
    return event
