"""The client as a shop's developer writes it. Never run: mypy reads it, and so should you."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import httpx2

from tkkpg.client import (
    AZN,
    NEVER,
    Amount,
    AsyncClient,
    AsyncClock,
    CallbackError,
    CardPayment,
    Client,
    Completion,
    CreatedOrder,
    Credentials,
    Endpoint,
    Language,
    NotSent,
    OperationRefused,
    OrderInformation,
    OrderOptions,
    OrderRef,
    OrdersFilter,
    OrderState,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    PendingOrders,
    Position,
    RefundOutcome,
    Reversal,
    SafeRefund,
    Timeouts,
    TKKPGError,
    XMLOut,
    is_about,
    read_return,
    read_xmlout,
)

ENDPOINT = Endpoint.test()
CREDENTIALS = Credentials("shop.crt", Path("shop.key"), ca="ca.pem", key_password="…")


def checkout(total: Decimal) -> str:
    with Client(ENDPOINT, CREDENTIALS, merchant_id="E1000010") as gateway:
        order = gateway.create_order(
            amount=Amount.of(total, AZN),
            description="Order 77",
            language=Language.AZ,
            approve_url="https://shop.example/paid/77",
            cancel_url="https://shop.example/left/77",
            decline_url="https://shop.example/declined/77",
            order_type=OrderType.PURCHASE,
        )
        assert_type(order, CreatedOrder)
        assert_type(order.ref, OrderRef)
        assert_type(order.order_id, int)
        assert_type(order.session_id, str)
        return order.payment_url


def returned(gateway: Client, stored: OrderRef, form: Mapping[str, str]) -> bool:
    try:
        xmlout = read_xmlout(form)
    except CallbackError:
        two_id = None
    else:
        assert_type(xmlout, XMLOut)
        two_id = xmlout.two_id if is_about(xmlout, stored) else None
    assert_type(two_id, int | None)
    state = gateway.get_order_status(stored)
    assert_type(state, OrderState)
    assert_type(state.order_status, OrderStatus)
    return state.order_status is OrderStatus.APPROVED


def which(query: list[tuple[str, str]]) -> int:
    return read_return(query).order_id


def give_back(gateway: Client, stored: OrderRef) -> str:
    try:
        gateway.refund(stored, amount=Amount(1000, AZN), two_id=2292054, with_fee=False)
    except NotSent as error:
        return f"again later: {error.message}"
    except OutcomeUnknown:
        information = gateway.get_order_information(stored)
        assert_type(information, OrderInformation)
        assert_type(information.refund_amount_minor, int | None)
        return "look"
    except OperationRefused as error:
        return assert_type(error.status, str)
    except TKKPGError as error:
        return str(error)
    return "done"


async def concurrently(stored: OrderRef) -> OrderState:
    timeouts = Timeouts(connect_s=3.0, read_s=25)
    async with AsyncClient(
        ENDPOINT, CREDENTIALS, merchant_id="E1000010", timeouts=timeouts
    ) as gateway:
        assert_type(await gateway.create_order(amount=Amount.of(30, AZN)), CreatedOrder)
        assert_type(await gateway.get_order_information(stored), OrderInformation)
        return await gateway.get_order_status(stored, language=Language.RU)


def by_instalments(gateway: Client, total: Amount) -> CreatedOrder:
    options = OrderOptions(
        expires_after=timedelta(minutes=15),
        change_status_url="https://shop.example/status?id=[OrderID]",
        email="payer@example.com",
        phone="+994501234567",
        fee=Amount.of("0.45", AZN),
        instalments=6,
        save_card=True,
        consent="Save my card for the next order",
        params={"Key": "77"},
        positions=(Position(text="Shoes", quantity="1", price="30.00"),),
    )
    return gateway.create_order(amount=total, options=options)


def hold_then_charge(gateway: Client, stored: OrderRef, total: Amount) -> bool:
    completion = gateway.complete(stored, amount=total, fee=Amount(45, AZN))
    assert_type(completion, Completion)
    assert_type(completion.response_code, str)
    if not completion.approved:
        return assert_type(gateway.reverse(stored, two_id=2292054), Reversal).approved
    return True


def pay_again(gateway: Client, card_uid: str, total: Amount) -> OrderStatus:
    options = OrderOptions(saved_card=card_uid, expires_after=NEVER)
    order = gateway.create_order(amount=total, options=options)
    payment = gateway.pay_with_saved_card(order.ref, amount=total, card_uid=card_uid)
    assert_type(payment, CardPayment)
    assert_type(payment.xmlout, XMLOut)
    if not payment.is_final:
        return gateway.wait_until_final(order.ref, timeout_s=60).order_status
    return payment.order_status


def give_back_once(gateway: Client, stored: OrderRef, part: Amount, so_far: Amount) -> Amount:
    try:
        result = gateway.refund_safely(stored, amount=part, refunded_before=so_far)
    except OutcomeUnknown:
        return so_far
    assert_type(result, SafeRefund)
    assert_type(result.outcome, RefundOutcome)
    assert_type(result.refusal, OperationRefused | None)
    return result.refunded


async def after_a_crash(gateway: AsyncClient, left_open: list[OrderRef]) -> list[OrderRef]:
    found = await gateway.resolve_pending(left_open)
    assert_type(found, PendingOrders)
    for ref, state in found.final.items():
        assert_type(ref, OrderRef)
        assert_type(state, OrderState)
    assert_type(found.unanswered, Mapping[OrderRef, TKKPGError])
    return [*found.still_open, *found.unanswered]


def last_approved(gateway: Client) -> int:
    orders = gateway.get_orders(OrdersFilter(status=OrderStatus.APPROVED, last_count=10))
    assert_type(orders, tuple[OrderInformation, ...])
    return sum(order.amount_minor for order in orders)


def by_another_clock(line: httpx2.WSGITransport, other: AsyncClock) -> None:
    Client(ENDPOINT, merchant_id="E1000010", transport=line, clock=time)
    Client(ENDPOINT, merchant_id="E1", transport=line, clock=other)  # type: ignore[arg-type]


def in_one_process(app: httpx2.ASGITransport, other: httpx2.WSGITransport) -> None:
    gateway = Client(ENDPOINT, merchant_id="E1000010", transport=other)
    gateway.close()
    AsyncClient(ENDPOINT, merchant_id="E1000010", transport=app)
    Client(ENDPOINT, merchant_id="E1000010", transport=app)  # type: ignore[arg-type]


def mistakes_that_types_find(gateway: Client, stored: OrderRef) -> None:
    Amount.of(30.0, AZN)  # type: ignore[arg-type]
    Client(ENDPOINT, CREDENTIALS)  # type: ignore[call-arg]
    gateway.create_order(amount=30.0)  # type: ignore[arg-type]
    gateway.create_order(Amount.of("30.00", AZN))  # type: ignore[call-arg]
    gateway.create_order(description="Order 77")  # type: ignore[call-arg]
    gateway.refund(stored, amount=1000)  # type: ignore[arg-type]
    gateway.refund(stored)  # type: ignore[call-arg]
    gateway.refund_safely(stored, amount=Amount(1, AZN))  # type: ignore[call-arg]
    gateway.pay_with_saved_card(stored, amount=Amount(1, AZN))  # type: ignore[call-arg]
    gateway.complete(stored, amount=1000)  # type: ignore[arg-type]
    OrderOptions(expires_after=15)  # type: ignore[arg-type]
    gateway.get_order_status(stored.order_id)  # type: ignore[arg-type]
    _ = gateway.refund(stored, amount=Amount(1, AZN))  # type: ignore[func-returns-value]
