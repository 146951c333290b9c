"""Messages keep the session out of sight and derive what only people read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tkkpg.protocol.messages import (
    CreateOrderResponse,
    GetOrderInformationRequest,
    GetOrderStatusRequest,
    OrderInformation,
    RefundRequest,
    XMLOut,
)
from tkkpg.protocol.values import AZN, Amount, Language, OrderRef, OrderStatus, OrderType

SESSION = "277F3E926B1FADDA45E449B0C0E8CF76"
ABOUT: dict[str, Any] = {
    "language": Language.EN,
    "merchant_id": "E1000010",
    "order_id": 14008766,
    "session_id": SESSION,
}
XMLOUT = XMLOut(
    date=datetime.fromisoformat("2021-02-22 10:44:24"),
    order_id=14008766,
    session_id=SESSION,
    transaction_type="Purchase",
    amount_minor=3005,
    currency=AZN,
    response_description="Approved",
    order_status=OrderStatus.APPROVED,
)
INFORMATION = OrderInformation(
    order_id=14008766,
    session_id=SESSION,
    created=datetime.fromisoformat("2021-02-22 10:43:36"),
    updated=None,
    paid=None,
    merchant_id="E1000010",
    amount_minor=3005,
    currency=AZN,
    language=Language.EN,
    description="",
    approve_url="",
    cancel_url="",
    decline_url="",
    order_status=OrderStatus.CREATED,
    receipt=None,
    two_id=None,
    refund_amount_minor=None,
    refund_currency=None,
    order_type=OrderType.PURCHASE,
    refunded=None,
    two_date=None,
    two_time=None,
)
CREATED = CreateOrderResponse(order_id=14008766, session_id=SESSION, url="https://page.example/")


@pytest.mark.parametrize(
    "message",
    [
        CREATED,
        GetOrderStatusRequest(**ABOUT),
        GetOrderInformationRequest(**ABOUT),
        RefundRequest(**ABOUT, amount_minor=3005),
        INFORMATION,
        XMLOUT,
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_never_shows_the_session(message: object) -> None:
    assert SESSION not in repr(message)


@pytest.mark.parametrize("message", [CREATED, GetOrderStatusRequest(**ABOUT), XMLOUT])
def test_number_and_session_come_as_one_value(
    message: CreateOrderResponse | GetOrderStatusRequest | XMLOut,
) -> None:
    assert message.ref == OrderRef(14008766, SESSION)


def test_the_amount_on_the_screen_has_a_point_and_no_currency() -> None:
    assert (XMLOUT.amount_text, XMLOUT.currency_text) == ("30.05", "AZN")
    assert XMLOUT.amount == Amount(3005, AZN)
