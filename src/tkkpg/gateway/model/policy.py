"""What may be asked for: rules that need no more than facts, each a function that refuses."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.order import NOBODYS_ORDER, PAID, SENDER_CARD_UID, Order
from tkkpg.protocol.redirect import resolve_return_url
from tkkpg.protocol.values import Operation, OperationStatus, OrderRef, OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import SavedCard
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Facts
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.protocol.messages import (
        CompletionRequest,
        CreateOrderRequest,
        PurchaseRequest,
        RefundRequest,
        ReverseRequest,
    )
    from tkkpg.protocol.values import Currency

REFUND_EVENTS: Final = {
    OrderStatus.APPROVED: Event.REFUND_SENT,
    OrderStatus.REFUNDED: Event.FURTHER_REFUND_SENT,
}
"""Statuses from which money may be refunded, and the step it is."""
REVERSAL_EVENTS: Final = {
    OrderStatus.APPROVED: Event.CHARGE_REVERSAL_SENT,
    OrderStatus.PREAUTH_APPROVED: Event.HOLD_REVERSAL_SENT,
}
"""Statuses of an order whose payment may be undone, and the step it is."""


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
    """Check what the field tables cannot: currency, fee, where the addresses lead.

    Raises:
        PolicyRefusal: Status 30; 10 where the merchant may not have cards saved.
    """
    if request.currency.code not in merchant.currencies:
        allowed = ", ".join(sorted(merchant.currencies))
        message = f"Order/Currency must be one that the merchant may charge in: {allowed}."
        raise PolicyRefusal(message)
    if request.order_type not in merchant.order_types:
        allowed = ", ".join(sorted(merchant.order_types))
        message = f"Order/OrderType must be one that the merchant may use: {allowed}."
        raise PolicyRefusal(message)
    if (request.fee_minor or 0) >= request.amount_minor:
        message = "Order/Fee must be less than Order/Amount."
        raise PolicyRefusal(message)
    if request.register_card and not merchant.card_registration:
        message = "The merchant may not have cards saved. Leave out Order/CardRegistration."
        raise PolicyRefusal(message, status=OperationStatus.NOT_PERMITTED)
    _check_urls(request, merchant)


def _check_urls(request: CreateOrderRequest, merchant: Merchant) -> None:
    urls = {
        "ApproveURL": request.approve_url,
        "CancelURL": request.cancel_url,
        "DeclineURL": request.decline_url,
        "AddParams/ChangeStatusURL": request.change_status_url,
    }
    for name, url in urls.items():
        try:
            called = url is request.change_status_url
            apps = frozenset() if called else merchant.return_schemes
            resolved = resolve_return_url(url, merchant.base_url, apps)
        except ValueError as error:
            message = f"Order/{name} {error}."
            raise PolicyRefusal(message) from None
        if url and resolved is None and called:
            message = f"Order/{name} must be an absolute address, or the merchant have a base."
            raise PolicyRefusal(message)


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


def check_completion(request: CompletionRequest, facts: Facts, payment: Transaction) -> None:
    """Say whether a held amount may be charged now.

    Raises:
        PolicyRefusal: Status 30 (protocol description, 2.7).
    """
    order = facts.order
    if order.status is not OrderStatus.PREAUTH_APPROVED:
        message = f"An order in {order.status} cannot be completed; it must be PREAUTH-APPROVED."
        raise PolicyRefusal(message)
    _check_currency(request.currency, order, "Currency")
    if request.amount_minor > payment.amount_minor:
        message = f"Amount is more than the {payment.amount_minor} minor units that are held."
        raise PolicyRefusal(message)
    if (request.fee_minor or 0) >= request.amount_minor:
        message = "Fee must be less than Amount."
        raise PolicyRefusal(message)


def check_reversal(request: ReverseRequest, facts: Facts, payment: Transaction) -> Event:
    """Say whether an order's payment may be undone now, and which step that is.

    Raises:
        PolicyRefusal: Status 30 (protocol description, 2.6); 95 where the order's status is why,
            which most banks tell as 30.
    """
    order = facts.order
    event = REVERSAL_EVENTS.get(order.status)
    if event is None:
        message = (
            f"An order in {order.status} cannot be reversed; "
            "it must be APPROVED or PREAUTH-APPROVED."
        )
        if order.status in PAID:
            message += " Money that was refunded once is given back by Refund alone."
        raise PolicyRefusal(message, status=OperationStatus.WRONG_ORDER_STATUS)
    _check_two_id(request.two_id, payment.two_id)
    whole = order.captured_minor or order.amount_minor
    if request.amount_minor not in {None, whole}:
        message = f"Amount must be all {whole} minor units, or absent: a reversal is never partial."
        raise PolicyRefusal(message)
    return event


def check_refund(request: RefundRequest, facts: Facts, two_id: int) -> Event:
    """Say whether an amount may be refunded now, and which step that is.

    Args:
        request: What is asked for.
        facts: The order as it is.
        two_id: TwoId of the payment, which `TranId` must repeat where it is given.

    Raises:
        PolicyRefusal: Status 30; 95 where the order's status is why, which most banks tell as 30.
    """
    order = facts.order
    event = REFUND_EVENTS.get(order.status)
    if event is None:
        message = f"An order in {order.status} cannot be refunded; it must be APPROVED or REFUNDED."
        raise PolicyRefusal(message, status=OperationStatus.WRONG_ORDER_STATUS)
    _check_two_id(request.two_id, two_id)
    _check_currency(request.currency, order, "Refund/Currency")
    if request.amount_minor > order.refundable_minor:
        message = (
            f"Refund/Amount is more than the {order.refundable_minor} minor units "
            "that are left of this order."
        )
        raise PolicyRefusal(message)
    return event


def check_purchase(
    request: PurchaseRequest, order: Order, saved: SavedCard | None, now: datetime
) -> SavedCard:
    """Say whether an order may be paid with a saved card now.

    Raises:
        PolicyRefusal: Status 30: an unknown card and another merchant's are refused alike.
    """
    owner = saved.merchant_id if saved else ""
    if saved is None or not compare_digest(owner.encode(), order.merchant_id.encode()):
        message = "CardUID is not a card that was saved for this merchant."
        raise PolicyRefusal(message)
    status = order.status_at(now)
    if status is not OrderStatus.CREATED:
        message = f"An order in {status} cannot be paid; it must be CREATED."
        raise PolicyRefusal(message)
    named = order.param(SENDER_CARD_UID)
    if named and not compare_digest(named.encode(), request.card_uid.encode()):
        message = "CardUID is not the SenderCardUID that the order was created with."
        raise PolicyRefusal(message)
    _check_currency(request.currency, order, "Currency")
    if request.amount_minor != order.amount_minor:
        message = f"Amount must be the order's {order.amount_minor} minor units."
        raise PolicyRefusal(message)
    return saved


def _check_currency(currency: Currency | None, order: Order, path: str) -> None:
    if currency is not None and currency != order.currency:
        message = f"{path} must be {order.currency.code}, the order's own."
        raise PolicyRefusal(message)


def _check_two_id(sent: int | None, two_id: int) -> None:
    """`TranId` is empty or names the payment (protocol description, 2.12, 9)."""
    if sent is not None and sent != two_id:
        message = "TranId is not the TwoId of this order's payment. Send that, or leave it empty."
        raise PolicyRefusal(message)
