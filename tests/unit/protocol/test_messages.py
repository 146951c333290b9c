"""Messages keep the session out of sight and derive what only people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tkkpg.protocol.messages import (
    CardRegistrationResponse,
    ClassicOrderInformation,
    CompletionRequest,
    CompletionResponse,
    CreateOrderRequest,
    CreateOrderResponse,
    GetOrderInformationRequest,
    GetOrdersResponse,
    GetOrderStatusRequest,
    OrderInformation,
    Param,
    POSField,
    PurchaseRequest,
    PurchaseResponse,
    RefundRequest,
    ReverseRequest,
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
CARD_UID = "6D1F0A2B"
PURCHASE = PurchaseRequest(
    merchant_id="E1000010",
    order_id=14008766,
    session_id=SESSION,
    amount_minor=3005,
    card_uid=CARD_UID,
)
CREATED = CreateOrderResponse(order_id=14008766, session_id=SESSION, url="https://page.example/")


@pytest.mark.parametrize(
    "message",
    [
        CREATED,
        GetOrderStatusRequest(**ABOUT),
        GetOrderInformationRequest(**ABOUT),
        CompletionRequest(**ABOUT, amount_minor=3005),
        ReverseRequest(**ABOUT),
        RefundRequest(**ABOUT, amount_minor=3005),
        PURCHASE,
        INFORMATION,
        ClassicOrderInformation(orders=(INFORMATION,)),
        GetOrdersResponse(orders=(INFORMATION,)),
        PurchaseResponse(messages=(XMLOUT,)),
        XMLOUT,
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_never_shows_the_session(message: object) -> None:
    assert SESSION not in repr(message)


@pytest.mark.parametrize(
    "message",
    [
        PURCHASE,
        CreateOrderRequest(
            language=Language.EN,
            merchant_id="E1000010",
            amount_minor=3005,
            currency=AZN,
            sender_card_uid=CARD_UID,
            params=(Param(name="CardUID", value=CARD_UID),),
        ),
        replace(
            XMLOUT,
            registrations=(
                CardRegistrationResponse(
                    pan_masked="416973XXXXXX5869", card_uid=CARD_UID, brand="VISA"
                ),
            ),
        ),
        replace(INFORMATION, params=(Param(name="CardUID", value=CARD_UID),)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_never_shows_a_saved_card(message: object) -> None:
    assert CARD_UID not in repr(message)


def test_a_completion_names_its_code_and_approval() -> None:
    codes = (POSField(name="ResponseCode", value="001"),)
    done = CompletionResponse(codes=codes, fields=(POSField(name="F", value="340623"),))

    assert (done.response_code, done.approval_code) == ("001", "340623")
    assert (CompletionResponse().response_code, CompletionResponse().approval_code) == ("", "")


@pytest.mark.parametrize("message", [CREATED, GetOrderStatusRequest(**ABOUT), PURCHASE, XMLOUT])
def test_number_and_session_come_as_one_value(
    message: CreateOrderResponse | GetOrderStatusRequest | PurchaseRequest | XMLOut,
) -> None:
    assert message.ref == OrderRef(14008766, SESSION)


def test_the_amount_on_the_screen_has_a_point_and_no_currency() -> None:
    assert (XMLOUT.amount_text, XMLOUT.currency_text) == ("30.05", "AZN")
    assert XMLOUT.amount == Amount(3005, AZN)
