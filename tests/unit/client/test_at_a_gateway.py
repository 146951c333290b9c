"""The operations on an order and the conversations, held with a real gateway in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from tests.gateway_fixtures import MERCHANT_ID, SHOP, Stage, stage
from tests.paying import DECLINED, AnsweringHost, card, pay, settled, stored, submit_card
from tests.unit.client.scripted import ENDPOINT, AsyncManualClock

from tkkpg.client import (
    AZN,
    NEVER,
    Amount,
    AsyncClient,
    OperationRefused,
    OrderOptions,
    OrderRef,
    OrdersFilter,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Position,
    RefundOutcome,
)
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio

PRICE = Amount.of("30.00", AZN)
PART = Amount.of("10.00", AZN)
NOTHING = Amount(0, AZN)


@asynccontextmanager
async def shop(
    home: Path, host: AnsweringHost | None = None
) -> AsyncIterator[tuple[Stage, AsyncClient]]:
    """Open a gateway and a client of it, which does not really wait."""
    async with stage(home, host=host) as gateway:
        transport = httpx2.ASGITransport(gateway.exec)
        async with AsyncClient(
            ENDPOINT, merchant_id=MERCHANT_ID, transport=transport, clock=AsyncManualClock()
        ) as client:
            yield gateway, client


async def ordered(
    client: AsyncClient,
    order_type: OrderType = OrderType.PURCHASE,
    options: OrderOptions | None = None,
) -> OrderRef:
    """Create an order of 30.00."""
    order = await client.create_order(
        amount=PRICE,
        description="12345",
        approve_url=SHOP,
        order_type=order_type,
        options=options or OrderOptions(),
    )
    return order.ref


async def paid(gateway: Stage, client: AsyncClient) -> OrderRef:
    """Create an order, pay it and wait for the money."""
    ref = await ordered(client)
    await pay(gateway.gateway, ref)
    await settled(gateway.gateway)
    return ref


async def saved(gateway: Stage, client: AsyncClient) -> str:
    """Save a card with a payment, and give its CardUID."""
    ref = await ordered(client, options=OrderOptions(save_card=True, consent="We keep it"))
    page = await open_page(gateway.gateway, ref)
    await submit_card(gateway.gateway, page, card(gateway.gateway), register=True)
    await gateway.gateway.background.drain(5)
    information = await client.get_order_information(ref, show_params=True)
    (card_uid,) = (param.value for param in information.params if param.name == "CardUID")
    return card_uid


async def test_the_options_of_an_order_are_understood(tmp_path: Path) -> None:
    options = OrderOptions(
        expires_after=NEVER,
        instalments=6,
        email="payer@example.com",
        params={"Key": "77"},
        positions=(Position(text="Shirt", quantity="2", price="15.00"),),
    )
    async with shop(tmp_path) as (gateway, client):
        ref = await ordered(client, options=options)
        order = await stored(gateway.gateway, ref)
        information = await client.get_order_information(ref, show_params=True, show_positions=True)

    assert order.instalments == 6
    assert information.description == "12345/TAKSIT=6"
    assert information.email == "payer@example.com"
    assert ("Key", "77") in {(param.name, param.value) for param in information.params}
    assert information.positions == options.positions


async def test_a_hold_is_completed_in_part(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        ref = await ordered(client, order_type=OrderType.PRE_AUTH)
        await pay(gateway.gateway, ref)
        completion = await client.complete(ref, amount=PART, description="Delivered")
        information = await client.get_order_information(ref, show_operations=True)

    assert completion.approved
    assert completion.approval_code
    assert information.order_status is OrderStatus.APPROVED
    assert information.description == "Delivered"
    assert "Completion" in {operation.name for operation in information.operations}


async def test_a_hold_is_reversed(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        ref = await ordered(client, order_type=OrderType.PRE_AUTH)
        await pay(gateway.gateway, ref)
        reversal = await client.reverse(ref)
        state = await client.get_order_status(ref)

    assert reversal.approved
    assert state.order_status is OrderStatus.REVERSED


async def test_a_saved_card_pays_without_its_payer(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        card_uid = await saved(gateway, client)
        ref = await ordered(client, options=OrderOptions(saved_card=card_uid))
        payment = await client.pay_with_saved_card(ref, amount=PRICE, card_uid=card_uid)

    assert (payment.approved, payment.is_final) == (True, True)
    assert payment.xmlout.order_id == ref.order_id


async def test_a_saved_card_that_is_declined_is_a_value(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with shop(tmp_path, host) as (gateway, client):
        host.answers(TranKind.AUTHORISATION, HostReply.of("001", "123456", token=Secret("T0K3N")))
        card_uid = await saved(gateway, client)
        ref = await ordered(client)
        host.answers(TranKind.AUTHORISATION, DECLINED)
        payment = await client.pay_with_saved_card(ref, amount=PRICE, card_uid=card_uid)

    assert (payment.approved, payment.is_final) == (False, True)
    assert payment.response_code == "076"


async def test_orders_are_found_by_status(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        await ordered(client)
        ref = await paid(gateway, client)
        orders = await client.get_orders(OrdersFilter(status=OrderStatus.APPROVED))

    assert [order.order_id for order in orders] == [ref.order_id]


async def test_orders_left_open_are_told_from_final_ones(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        waiting, done = await ordered(client), await paid(gateway, client)
        unknown = OrderRef(1, "0" * 32)
        found = await client.resolve_pending([waiting, done, unknown])

    assert list(found.final) == [done]
    assert list(found.still_open) == [waiting]
    assert isinstance(found.unanswered[unknown], OperationRefused)


async def test_a_paid_order_is_final_and_an_unpaid_one_is_not(tmp_path: Path) -> None:
    async with shop(tmp_path) as (gateway, client):
        ref = await paid(gateway, client)
        assert (await client.wait_until_final(ref)).order_status is OrderStatus.APPROVED
        with pytest.raises(OutcomeUnknown, match="CREATED"):
            await client.wait_until_final(await ordered(client), timeout_s=20)


async def test_a_refund_is_done_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with shop(tmp_path, host) as (gateway, client):
        ref = await paid(gateway, client)
        outcomes = [
            (await client.refund_safely(ref, amount=PART, refunded_before=NOTHING)).outcome
            for _ in range(3)
        ]
        order = await stored(gateway.gateway, ref)

    assert outcomes == [
        RefundOutcome.DONE_NOW,
        RefundOutcome.DONE_BEFORE,
        RefundOutcome.DONE_BEFORE,
    ]
    assert order.refunded_minor == PART.minor
    assert host.count(TranKind.REFUND) == 1


@pytest.mark.parametrize(
    ("reply", "status"), [(DECLINED, "96"), (HostReply.not_sent(), "97")], ids=["host", "link"]
)
async def test_a_refund_that_did_not_come_about_is_declined(
    tmp_path: Path, reply: HostReply, status: str
) -> None:
    host = AnsweringHost()
    async with shop(tmp_path, host) as (gateway, client):
        ref = await paid(gateway, client)
        host.answers(TranKind.REFUND, reply)
        result = await client.refund_safely(ref, amount=PART, refunded_before=NOTHING)

    assert result.outcome is RefundOutcome.DECLINED
    assert result.refusal is not None
    assert result.refusal.status == status


async def test_a_refund_that_the_host_keeps_silent_about_is_unknown(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with shop(tmp_path, host) as (gateway, client):
        ref = await paid(gateway, client)
        host.answers(TranKind.REFUND, *[HostReply.silent()] * 99)
        with pytest.raises(OutcomeUnknown, match="still ON-REFUND"):
            await client.refund_safely(ref, amount=PART, refunded_before=NOTHING)
