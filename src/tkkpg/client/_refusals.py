"""From a refusal on the wire to an error that says why and what to do; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tkkpg.protocol import codes, schema
from tkkpg.protocol.errors import NotPermitted, OperationRefused, PeerFailure
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    Failure,
    GetOrdersRequest,
    OrderRequest,
    PurchaseRequest,
    Request,
)
from tkkpg.protocol.values import Language, Operation, OperationStatus

REASON_HEADER: Final = "TKKPG-Reason"
"""One sentence that says why; sent by our sandbox, the bank's gateway has none."""

REQUEST_ID_HEADER: Final = "TKKPG-Request-Id"
"""Under which the gateway's log has the request; sent by our gateway."""

SHOWN_MAX: Final = 300
"""Characters that an error repeats of what the gateway says."""

AFTER_UNKNOWN: Final = {
    Operation.CREATE_ORDER: (
        "An order may exist whose number was lost with the answer. Nobody can pay it, and it "
        "expires by itself: create a new order and send the payer to that one only."
    ),
    Operation.REFUND: (
        "Do not repeat it: the money could be returned twice. Ask get_order_status until the "
        "order is not ON-REFUND, then get_order_information: its refund_amount_minor says what "
        "has been returned. refund_safely does that by itself."
    ),
    Operation.COMPLETION: (
        "Ask wait_until_final: APPROVED means that it was carried out. PREAUTH-APPROVED means "
        "that it was not, or has not begun yet: ask once more after a minute before you repeat it."
    ),
    Operation.REVERSE: (
        "Ask wait_until_final: REVERSED means that it was carried out. Another status means that "
        "it was not, or has not begun yet: ask once more after a minute before you repeat it."
    ),
    Operation.PURCHASE: (
        "Do not repeat it and do not create another order: the card could be charged twice. Ask "
        "wait_until_final; an order that stays CREATED was not paid."
    ),
}
"""What to do when nobody knows whether a write was carried out."""

_READ_AGAIN: Final = "Asking changes nothing: ask again in a minute."

_ADVICE: Final[Mapping[str, str]] = {
    OperationStatus.NOT_PERMITTED: (
        "Check that the client's merchant_id is the CN of the certificate, and that the bank has "
        "registered the merchant for this operation and environment."
    ),
    OperationStatus.INVALID_OPERATION: (
        "This gateway does not offer the operation: ask the bank which ones it does."
    ),
    OperationStatus.WRONG_ORDER_STATUS: (
        "Nothing was moved: get_order_information says how the order stands."
    ),
    OperationStatus.ACCOUNT_SHORT: ("Nothing was moved: put money on the account, then repeat it."),
}
_INVALID_ORDER: Final = "Check amount, currency, language, texts and return addresses."
_INVALID_FILTER: Final = "Check the filter: its times, amounts, order_by and direction."
_INVALID_ABOUT_ORDER: Final = (
    "Either number and session do not belong together or to this merchant, or the order's status "
    "or amount does not allow it: compare with get_order_information."
)
_INVALID: Final[Mapping[type, str]] = {
    CreateOrderRequest: _INVALID_ORDER,
    GetOrdersRequest: _INVALID_FILTER,
}
_OPERATIONS: Final = {
    table.message: operation
    for operation, table in schema.REQUESTS.items()
    if operation is not None
}
_FAILURES: Final = {OperationStatus.SYSTEM_ERROR, OperationStatus.NO_HOST_LINK}


def refusal(request: Request, reply: Failure, headers: Mapping[str, str]) -> OperationRefused:
    """Make the error for a refused request.

    Args:
        request: What was refused.
        reply: The refusal.
        headers: Headers of the HTTP response, by name in any case.

    Returns:
        `NotPermitted` for status 10, `PeerFailure` for 96 and 97, else `OperationRefused`.
    """
    operation, status = request_operation(request), reply.status
    sentences = [
        f"{named(request)} was refused with status {_shown(status)}",
        _shown(codes.status_text(status, Language.EN)),
    ]
    if reason := headers.get(REASON_HEADER) or reply.details:
        sentences.append(f"The gateway says: {_shown(reason)}")
    if request_id := headers.get(REQUEST_ID_HEADER):
        sentences.append(f"Its number of the request is {_shown(request_id)}")
    message = f"{'. '.join(sentences)}. {_advice(request, status)}".rstrip()
    if status == OperationStatus.NOT_PERMITTED:
        return NotPermitted(message, operation=operation)
    if status in _FAILURES:
        return PeerFailure(message, status=status, operation=operation)
    return OperationRefused(message, status=status, operation=operation)


def request_operation(request: Request) -> Operation:
    """Name the operation of a request."""
    return _OPERATIONS[type(request)]


def named(request: Request) -> str:
    """Name a request for people: the operation, and the order it is about."""
    order_id = order_of(request)
    about = "" if order_id is None else f" of order {order_id}"
    return f"{request_operation(request)}{about}"


def order_of(request: Request) -> int | None:
    """Number of the order that a request is about; `None` for a new one and for many."""
    return request.order_id if isinstance(request, OrderRequest | PurchaseRequest) else None


def _advice(request: Request, status: str) -> str:
    if status in _FAILURES:
        return AFTER_UNKNOWN.get(request_operation(request), _READ_AGAIN)
    if status == OperationStatus.INVALID_MESSAGE:
        return _INVALID.get(type(request), _INVALID_ABOUT_ORDER)
    return _ADVICE.get(status, "")


def _shown(told: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in told)
    return " ".join(printable.split())[:SHOWN_MAX].rstrip(".")
