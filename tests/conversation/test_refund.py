"""Refund: full, partial, repeated, refused; and the money on the merchant's account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway_fixtures import MERCHANT_ID, Stage, stage
from tests.golden_files import golden_cases
from tests.paying import (
    DECLINED,
    Answer,
    AnsweringHost,
    create,
    filled,
    give_up,
    paid,
    post,
    refund_request,
    settled,
    stored,
    unsettled,
)

from tkkpg.client import OperationRefused
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.gateway.model.xmlout import payment_of
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.values import AZN, Amount, OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

CASES = {case.name: case for case in golden_cases("requests", "replies")}
PRINTED = CASES["requests/document_refund"]
FILLED = CASES["requests/document_refund_filled"]
WITH_TWO_ID = CASES["requests/document_refund_with_two_id"]
DONE = CASES["replies/refund_done"].body
SHORT = CASES["replies/refund_account_short"].body
ANSWER = b"<TKKPG><Response><Operation>Refund</Operation><Status>%d</Status></Response></TKKPG>"


@asynccontextmanager
async def paid_stage(
    home: Path, amount: str = "30.00", host: AnsweringHost | None = None
) -> AsyncIterator[tuple[Stage, OrderRef]]:
    """Open a gateway with one order that is paid and settled."""
    async with stage(home, host=host) as gateway:
        ref = await paid(gateway.client, gateway.gateway, amount)
        await settled(gateway.gateway)
        yield gateway, ref


async def two_id_of(gateway: Stage, ref: OrderRef) -> int:
    """Look up the number that XMLOut tells the merchant."""
    facts = await gateway.gateway.store.facts(ref.order_id)
    payment = payment_of(facts.transactions) if facts else None
    assert payment is not None
    return payment.two_id


def account(home: Path) -> tuple[int, int]:
    """Read what the merchant's current account holds and what refunds reserve of it."""
    db = connect(home / DATABASE, writing=False)
    try:
        ((posted, reserved),) = db.execute(
            "SELECT posted_minor, reserved_minor FROM balance WHERE merchant_id = ?",
            (MERCHANT_ID,),
        ).fetchall()
    finally:
        db.close()
    return int(str(posted)), int(str(reserved))


async def test_the_documents_request_as_printed_is_30(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, PRINTED.body)
        assert reply.content == ANSWER % 30
        assert reply.headers["TKKPG-Reason"] == PRINTED.facts["reason"]


async def test_the_documents_request_filled_in_refunds_all(tmp_path: Path) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        reply = await post(gateway.exec, filled(FILLED, ref))
        assert reply.content == DONE
        order = await stored(gateway.gateway, ref)
        assert order.status is OrderStatus.REFUNDED
        assert order.refunded_minor == 3000


async def test_the_two_id_of_the_payment_may_stand_in_tran_id(tmp_path: Path) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        two_id = await two_id_of(gateway, ref)
        assert (await post(gateway.exec, filled(WITH_TWO_ID, ref, two_id))).content == DONE


async def test_another_number_in_tran_id_is_refused(tmp_path: Path) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        other = await two_id_of(gateway, ref) + 1
        reply = await post(gateway.exec, filled(WITH_TWO_ID, ref, other))
        assert reply.content == ANSWER % 30
        assert reply.headers["TKKPG-Reason"].startswith("TranId is not the TwoId")
        assert (await stored(gateway.gateway, ref)).status is OrderStatus.APPROVED


async def test_parts_are_refunded_up_to_the_orders_amount_and_no_further(tmp_path: Path) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        for amount in (1000, 500, 1499, 1):
            assert (await post(gateway.exec, refund_request(ref, amount))).content == DONE
        reply = await post(gateway.exec, refund_request(ref, 1))
        assert reply.content == ANSWER % 30
        assert (await stored(gateway.gateway, ref)).refunded_minor == 3000


@pytest.mark.parametrize("before", [0, 2000])
async def test_more_than_what_is_left_is_refused(tmp_path: Path, before: int) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        if before:
            assert (await post(gateway.exec, refund_request(ref, before))).content == DONE
        reply = await post(gateway.exec, refund_request(ref, 3001 - before))
        assert reply.content == ANSWER % 30
        assert f"more than the {3000 - before} minor units" in reply.headers["TKKPG-Reason"]
        assert (await stored(gateway.gateway, ref)).refunded_minor == before


async def test_the_clients_refund_returns_when_the_money_is_back(tmp_path: Path) -> None:
    async with paid_stage(tmp_path) as (gateway, ref):
        await gateway.client.refund(
            ref, amount=Amount.of("12.00", AZN), two_id=await two_id_of(gateway, ref)
        )
        information = await gateway.client.get_order_information(ref)
        assert information.order_status is OrderStatus.REFUNDED
        assert information.refund_amount_minor == 1200


@pytest.mark.parametrize("left", [False, True], ids=["created", "cancelled"])
async def test_an_order_that_nobody_paid_is_not_refunded(tmp_path: Path, left: bool) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        if left:
            await give_up(gateway.gateway, ref)
        reply = await post(gateway.exec, refund_request(ref, 100))
        assert reply.content == ANSWER % 30
        assert "was not paid" in reply.headers["TKKPG-Reason"]


async def test_settlement_credits_the_charge_and_a_refund_takes_it_back(tmp_path: Path) -> None:
    async with paid_stage(tmp_path, "30.00") as (gateway, ref):
        assert account(tmp_path) == (1_003_000, 0)
        await gateway.client.refund(ref, amount=Amount.of("30.00", AZN))
        assert account(tmp_path) == (1_000_000, 0)


