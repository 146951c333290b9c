"""The client as a shop's developer writes it. Never run: mypy reads it, and so should you."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import httpx2

from tkkpg.client import (
    AZN,
    Amount,
    AsyncClient,
    CallbackError,
    Client,
    CreatedOrder,
    Credentials,
    Endpoint,
    Language,
    NotSent,
    OperationRefused,
    OrderInformation,
    OrderRef,
    OrderState,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
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
    gateway.get_order_status(stored.order_id)  # type: ignore[arg-type]
    _ = gateway.refund(stored, amount=Amount(1, AZN))  # type: ignore[func-returns-value]