async def test_a_charge_is_settled_once(tmp_path: Path) -> None:
    async with paid_stage(tmp_path, "30.00") as (gateway, _):
        await paid(gateway.client, gateway.gateway, "0.50")
        await settled(gateway.gateway)
        assert account(tmp_path) == (1_003_050, 0)
    async with stage(tmp_path) as again:
        await settled(again.gateway)
        assert account(tmp_path) == (1_003_050, 0)


async def test_a_refund_under_way_reserves_the_money_and_shows_on_refund(tmp_path: Path) -> None:
    host, go = AnsweringHost(), asyncio.Event()
    host.answers(TranKind.REFUND, Answer(when=go))
    async with paid_stage(tmp_path, host=host) as (gateway, ref):
        asking = asyncio.create_task(post(gateway.exec, refund_request(ref, 1000)))
        async with asyncio.timeout(5):
            while not host.count(TranKind.REFUND):  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.001)
        assert account(tmp_path) == (1_003_000, 1000)
        assert (await stored(gateway.gateway, ref)).status is OrderStatus.ON_REFUND
        second = await post(gateway.exec, refund_request(ref, 1000))
        assert second.content == ANSWER % 30
        go.set()
        assert (await asking).content == DONE
        assert account(tmp_path) == (1_002_000, 0)


@pytest.mark.parametrize("earlier", [False, True], ids=["first", "further"])
@pytest.mark.parametrize(
    ("reply", "status"), [(DECLINED, 96), (HostReply.not_sent(), 97)], ids=["declined", "not sent"]
)
async def test_a_refund_that_did_not_come_about_leaves_everything_as_it_was(
    tmp_path: Path, reply: HostReply, status: int, earlier: bool
) -> None:
    host = AnsweringHost()
    async with paid_stage(tmp_path, host=host) as (gateway, ref):
        if earlier:
            await post(gateway.exec, refund_request(ref, 500))
        before = await stored(gateway.gateway, ref)
        balance = account(tmp_path)
        host.answers(TranKind.REFUND, reply)
        answer = await post(gateway.exec, refund_request(ref, 1000))
        assert answer.content == ANSWER % status
        after = await stored(gateway.gateway, ref)
        assert (after.status, after.refunded_minor) == (before.status, before.refunded_minor)
        assert account(tmp_path) == balance


async def test_a_silent_host_is_96_and_the_refund_stays_under_way(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, HostReply.silent())
    async with paid_stage(tmp_path, host=host) as (gateway, ref):
        reply = await post(gateway.exec, refund_request(ref, 1000))
        assert reply.content == ANSWER % 96
        assert "GetOrderStatus" in reply.headers["TKKPG-Reason"]
        assert (await stored(gateway.gateway, ref)).status is OrderStatus.ON_REFUND
        assert account(tmp_path) == (1_003_000, 1000)


async def test_a_broken_host_is_96_and_the_reservation_stands_whole(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, Answer(reply=None))
    async with paid_stage(tmp_path, host=host) as (gateway, ref):
        reply = await post(gateway.exec, refund_request(ref, 1000))
        assert reply.content == ANSWER % 96
        assert reply.headers["TKKPG-Reason"].startswith("Something failed inside")
        facts = await gateway.gateway.store.facts(ref.order_id)
        assert facts is not None
        assert facts.order.status is OrderStatus.ON_REFUND
        assert facts.transactions[-1].state is TranState.SENT
        assert account(tmp_path) == (1_003_000, 1000)


async def test_a_merchant_that_hangs_up_gets_its_refund_nevertheless(tmp_path: Path) -> None:
    host, go = AnsweringHost(), asyncio.Event()
    host.answers(TranKind.REFUND, Answer(when=go))
    async with paid_stage(tmp_path, host=host) as (gateway, ref):
        asking = asyncio.create_task(post(gateway.exec, refund_request(ref, 1000)))
        async with asyncio.timeout(5):
            while not host.count(TranKind.REFUND):  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.wait({asking})
        go.set()
        await gateway.gateway.background.drain(5)
        assert (await stored(gateway.gateway, ref)).status is OrderStatus.REFUNDED
        assert host.count(TranKind.REFUND) == 1


async def test_an_account_that_is_short_is_205_and_the_order_as_before(tmp_path: Path) -> None:
    """A charge that is not settled yet is no money on the account."""
    async with unsettled(tmp_path, opening="10.00") as desk:
        ref = await paid(desk.client, desk.gateway)
        assert (await post(desk.exec, refund_request(ref, 1001))).content == SHORT
        order = await stored(desk.gateway, ref)
        assert (order.status, order.refunded_minor) == (OrderStatus.APPROVED, 0)
        assert account(tmp_path) == (1000, 0)


async def test_the_client_hears_205_with_what_to_do(tmp_path: Path) -> None:
    async with unsettled(tmp_path, opening="10.00") as desk:
        ref = await paid(desk.client, desk.gateway)
        with pytest.raises(OperationRefused, match="put money on the account") as refused:
            await desk.client.refund(ref, amount=Amount.of("30.00", AZN))
        assert refused.value.status == "205"


async def test_an_account_can_be_refunded_from_to_its_last_minor_unit(tmp_path: Path) -> None:
    async with unsettled(tmp_path, opening="10.00") as desk:
        ref = await paid(desk.client, desk.gateway)
        assert (await post(desk.exec, refund_request(ref, 1000))).content == DONE
        assert (await post(desk.exec, refund_request(ref, 1))).content == SHORT
        assert account(tmp_path) == (0, 0)
